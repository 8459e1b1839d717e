/** Noise at the HTTP side of the client port: each request is answered with a status, and the next is served. */
import net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Logger, type LogRecord } from '../../../server/base/logger.ts';
import { gatewayRoutes } from '../../../server/gateway/routes.ts';
import { TestServer } from '../../../server/rpc/testing/test-server.ts';

const errors: LogRecord[] = [];
const logger = new Logger({ enabled: (level) => level === 'error', write: (record) => errors.push(record) }, 'test');
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ logger });
});
afterAll(() => server.close());

/** Sends bytes on a connection of their own. @returns what comes back until the server, or this side, has enough */
function exchange(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = net.connect(server.listener.port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

async function stillServes(): Promise<void> {
  const answer = await exchange(Buffer.from('GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'));
  expect(answer).toContain('{"health":"true","reason":""}');
  expect(errors).toEqual([]);
}

const path = fc.oneof(
  fc
    .constantFrom(...[...gatewayRoutes.keys()].filter((route) => !/watch|snapshot|lock|election/.test(route)))
    .map((route) => `/v3/${route}`),
  fc.constantFrom(
    '/health',
    '/livez/x',
    '/readyz?verbose&exclude=',
    '/metrics',
    '/version',
    '/v3',
    '/v3beta/',
    '/%zz',
    '//',
    '*',
  ),
  fc.webPath(),
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'CONNECT', 'TRACE');
const body = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc
    .dictionary(
      fc.constantFrom(
        'key',
        'range_end',
        'limit',
        'ID',
        'TTL',
        'name',
        'compare',
        'success',
        'action',
        'alarm',
        'version',
      ),
      fc.oneof(
        fc.json(),
        fc.base64String().map((text) => JSON.stringify(text)),
        fc.bigInt().map(String),
      ),
    )
    .map(
      (fields) =>
        `{${Object.entries(fields)
          .map(([name, value]) => `"${name}":${value}`)
          .join()}}`,
    ),
);
const header = fc.tuple(
  fc.constantFrom(
    'authorization',
    'grpc-timeout',
    'grpc-metadata-hasleader',
    'content-type',
    'origin',
    'accept',
    'expect',
  ),
  fc.stringMatching(/^[ -~]{0,20}$/),
);

describe('the HTTP port', () => {
  test('answers any well-formed request with a status', async () => {
    const request = fc.record({ method, path, body, headers: fc.array(header, { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(request, async ({ method: verb, path: target, body: content, headers }) => {
        const head = [
          `${verb} ${target || '/'} HTTP/1.1`,
          ...['host: a', 'connection: close', `content-length: ${Buffer.byteLength(content)}`],
          ...headers.map(([name, value]) => `${name}: ${value}`),
        ];
        const answer = await exchange(Buffer.from(`${head.join('\r\n')}\r\n\r\n${content}`));
        // CONNECT is for proxies: the connection is closed.
        if (verb !== 'CONNECT') expect(answer).toMatch(/^HTTP\/1\.1 (100|[2-5]\d\d) /);
      }),
      { numRuns: 150 },
    );
    await stillServes();
  });

  test('survives bytes that are no request', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'GET / HTTP/1.1\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
        'POST /v3/kv/put HTTP/1.1\r\n',
        '\r\n\r\n',
        'PRI',
      ),
      fc.constantFrom(
        'content-length: 5\r\n',
        'transfer-encoding: chunked\r\n',
        'host: a\r\n',
        '5\r\n',
        '\0\0\0\x04\0\0\0\0\0',
      ),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (pieces) => {
        await exchange(Buffer.from(pieces.join(''), 'latin1'));
      }),
      { numRuns: 150 },
    );
    await stillServes();
  });
});
