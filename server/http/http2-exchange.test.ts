import { afterEach, expect, test } from 'vitest';
import { FrameType } from '../h2/protocol.ts';
import { RawClient } from '../h2/testing/raw-client.ts';
import type { HttpHandler, HttpRequest } from './exchange.ts';
import { serveHttp2 } from './http2-exchange.ts';

const clients: RawClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function connect(handler: HttpHandler): RawClient {
  const client = new RawClient((stream) =>
    serveHttp2(handler, stream, { secure: true, remoteAddress: '127.0.0.1:1' }),
  ).begin();
  clients.push(client);
  return client;
}

function get(client: RawClient, streamId: number, method: string, more: readonly (readonly [string, string])[] = []) {
  const fields = [
    ...[':method', method, ':scheme', 'https', ':path', '/a%20b?c=d', ':authority', 'host:1'],
    ...more.flat(),
  ];
  const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [{ name, value: fields[at + 1] as string }] : []));
  return client.frame(FrameType.HEADERS, 5, streamId, client.block(pairs));
}

test('a request arrives with its target, and fields of one name joined', async () => {
  let seen: HttpRequest | undefined;
  const client = connect(async (request) => {
    seen = request;
    return { status: 200, headers: { 'X-Case': 'yes' }, body: 'ok' };
  });
  const twice = [
    ['cookie', 'a=1'],
    ['cookie', 'b=2'],
    ['x-list', '1'],
    ['x-list', '2'],
  ] as const;
  await get(client, 1, 'GET', twice).settle();
  expect([seen?.path, seen?.query.get('c'), seen?.headers.host]).toEqual(['/a b', 'd', 'host:1']);
  expect([seen?.headers.cookie, seen?.headers['x-list']]).toEqual(['a=1; b=2', '1, 2']);
  expect(client.answers()[0]?.fields).toEqual([':status: 200', 'x-case: yes', 'content-length: 2']);
  expect(client.body(1).toString()).toBe('ok');
});

test('HEAD gets the fields that GET would get, and no body', async () => {
  async function* endless(): AsyncGenerator<string> {
    for (;;) yield 'more';
  }
  const bodies = ['text', endless()];
  const client = connect(async () => ({ status: 200, headers: {}, body: bodies.shift() ?? '' }));
  await get(client, 1, 'HEAD').settle();
  await get(client, 3, 'HEAD').settle();
  expect(client.received(FrameType.DATA)).toEqual([]);
  expect([client.hasEnded(1), client.hasEnded(3)]).toEqual([true, true]);
  expect(client.answers()[0]?.fields).toContain('content-length: 4');
});

test('a body is sent as fast as it is taken, and given up when its client goes', async () => {
  let pieces = 0;
  let isClosed = false;
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        pieces++;
        yield 'x'.repeat(10_000);
      }
    } finally {
      isClosed = true;
    }
  }
  const client = connect(async () => ({ status: 200, headers: {}, body: endless() }));
  await get(client, 1, 'GET').settle();
  expect(client.body(1)).toHaveLength(65_535);
  expect(pieces).toBe(7);
  await client.number(FrameType.RST_STREAM, 1, 8).settle();
  expect(isClosed).toBe(true);
});
