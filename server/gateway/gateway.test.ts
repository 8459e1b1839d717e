import http from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Logger } from '../base/logger.ts';
import { TestServer } from '../rpc/testing/test-server.ts';

const logger = new Logger({ enabled: () => false, write: () => {} }, 'test');
let server: TestServer;
let url: string;

beforeEach(async () => {
  server = await TestServer.start({ logger });
  url = `http://127.0.0.1:${server.listener.port}/v3`;
});
afterEach(() => server.close());

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/${path}`, { method: 'POST', body, headers });

/** A request whose body goes on as long as the test likes, and whose answer is read as it comes. */
function openStream(path: string): {
  request: http.ClientRequest;
  lines: AsyncGenerator<string>;
  response: Promise<http.IncomingMessage>;
} {
  const request = http.request(`${url}/${path}`, { method: 'POST', agent: false });
  request.on('error', () => {});
  const response = new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
  async function* lines(): AsyncGenerator<string> {
    let rest = '';
    for await (const chunk of await response) {
      const parts = `${rest}${chunk}`.split('\n');
      rest = parts.pop() as string;
      yield* parts;
    }
  }
  return { request, lines: lines(), response };
}

describe('a stream over the gateway', () => {
  test('takes requests and sends answers at the same time', async () => {
    const { request, lines } = openStream('watch');
    request.write('{"create_request":{"key":"YQ=="');
    request.write('}}');
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ result: { created: true } });
    request.write('{"create_request":{"key":"Yg==","watch_id":"7"}}');
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ result: { created: true, watch_id: '7' } });
    request.destroy();
  });

  test('goes on when the client has said all that it has to say', async () => {
    const { request, lines } = openStream('watch');
    request.end('{"create_request":{"key":"YQ=="}}');
    await lines.next();
    await vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(1), 10_000);
    request.destroy();
  });

  test('ends on the server when the client goes', async () => {
    const { request, lines } = openStream('watch');
    request.write('{"create_request":{"key":"YQ=="}}');
    await lines.next();
    expect(server.member.watches.stats().watchers).toBe(1);
    request.destroy();
    await vi.waitFor(() => expect(server.member.watches.stats().watchers).toBe(0), { timeout: 10_000 });
  });

  test('ends with an error in its last line', async () => {
    const answer = await post('watch', '{"create_request":{"key":"YQ=="}}', { 'grpc-timeout': '300m' });
    const [created, error] = (await answer.text()).trimEnd().split('\n');
    expect(created).toContain('"created":true');
    expect(error).toBe('{"error":{"code":4,"message":"context deadline exceeded"}}');
  });

  test('says what is wrong with a request', async () => {
    const refused = await post('watch', '{"create_request":1}');
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 3 }]);
    const later = await post('lease/keepalive', '{"ID":"5"} oops');
    const lines = (await later.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect([later.status, ...lines]).toMatchObject([200, { result: { ID: '5' } }, { error: { code: 3 } }]);
  });

  test('holds a snapshot back until the client has taken what came before', async () => {
    server.member.snapshotBytes = Buffer.alloc(30 * 1024 * 1024);
    const { request, response } = openStream('maintenance/snapshot');
    request.end('{}');
    const answer = await response;
    answer.pause();
    await vi.waitFor(() => expect(server.member.openSnapshots).toBe(1), 10_000);
    answer.destroy();
    await vi.waitFor(() => expect(server.member.openSnapshots).toBe(0), { timeout: 10_000 });
  });
});

describe('a request over the gateway', () => {
  test('counts as a call and obeys the rules of calls', async () => {
    server.member.leaderId = 0n;
    const answer = await post('kv/range', '{"key":"YQ=="}', { 'grpc-metadata-hasleader': 'true' });
    expect([answer.status, await answer.json()]).toEqual([503, { code: 14, message: 'etcdserver: no leader' }]);
  });

  test('that is too large is refused before it is whole', async () => {
    const { request, response } = openStream('kv/put');
    request.write('{"key":"YQ==","value":"');
    const piece = 'A'.repeat(1024 * 1024);
    for (let i = 0; i < 9; i++) request.write(piece);
    expect((await response).statusCode).toBe(429);
    request.destroy();
  });

  test('leaves a connection that can be used again', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (body: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = http.request(`${url}/kv/range`, { method: 'POST', agent }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode));
        });
        request.once('error', reject).end(body);
      });
    const big = `{"key":"YQ=="} ${' '.repeat(200_000)}`;
    expect([await ask('{"key":"YQ=="}'), await ask(big), await ask('x'), await ask('{"key":"YQ=="}')]).toEqual([
      200, 200, 400, 200,
    ]);
    agent.destroy();
  });

  test('is at home under its old path, too', async () => {
    const beta = await fetch(`${url}beta/kv/range`, { method: 'POST', body: '{"key":"YQ=="}' });
    expect(beta.status).toBe(200);
    const bare = await fetch(url, { method: 'POST', body: '{}', redirect: 'manual' });
    expect([bare.status, bare.headers.get('location')]).toEqual([301, '/v3/']);
  });
});
