import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { KVService, LeaseService, PutResponse, WatchService } from '../proto/gen/rpc.ts';
import type { MethodDefinition } from '../proto/wire.ts';
import { ServerTls } from '../tls/server-tls.ts';
import { TestPki } from '../tls/testing/test-pki.ts';
import { etcdMethods, unary } from './mod.ts';
import { FakeMember } from './testing/fake-member.ts';
import { call, TestServer } from './testing/test-server.ts';

/** Far longer than a test may take: whatever waits for it to pass fails. */
const graceMs = 600_000;

let directory: string;
let server: TestServer;
let pki: TestPki;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-stop-'));
  pki = new TestPki(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Opens a stream of any kind. @returns the status that it ends with */
function openStream<Q, R>({ path: method, request }: MethodDefinition<Q, R>, message: Partial<Q>): Promise<unknown> {
  const stream = server.client(channel()).makeBidiStreamRequest(
    method,
    (value: Q) => Buffer.from(request.encode(value)),
    (bytes) => bytes,
  );
  stream.write(request.create(message));
  return new Promise((resolve) => {
    stream.on('data', () => {});
    stream.on('error', resolve);
    stream.on('end', () => resolve('end'));
  });
}

let secure: boolean;
const channel = () =>
  secure ? credentials.createSsl(Buffer.from(pki.authority.certificate)) : credentials.createInsecure();

async function start(options: { secure: boolean }): Promise<void> {
  secure = options.secure;
  const { certificate, key } = pki.server();
  const config = {
    ...{ certFile: pki.write('server.pem', certificate), keyFile: pki.write('server-key.pem', key) },
    ...{ trustedCaFile: '', crlFile: '', clientCertAuth: false, allowedCns: [], allowedHostnames: [] },
    ...{ minVersion: 'TLS1.2', maxVersion: '', cipherSuites: [] },
  };
  const put = unary(KVService.Put, () => new Promise<never>(() => {}));
  const methods = etcdMethods(new FakeMember()).filter(({ definition }) => definition !== KVService.Put);
  server = await TestServer.start({
    logger: silentLogger,
    methods: [...methods, put],
    ...(secure && { tls: new ServerTls(config, ['h2', 'http/1.1'], silentLogger) }),
  });
}

describe.each([
  ['plaintext', false],
  ['TLS', true],
])('a server on %s that stops', (_title, overTls) => {
  test('does not wait for who is only there', async () => {
    await start({ secure: overTls });
    const { port } = server.listener;
    const ca = pki.authority.certificate;
    const connected: Promise<unknown>[] = [];
    const silent = net.connect(port, '127.0.0.1');
    connected.push(once(silent, 'connect'));
    const halfSaid = net.connect(port, '127.0.0.1', () => halfSaid.write(overTls ? '\x16\x03\x01\x02' : 'PRI'));
    connected.push(once(halfSaid, 'connect'));
    const idle = http2.connect(`${overTls ? 'https' : 'http'}://127.0.0.1:${port}`, { ca });
    connected.push(once(idle, 'remoteSettings'));
    const halfAsked = overTls
      ? tls.connect({ port, ca, host: '127.0.0.1', ALPNProtocols: ['http/1.1'] })
      : net.connect(port, '127.0.0.1');
    halfAsked.write('GET /health HTTP/1.1\r\nHost: x');
    connected.push(once(halfAsked, overTls ? 'secureConnect' : 'connect'));
    for (const socket of [silent, halfSaid, halfAsked, idle]) socket.on('error', () => {});
    if (overTls) {
      const undecided = tls.connect({ port, ca, host: '127.0.0.1' });
      undecided.on('error', () => {});
      connected.push(once(undecided, 'secureConnect'));
    } else {
      const agent = new http.Agent({ keepAlive: true });
      const answered = new Promise((resolve, reject) => {
        http
          .get({ port, host: '127.0.0.1', path: '/health', agent }, (response) => {
            response.resume().once('end', resolve);
          })
          .once('error', reject);
      });
      connected.push(answered);
    }
    await Promise.all(connected);
    server.dispatcher.stop(0);
    await server.listener.close(graceMs);
  });

  test('ends streams that have no end of their own, and calls that wait', async () => {
    await start({ secure: overTls });
    const unavailable = expect.objectContaining({ code: 14, details: 'etcdserver: server stopped' });
    const streams = [
      openStream(WatchService.Watch, { create_request: undefined }),
      openStream(LeaseService.LeaseKeepAlive, { ID: 1n }),
    ];
    const waiting = call(server.client(channel()), KVService.Put, { key: Buffer.from('k') }).catch((error) => error);
    const started = () => server.dispatcher.stats.methods.reduce((sum, method) => sum + method.started, 0);
    await vi.waitFor(() => expect(started()).toBe(3), { timeout: 10_000 });
    server.dispatcher.stop(10);
    await server.listener.close(graceMs);
    expect(await Promise.all([...streams, waiting])).toEqual([unavailable, unavailable, unavailable]);
  });
});

test('a watch over the gateway ends with the server, too', async () => {
  await start({ secure: false });
  const url = `http://${server.address}/v3/watch`;
  const answer = await fetch(url, { method: 'POST', body: '{"create_request":{"key":"YQ=="}}' });
  server.dispatcher.stop(0);
  await server.listener.close(graceMs);
  expect((await answer.text()).trimEnd().split('\n').at(-1)).toContain('server stopped');
});

test('a call that can be answered is answered', async () => {
  await start({ secure: false });
  await server.listener.close(0);
  let answer = (): void => {};
  const answered = new Promise<PutResponse>((resolve) => {
    answer = () => resolve(PutResponse.create());
  });
  server = await TestServer.start({ logger: silentLogger, methods: [unary(KVService.Put, () => answered)] });
  const put = call(server.client(), KVService.Put, { key: Buffer.from('k') });
  await vi.waitFor(() => expect(server.dispatcher.stats.methods[0]?.started).toBe(1), 10_000);
  server.dispatcher.stop(graceMs);
  const closed = server.listener.close(graceMs);
  answer();
  await expect(put).resolves.toBeDefined();
  await closed;
});
