import { once } from 'node:events';
import http2 from 'node:http2';
import { gzipSync } from 'node:zlib';
import type { Client } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import {
  KVService,
  PutRequest,
  PutResponse,
  WatchCreateRequest,
  WatchRequest,
  WatchService,
} from '../proto/gen/rpc.ts';
import { frameMessage } from './messages.ts';
import { bidiStream, unary } from './mod.ts';
import { call, TestServer, type TestServerOptions } from './testing/test-server.ts';

let server: TestServer;
afterEach(() => server?.close());

async function start(options: Partial<TestServerOptions> = {}): Promise<void> {
  server = await TestServer.start({ logger: silentLogger, ...options });
}

function put(client: Client) {
  return call(client, KVService.Put, { key: Buffer.from('k') });
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
    const session = http2.connect(`http://${server.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': KVService.Put.path,
      'content-type': 'application/grpc',
    });
    stream.resume().write(request);
    await once(stream, 'close');
    expect(stream.rstCode).toBe(http2.constants.NGHTTP2_NO_ERROR);
    session.destroy();
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

  test('a stream that the server ends is read by nobody any more', async () => {
    await server.close();
    const ended = Promise.withResolvers<unknown>();
    const read = bidiStream(WatchService.Watch, async (stream) => {
      await stream.receive().catch(ended.resolve);
    });
    await start({ methods: [read] });
    const { headers } = await raw({ ':path': WatchService.Watch.path, 'grpc-timeout': '50m' }, [], false);
    expect(headers['grpc-status']).toBe('4');
    expect(await ended.promise).toMatchObject({ message: 'context canceled' });
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

describe('a stream that nobody reads', () => {
  test('holds its client back, and loses nothing', async () => {
    const { promise: release, resolve: readNow } = Promise.withResolvers<void>();
    let received = 0;
    const slow = bidiStream(WatchService.Watch, async (stream) => {
      await release;
      while ((await stream.receive()) !== undefined) received++;
    });
    const ping = unary(KVService.Put, async () => PutResponse.create());
    await start({ methods: [slow, ping] });
    const session = http2.connect(`http://${server.address}`);
    const headers = { ':method': 'POST', 'content-type': 'application/grpc' };
    const stream = session.request({ ...headers, ':path': WatchService.Watch.path });
    const create_request = WatchCreateRequest.create({ key: Buffer.alloc(100_000) });
    const message = frameMessage(WatchRequest.encode({ create_request }));
    for (let i = 0; i < 100; i++) stream.write(message);
    stream.end();
    for (let i = 0; i < 20; i++) {
      const probe = session.request({ ...headers, ':path': KVService.Put.path });
      probe.end(request);
      await once(probe.resume(), 'end');
    }
    expect(stream.writableLength).toBeGreaterThan(5_000_000);
    readNow();
    await once(stream.resume(), 'end');
    expect(received).toBe(100);
    session.destroy();
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
