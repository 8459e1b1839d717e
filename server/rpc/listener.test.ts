import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { KVService, RangeResponse } from '../proto/gen/rpc.ts';
import { openListener, unary } from './mod.ts';
import { call, get, TestServer, type TestServerOptions } from './testing/test-server.ts';

let server: TestServer;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'etcdlab-listener-'));
});
afterEach(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

async function start(options: Partial<TestServerOptions> = {}): Promise<void> {
  server = await TestServer.start({ logger: silentLogger, ...options });
}

function put(client: Client) {
  return call(client, KVService.Put, { key: Buffer.from('k') });
}

describe('a plaintext port', () => {
  test('serves gRPC and HTTP/1.1 side by side', async () => {
    await start();
    await put(server.client());
    expect(await get(`http://${server.address}/health`)).toMatchObject({ status: 200 });
    expect(await get(`http://${server.address}/nope`)).toEqual({ status: 404, body: '404 page not found\n' });
  });

  test('tells them apart even when the first bytes come one by one', async () => {
    await start();
    const socket = net.connect(server.listener.port, '127.0.0.1');
    for (const byte of 'GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await text(socket)).toContain('"health":"true"');
  });

  test('waits for the rest of the first bytes without holding up others', async () => {
    await start();
    const socket = net.connect(server.listener.port, '127.0.0.1', () => socket.write('PRI * HT'));
    await once(socket, 'connect');
    for (let i = 0; i < 3; i++) expect(await get(`http://${server.address}/health`)).toMatchObject({ status: 200 });
    socket.destroy();
  });

  test('closes connections that do not come to the end of their headers', async () => {
    const options = { logger: silentLogger, handshakeTimeoutMs: 100 };
    const listener = await openListener({ host: '127.0.0.1', port: 0 }, options);
    listener.serve({ http: async () => ({ status: 200, headers: {}, body: '' }) });
    const socket = net.connect(listener.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n'));
    await once(socket.resume(), 'close');
    await listener.close(0);
  });

  test('may serve only one of both', async () => {
    await start({ kind: 'http' });
    expect(await get(`http://${server.address}/health`)).toMatchObject({ status: 200 });
    await expect(put(server.client())).rejects.toMatchObject({ code: 14 });
    await server.close();
    await start({ kind: 'grpc' });
    await put(server.client());
    await expect(get(`http://${server.address}/health`)).rejects.toThrow();
  });

  test('answers connections from before it was ready', async () => {
    const listener = await openListener({ host: '127.0.0.1', port: 0 }, { logger: silentLogger });
    const early = get(`http://127.0.0.1:${listener.port}/`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    listener.serve({ http: async () => ({ status: 200, headers: {}, body: 'now' }) });
    expect(await early).toEqual({ status: 200, body: 'now' });
    await listener.close(0);
  });

  test('closes connections that say nothing', async () => {
    const listener = await openListener(
      { host: '127.0.0.1', port: 0 },
      { logger: silentLogger, handshakeTimeoutMs: 30 },
    );
    const http = async () => ({ status: 200, headers: {}, body: '' });
    const grpc = {
      handler: () => {},
      maxReceiveBytes: 9,
      maxConcurrentStreams: 9,
      keepalive: { minTimeMs: 1, intervalMs: 0, timeoutMs: 1 },
    };
    listener.serve({ http, grpc });
    const socket = net.connect(listener.port, '127.0.0.1');
    socket.resume();
    await once(socket, 'close');
    await listener.close(0);
  });

  test('can be a Unix socket', async () => {
    const file = path.join(directory, 'etcd.sock');
    const listener = await openListener({ host: file }, { logger: silentLogger });
    listener.serve({ http: async () => ({ status: 200, headers: {}, body: 'hello' }) });
    expect(await get('http://unix/', { socketPath: file })).toEqual({ status: 200, body: 'hello' });
    await listener.close(0);
  });

  test('takes over a Unix socket that a killed server left behind, but no other file', async () => {
    const file = path.join(directory, 'etcd.sock');
    const listen = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', listen]);
    const listener = await openListener({ host: file }, { logger: silentLogger });
    await listener.close(0);
    writeFileSync(file, 'precious');
    await expect(openListener({ host: file }, { logger: silentLogger })).rejects.toThrow('address already in use');
  });

  test('that is taken is refused in upstream’s words', async () => {
    await start();
    const { port } = server.listener;
    await expect(openListener({ host: '127.0.0.1', port }, { logger: silentLogger })).rejects.toThrow(
      new Error(`listen tcp 127.0.0.1:${port}: bind: address already in use`),
    );
  });
});

describe('closing', () => {
  const { promise: release, resolve: answer } = Promise.withResolvers<void>();

  test('lets open calls end and takes no new ones', async () => {
    const { promise: started, resolve: begin } = Promise.withResolvers<void>();
    const slow = unary(KVService.Range, async () => {
      begin();
      await release;
      return RangeResponse.create({ count: 7 });
    });
    await start({ methods: [slow] });
    const open = call(server.client(), KVService.Range, {});
    await started;
    const closed = server.listener.close(5000);
    await expect(get(`http://${server.address}/health`)).rejects.toThrow('ECONNREFUSED');
    answer();
    expect((await open).count).toBe(7);
    await closed;
  });

  test('does not wait for connections that have asked for nothing', async () => {
    await start();
    const silent = net.connect(server.listener.port, '127.0.0.1').resume();
    await once(silent, 'connect');
    await put(server.client());
    await Promise.all([once(silent, 'close'), server.listener.close(60_000)]);
  });

  test('cuts what does not end in time', async () => {
    const { promise: started, resolve: begin } = Promise.withResolvers<void>();
    const endless = unary(KVService.Range, () => {
      begin();
      return new Promise<RangeResponse>(() => {});
    });
    await start({ methods: [endless] });
    const open = call(server.client(), KVService.Range, {});
    await started;
    // Unavailable or Internal: what the client's library makes of it depends on how the connection was found to be gone.
    const code = expect.toBeOneOf([13, 14]);
    await Promise.all([expect(open).rejects.toMatchObject({ code }), server.listener.close(10)]);
  });
});
