/** Where Prometheus finds the metrics: on a loopback port, or in a file for node_exporter. */
import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { LabError } from '../../../toolkit/errors.ts';
import { writeFileAtomically } from '../../../toolkit/hosts/atomic-file.ts';
import type { ServiceMetrics } from './watch-over.ts';

const writeEveryMs = 10_000;
/** A scrape takes milliseconds; nobody else may hold a connection. */
const requestTimeoutMs = 5000;

/**
 * @param address `127.0.0.1:PORT` or `[::1]:PORT`
 * @throws LabError LAB_USAGE for another address: the metrics are not protected by anything
 */
export function parseMetricsAddress(address: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^\[?([0-9a-fA-F.:]+?)\]?:([0-9]{1,5})$/.exec(address) ?? [];
  const isLoopback = host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (isLoopback && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new LabError('LAB_USAGE', `--metrics takes an address of this machine alone, not '${address}'`, {
    advice: '--metrics 127.0.0.1:9120',
  });
}

/**
 * Serves `/metrics` until `close` is called.
 *
 * @returns the URL; another than was asked for when that was port 0
 * @throws LabError LAB_PORT when the port is taken
 */
export async function serveMetrics(
  { host, port }: { host: string; port: number },
  metrics: ServiceMetrics,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      if (request.method !== 'GET' || request.url !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('only GET /metrics\n');
        return;
      }
      metrics.text().then(
        (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    },
  );
  server.maxConnections = 16;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new LabError('LAB_PORT', `cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address();
  const shown = typeof bound === 'object' && bound !== null ? bound.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${shown}/metrics`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * Writes the metrics into a file, now and every ten seconds, until the returned function is called, which writes them
 * once more.
 *
 * @param onTrouble told of each attempt that failed
 */
export async function writeMetrics(
  file: string,
  metrics: ServiceMetrics,
  onTrouble: (error: unknown) => void,
): Promise<() => Promise<void>> {
  // Others read it: node_exporter has a user of its own.
  const write = async (): Promise<void> => writeFileAtomically(file, await metrics.text(), 0o644).catch(onTrouble);
  await write();
  const timer = setInterval(() => void write(), writeEveryMs);
  return async () => {
    clearInterval(timer);
    await write();
  };
}
