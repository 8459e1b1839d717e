/**
 * A server of gRPC that does nothing, on `server/h2`: what a generator reaches against it is the most that it can reach
 * at all. Started by `null-target.ts` over an IPC channel: told a certificate or none, it tells its port.
 *
 * A unary call is answered by as many zeros as its header `answer-bytes` says, prefix included. Watches are confirmed, and
 * every put is an event for each of them; every keep-alive has an answer.
 */
import net from 'node:net';
import tls from 'node:tls';
import { ServerSession, type ServerStream, type StreamHandler } from '../../server/h2/mod.ts';
import { Event, KeyValue } from '../../server/proto/gen/kv.ts';
import { LeaseService, WatchResponse, WatchService } from '../../server/proto/gen/rpc.ts';
import { framed, MessageReader } from '../load/message-reader.ts';

const defaultAnswerBytes = 40;
const headers = Object.freeze([
  { name: ':status', value: '200' },
  { name: 'content-type', value: 'application/grpc' },
]);
const trailers = Object.freeze([
  { name: 'grpc-status', value: '0' },
  { name: 'grpc-message', value: '' },
]);
const created = framed(WatchResponse.encode(WatchResponse.create({ created: true })));
const kv = KeyValue.create({ key: Buffer.alloc(12, 'k'), value: Buffer.alloc(32, 'v'), mod_revision: 2, version: 1 });
const event = framed(WatchResponse.encode(WatchResponse.create({ events: [Event.create({ kv })] })));
const answers = new Map<number, Buffer>();
/** How many watches each stream has. */
const watches = new Map<ServerStream, number>();

function answerOf(sizeBytes: number): Buffer {
  let answer = answers.get(sizeBytes);
  if (answer === undefined) {
    answer = framed(Buffer.alloc(Math.max(0, sizeBytes - 5)));
    answers.set(sizeBytes, answer);
  }
  return answer;
}

/** A stream that stays open: each message that comes is answered. */
function serveStream(stream: ServerStream): StreamHandler {
  const reader = new MessageReader();
  const isWatch = stream.head.path.endsWith('/Watch');
  stream.respond(headers);
  return {
    data: (bytes) => {
      stream.consumed(bytes.length);
      reader.push(bytes, () => {
        stream.data(isWatch ? created : answerOf(defaultAnswerBytes));
        if (isWatch) watches.set(stream, (watches.get(stream) ?? 0) + 1);
      });
    },
    end: () => stream.trailers(trailers),
    reset: () => watches.delete(stream),
    drain: () => {},
  };
}

function serveUnary(stream: ServerStream): StreamHandler {
  return {
    data: (bytes) => stream.consumed(bytes.length),
    end: () => {
      stream.respond(headers);
      stream.data(answerOf(Number(stream.head.get('answer-bytes') ?? defaultAnswerBytes)));
      stream.trailers(trailers);
      if (!stream.head.path.endsWith('/Put')) return;
      for (const [watching, count] of watches) for (let i = 0; i < count; i++) watching.data(event);
    },
    reset: () => {},
    drain: () => {},
  };
}

const streaming = new Set([WatchService.Watch.path, LeaseService.LeaseKeepAlive.path]);

function serve(socket: net.Socket): void {
  new ServerSession(socket, {
    accept: (stream) => (streaming.has(stream.head.path) ? serveStream(stream) : serveUnary(stream)),
    maxConcurrentStreams: 0xffffffff,
    streamWindowBytes: 16 * 1024 * 1024,
    connectionWindowBytes: 64 * 1024 * 1024,
    maxHeaderListBytes: 64 * 1024,
    setupTimeoutMs: 10_000,
  });
}

process.once('message', ({ cert, key }: { cert?: string; key?: string }) => {
  const server =
    cert === undefined || key === undefined
      ? net.createServer({ noDelay: true }, serve)
      : tls.createServer({ cert, key, ALPNProtocols: ['h2'], noDelay: true }, serve);
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as net.AddressInfo).port));
});
process.once('disconnect', () => process.exit());
