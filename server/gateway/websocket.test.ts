import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Logger } from '../base/logger.ts';
import { KVService } from '../proto/gen/rpc.ts';
import { unary } from '../rpc/mod.ts';
import { TestServer, type TestServerOptions } from '../rpc/testing/test-server.ts';

const logger = new Logger({ enabled: () => false, write: () => {} }, 'test');
let server: TestServer;
const sockets: WebSocket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await server.close();
});

async function start(options: Partial<TestServerOptions> = {}): Promise<void> {
  server = await TestServer.start({ logger, ...options });
}

/** A WebSocket of Node's own client, what it was told, and how it was closed. */
async function open(path: string, protocols: string[] = []) {
  const socket = new WebSocket(`ws://127.0.0.1:${server.listener.port}${path}`, protocols);
  sockets.push(socket);
  const told: unknown[] = [];
  socket.addEventListener('message', ({ data }) => told.push(JSON.parse(data)));
  const closed = once(socket, 'close').then(([{ code, reason }]) => ({ code, reason }));
  await once(socket, 'open');
  return { socket, told, closed };
}

/** What the server answers to a request for a WebSocket that it does not grant. */
async function refusal(path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const request = http.get({
    ...{ host: '127.0.0.1', port: server.listener.port, path, agent: false },
    headers: {
      ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      ...{ 'sec-websocket-key': Buffer.alloc(16).toString('base64'), ...headers },
    },
  });
  try {
    const upgraded = once(request, 'upgrade').then(() => 101);
    const answered = once(request, 'response').then(([response]) => response.statusCode as number);
    upgraded.catch(() => {});
    answered.catch(() => {});
    return await Promise.race([upgraded, answered]);
  } finally {
    request.destroy();
  }
}

/** A short frame of a client, masked with nothing. */
function clientFrame(first: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

const create = (key: string) => JSON.stringify({ create_request: { key: Buffer.from(key).toString('base64') } });

describe('the gateway over a WebSocket', () => {
  test('takes the requests of a stream as messages, text or binary, and answers with messages', async () => {
    await start();
    const { socket, told } = await open('/v3/watch');
    socket.send(create('a'));
    socket.send(Buffer.from(create('b') + create('c')));
    await vi.waitFor(() => expect(told).toHaveLength(3), 10_000);
    expect(told).toMatchObject([
      { result: { created: true } },
      { result: { created: true, watch_id: '1' } },
      { result: { created: true, watch_id: '2' } },
    ]);
  });

  test('ends the call when the client closes', async () => {
    await start();
    const watchers = (count: number) =>
      vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(count), 10_000);
    const { socket, closed } = await open('/v3/watch');
    socket.send(create('a'));
    await watchers(1);
    socket.close();
    expect(await closed).toMatchObject({ code: 1000 });
    await watchers(0);
  });

  test('ends the call of a client that has gone while nothing was read of it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let call: AbortSignal | undefined;
    const range = unary(KVService.Range, async (_, { signal }) => {
      call = signal;
      await once(signal, 'abort');
      throw new Error('gone');
    });
    try {
      await start({ methods: [range] });
      const client = net.connect(server.listener.port as number, '127.0.0.1');
      await once(client, 'connect');
      const head = ['GET /v3/kv/range HTTP/1.1', 'Host: m', 'Connection: Upgrade', 'Upgrade: websocket'];
      head.push('Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`);
      client.write(`${head.join('\r\n')}\r\n\r\n`);
      client.write(clientFrame(0x81, '{}'));
      let answers = Buffer.alloc(0);
      client.on('data', (bytes: Buffer) => {
        answers = Buffer.concat([answers, bytes]);
      });
      await vi.waitFor(() => expect(call).toBeDefined(), 10_000);
      // The call reads one message: the second one stops the server from reading on, which its pong says it has seen.
      client.write(Buffer.concat([clientFrame(0x81, '{}'), clientFrame(0x89, '?')]));
      await vi.waitFor(() => expect(answers.includes(Buffer.from([0x8a, 1, 0x3f]))).toBe(true), 10_000);
      // What nobody reads keeps the end behind it from being seen.
      client.write(clientFrame(0x81, '{}'));
      client.destroySoon();
      await vi.waitFor(() => {
        vi.advanceTimersByTime(30_000);
        expect(call?.aborted).toBe(true);
      }, 10_000);
    } finally {
      vi.useRealTimers();
    }
  });

  test('answers a call of one message, errors too, and closes', async () => {
    await start();
    const asked = await open('/v3/kv/range');
    asked.socket.send(JSON.stringify({ key: 'YQ==' }));
    expect(await asked.closed).toMatchObject({ code: 1000 });
    expect(asked.told).toMatchObject([{ header: {} }]);
    const lost = await open('/v3beta/nothing');
    expect(await lost.closed).toMatchObject({ code: 1000 });
    expect(lost.told).toEqual([{ code: 5, message: 'Not Found' }]);
  });

  test('takes a token from the subprotocol', async () => {
    await start();
    const tokens: (string | undefined)[] = [];
    server.member.range = async (_, caller) => {
      tokens.push(caller?.metadata('authorization'));
      throw new Error('seen');
    };
    const { socket, closed } = await open('/v3/kv/range', ['Bearer', 'abc.7']);
    expect(socket.protocol).toBe('Bearer');
    socket.send('{}');
    await closed;
    expect(tokens).toEqual(['Bearer abc.7']);
  });

  test('is closed with a reason on a message that is too long', async () => {
    await start();
    const { socket, closed } = await open('/v3/watch');
    socket.send('x'.repeat(100_001));
    expect(await closed).toEqual({ code: 1009, reason: 'a message is longer than 100000 bytes' });
  });

  test('ends when the server stops', async () => {
    await start();
    const { socket, told, closed } = await open('/v3/watch');
    socket.send(create('a'));
    await vi.waitFor(() => expect(told).toHaveLength(1), 10_000);
    server.dispatcher.stop(1000);
    expect(await closed).toMatchObject({ code: 1000 });
    expect(told[1]).toMatchObject({ error: { message: 'etcdserver: server stopped' } });
  });

  test('is for pages of the origins that may ask, and for programs', async () => {
    await start({ cors: ['https://good.example'] });
    expect(await refusal('/v3/watch')).toBe(101);
    expect(await refusal('/v3/watch', { origin: 'https://good.example' })).toBe(101);
    expect(await refusal('/v3/watch', { origin: 'https://evil.example' })).toBe(501);
  });

  test('is nowhere else, and of one version', async () => {
    await start();
    expect(await refusal('/health')).toBe(200);
    expect(await refusal('/v3/watch', { 'sec-websocket-version': '8' })).toBe(501);
    expect(await refusal('/v3/watch', { 'sec-websocket-key': 'short' })).toBe(501);
    expect(await refusal('/v3/watch', { upgrade: 'h2c' })).toBe(501);
  });
});
