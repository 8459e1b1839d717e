import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { type Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { KVService, PutRequest, RangeResponse } from '../proto/gen/rpc.ts';
import { ServerTls, type ServerTlsConfig } from '../tls/server-tls.ts';
import { TestPki } from '../tls/testing/test-pki.ts';
import { frameMessage } from './messages.ts';
import { openListener, unary } from './mod.ts';
import { call, TestServer, type TestServerOptions } from './testing/test-server.ts';

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

async function get(target: string, options: https.RequestOptions = {}): Promise<{ status: number; body: string }> {
  const request = (target.startsWith('https') ? https.get : httpGet)(target, { agent: new Agent(), ...options });
  const [response] = await once(request, 'response');
  return { status: response.statusCode, body: await text(response) };
}

interface RawAnswer {
  headers: http2.IncomingHttpHeaders;
  trailers: http2.IncomingHttpHeaders;
  body: string;
}

/** One call over plain frames, which @grpc/grpc-js would not send. */
async function raw(headers: http2.OutgoingHttpHeaders, pieces: Buffer[] = [], end = true): Promise<RawAnswer> {
  const session = http2.connect(`http://${server.address}`);
  try {
    const base = { ':method': 'POST', ':path': KVService.Put.path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...base, ...headers });
    let trailers = {};
    stream.on('trailers', (given) => {
      trailers = given;
    });
    stream.setEncoding('latin1');
    for (const piece of pieces) stream.write(piece);
    if (end) stream.end();
    const [answer] = await once(stream, 'response');
    let body = '';
    for await (const chunk of stream) body += chunk;
    return { headers: answer, trailers, body };
  } finally {
    session.destroy();
  }
}

const request = frameMessage(PutRequest.encode(PutRequest.create({ key: Buffer.from('k') })));

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

  test('answers HTTP/2 without gRPC with 415', async () => {
    await start();
    const answer = await raw({ ':path': '/health', 'content-type': 'application/json' });
    expect(answer.headers).toMatchObject({
      ':status': 415,
      'grpc-status': '3',
      'grpc-message': 'invalid gRPC request content-type "application/json"',
    });
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

  test('that is taken is refused in upstream’s words', async () => {
    await start();
    const { port } = server.listener;
    await expect(openListener({ host: '127.0.0.1', port }, { logger: silentLogger })).rejects.toThrow(
      new Error(`listen tcp 127.0.0.1:${port}: bind: address already in use`),
    );
  });
});

describe('gRPC on the wire', () => {
  beforeEach(() => start());

  test('answers with headers, message and trailers', async () => {
    expect(await raw({}, [request])).toMatchObject({
      headers: { ':status': 200, 'content-type': 'application/grpc' },
      trailers: { 'grpc-status': '0', 'grpc-message': '' },
    });
  });

  test('answers before the client has ended its request, and resets the rest', async () => {
    expect((await raw({}, [request], false)).trailers).toMatchObject({ 'grpc-status': '0' });
  });

  test('takes messages in pieces, compressed or not, and every content type of gRPC', async () => {
    const pieces = [...request].map((byte) => Buffer.from([byte]));
    expect((await raw({ 'content-type': 'application/grpc+proto' }, pieces)).trailers['grpc-status']).toBe('0');
    const packed = frameMessage(gzipSync(request.subarray(5)));
    packed[0] = 1;
    expect((await raw({ 'grpc-encoding': 'gzip' }, [packed])).trailers['grpc-status']).toBe('0');
  });

  test.each([
    ['no message', {}, [], 200, '2', 'EOF'],
    ['half a message', {}, [request.subarray(0, 6)], 200, '2', 'unexpected EOF'],
    [
      'an unknown flag',
      {},
      [Buffer.from('0200000000', 'hex')],
      200,
      '13',
      'grpc: received unexpected payload format 2',
    ],
    [
      'an unknown compression',
      { 'grpc-encoding': 'foo' },
      [request],
      200,
      '12',
      'grpc: Decompressor is not installed for grpc-encoding "foo"',
    ],
    [
      'compression without a name',
      {},
      [Buffer.from('0100000000', 'hex')],
      200,
      '13',
      'grpc: compressed flag set with identity or empty encoding',
    ],
    [
      'a malformed timeout',
      { 'grpc-timeout': 'abc' },
      [request],
      400,
      '13',
      'malformed grpc-timeout: transport: timeout unit is not recognized: "abc"',
    ],
    ['GET', { ':method': 'GET' }, [], 405, '13', 'Received a HEADERS frame with :method "GET" which should be POST'],
    [
      'another content type',
      { 'content-type': 'application/grpcx' },
      [],
      415,
      '3',
      'invalid gRPC request content-type "application/grpcx"',
    ],
  ])('refuses %s as upstream does', async (_what, headers, pieces, httpStatus, status, message) => {
    expect((await raw(headers, pieces)).headers).toMatchObject({
      ...{ ':status': httpStatus, 'grpc-status': status, 'grpc-message': message },
    });
  });

  test('ends calls at the deadline that the client has given', async () => {
    server.member.put = () => new Promise(() => {});
    expect((await raw({ 'grpc-timeout': '20m' }, [request])).headers).toMatchObject({
      ...{ 'grpc-status': '4', 'grpc-message': 'context deadline exceeded' },
    });
  });

  test('lets a client version that is no UTF-8 not in', async () => {
    const answer = await raw({ 'client-api-version': '\xff\xfe' }, [request]);
    expect(answer.headers).toMatchObject({
      'grpc-status': '3',
      'grpc-message': 'etcdserver: invalid client api version',
    });
  });

  test('survives clients that go away in the middle', async () => {
    for (const pieces of [[], [request.subarray(0, 7)], [request]]) {
      const session = http2.connect(`http://${server.address}`);
      session.on('error', () => {});
      const stream = session.request({
        ':method': 'POST',
        ':path': KVService.Put.path,
        'content-type': 'application/grpc',
      });
      stream.on('error', () => {});
      for (const piece of pieces) stream.write(piece);
      await once(session, 'connect');
      session.destroy();
    }
    await put(server.client());
  });
});

describe('pings', () => {
  test('that come too often end the connection', async () => {
    await start();
    const session = http2.connect(`http://${server.address}`);
    session.on('error', () => {});
    await once(session, 'connect');
    const goaway = once(session, 'goaway');
    for (let i = 0; i < 4; i++) session.ping(() => {});
    const [code, , data] = await goaway;
    expect([code, data.toString()]).toEqual([http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, 'too_many_pings']);
    session.destroy();
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
    await Promise.all([expect(open).rejects.toMatchObject({ code: 14 }), server.listener.close(10)]);
  });
});

describe('a TLS port', () => {
  let pki: TestPki;
  let config: ServerTlsConfig;
  beforeEach(() => {
    pki = new TestPki(directory);
    const { certificate, key } = pki.server();
    config = {
      ...{ certFile: pki.write('server.pem', certificate), keyFile: pki.write('server-key.pem', key) },
      ...{ trustedCaFile: '', crlFile: '', clientCertAuth: false, allowedCns: [], allowedHostnames: [] },
      ...{ minVersion: 'TLS1.2', maxVersion: '', cipherSuites: [] },
    };
  });

  const startTls = (overrides: Partial<ServerTlsConfig> = {}): Promise<void> =>
    start({ tls: new ServerTls({ ...config, ...overrides }, ['h2', 'http/1.1'], silentLogger) });

  function client(identity?: { certificate: string; key: string }): Client {
    const buffer = (pem: string | undefined): Buffer | null => (pem === undefined ? null : Buffer.from(pem));
    const ca = Buffer.from(pki.authority.certificate);
    return server.client(credentials.createSsl(ca, buffer(identity?.key), buffer(identity?.certificate)));
  }

  test('serves gRPC, HTTP/1.1 and HTTP/2 on one port', async () => {
    await startTls();
    await put(client());
    const ca = pki.authority.certificate;
    const answer = await get(`https://${server.address}/health`, { ca, agent: new https.Agent() });
    expect(answer).toEqual({ status: 200, body: '{"health":"true","reason":""}' });
    const session = http2.connect(`https://${server.address}`, { ca });
    const stream = session.request({ ':path': '/version' });
    expect(JSON.parse(await text(stream))).toEqual({ etcdserver: '3.5.30', etcdcluster: '3.5.0' });
    session.destroy();
  });

  test('refuses versions below the least', async () => {
    await startTls({ minVersion: 'TLS1.3' });
    const socket = tls.connect({
      ...{ port: server.listener.port, host: '127.0.0.1' },
      maxVersion: 'TLSv1.2',
      rejectUnauthorized: false,
    });
    const [error] = await once(socket, 'error');
    expect(error.message).toMatch(/protocol version|reset/i);
  });

  test('lets in who shows a certificate of the CA, and nobody else', async () => {
    await startTls({ trustedCaFile: pki.write('ca.pem', pki.authority.certificate) });
    await put(client(pki.client('alice')));
    await expect(put(client())).rejects.toMatchObject({ code: 14 });
    const stranger = new TestPki(directory, 'another CA').client('alice');
    await expect(put(client(stranger))).rejects.toMatchObject({ code: 14 });
  });

  test('hands the client’s certificate to the call', async () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    let subject: string | undefined;
    const who = unary(KVService.Range, async (_request, context) => {
      subject = context.peerCertificate()?.subject;
      return RangeResponse.create();
    });
    const serverTls = new ServerTls({ ...config, trustedCaFile }, ['h2', 'http/1.1'], silentLogger);
    await start({ tls: serverTls, methods: [who] });
    await call(client(pki.client('alice')), KVService.Range, {});
    expect(subject).toContain('CN=alice');
  });

  test('lets in only allowed host names when there are such', async () => {
    const trustedCaFile = pki.write('ca.pem', pki.authority.certificate);
    await startTls({ trustedCaFile, allowedHostnames: ['app.example', 'other.example'] });
    await put(client(pki.client('alice', ['app.example'])));
    await expect(put(client(pki.client('bob', ['bob.example'])))).rejects.toMatchObject({ code: 14 });
    await expect(put(client(pki.client('app.example')))).rejects.toMatchObject({ code: 14 });
  });

  test('shows a replaced certificate to the next client, without a restart', async () => {
    await startTls();
    await put(client());
    pki = new TestPki(directory, 'new CA');
    const renewed = pki.server('renewed');
    pki.write('server.pem', renewed.certificate);
    pki.write('server-key.pem', renewed.key);
    await put(client());
  });

  test('keeps its certificate while the files do not fit each other', async () => {
    await startTls();
    pki.write('server.pem', pki.server('renewed').certificate);
    await put(client());
  });
});
