/** How much memory a member says that it uses: `process_resident_memory_bytes` of its /metrics. */
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { type ClientTls, parseEndpoint } from '../../client/calls.ts';

const timeoutMs = 10_000;

/** @returns bytes; undefined when the endpoint does not tell */
export async function residentMemoryBytes(endpoint: string, tls: ClientTls | undefined): Promise<number | undefined> {
  const { host, port, tls: wanted } = parseEndpoint(endpoint);
  const secure = wanted === 'yes' || (wanted === 'if-configured' && tls !== undefined);
  const at = { host, port, path: '/metrics', agent: false, signal: AbortSignal.timeout(timeoutMs) };
  const options: https.RequestOptions = {
    ...at,
    ...(secure && { ca: pem(tls?.ca), cert: pem(tls?.cert), key: pem(tls?.key) }),
    ...(secure && { rejectUnauthorized: tls?.insecureSkipVerify !== true }),
  };
  try {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      (secure ? https.get(options, resolve) : http.get(options, resolve)).once('error', reject);
    });
    return parseResidentMemory(await text(response));
  } catch {
    return undefined;
  }
}

/** @param metrics in Prometheus' text form */
export function parseResidentMemory(metrics: string): number | undefined {
  const value = Number(/^process_resident_memory_bytes ([\d.e+]+)$/m.exec(metrics)?.[1]);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

const pem = (value: string | Uint8Array | undefined): string | Buffer | undefined =>
  value === undefined || typeof value === 'string' ? value : Buffer.from(value);
