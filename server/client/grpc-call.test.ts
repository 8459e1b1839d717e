import { afterEach, describe, expect, test, vi } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import { ErrorCode, type HeaderField } from '../h2/mod.ts';
import { Flag, FrameType, Setting } from '../h2/protocol.ts';
import { encodeSettings } from '../h2/settings.ts';
import { FramesForClient, settle } from '../h2/testing/client-pair.ts';
import { postFields } from '../h2/testing/raw-client.ts';
import { frameMessage } from '../rpc/messages.ts';
import { GrpcCall } from './grpc-call.ts';
import type { RpcError } from './rpc-error.ts';

afterEach(() => {
  vi.useRealTimers();
});

const field = (name: string, value: string): HeaderField => ({ name, value });
const ok = [field(':status', '200'), field('content-type', 'application/grpc')];
const status = (code: number, message = ''): HeaderField[] => [
  field('grpc-status', `${code}`),
  field('grpc-message', message),
];
const nothing = Buffer.alloc(0);
const hello = frameMessage(Buffer.from('hello'));

interface Asked {
  readonly frames: FramesForClient;
  readonly call: GrpcCall;
}

/** A call on stream 1 of a server that a test speaks for. */
async function asked(timeoutMs = Number.POSITIVE_INFINITY, signal?: AbortSignal): Promise<Asked> {
  const frames = new FramesForClient();
  frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
  await frames.flush();
  const call = new GrpcCall(frames.client, postFields, { endpoint: 'e', timeoutMs, signal });
  call.sendOnly(Buffer.from('question'));
  return { frames, call };
}

const outcome = (call: GrpcCall): Promise<string | RpcError> =>
  call.answer().then(
    (bytes) => Buffer.from(bytes).toString(),
    (error: RpcError) => error,
  );

describe('the answer', () => {
  test('is the one message, when the status says that all went well', async () => {
    const { frames, call } = await asked();
    await frames.headers(1, ok).data(1, hello).headers(1, status(0), true).flush();
    expect(await outcome(call)).toBe('hello');
    const request = frames.received.find(({ type }) => type === FrameType.DATA);
    expect(request?.payload.toString()).toBe('\0\0\0\0\x08question');
  });

  test('may come in pieces, and be larger than what may be sent ahead', async () => {
    const { frames, call } = await asked();
    const large = frameMessage(Buffer.alloc(200_000, 'x'));
    frames.headers(1, ok);
    for (let at = 0; at < large.length; at += 16_000) await frames.data(1, large.subarray(at, at + 16_000)).flush();
    await frames.headers(1, status(0), true).flush();
    expect(await outcome(call)).toHaveLength(200_000);
  });

  test.for<[string, (frames: FramesForClient) => unknown, Partial<RpcError>]>([
    [
      'the status of the server, whatever its text is made of',
      (frames) => frames.headers(1, [...ok, ...status(9, 'caf%C3%A9 100%25 %zz')], true),
      { code: Code.FailedPrecondition, message: 'café 100% %zz', endpoint: 'e', neverSent: false },
    ],
    [
      'a status behind a message',
      (frames) => frames.headers(1, ok).data(1, hello).headers(1, status(14, 'etcdserver: server stopped'), true),
      { code: Code.Unavailable, message: 'etcdserver: server stopped' },
    ],
    [
      'the status of HTTP when it is not gRPC that answers',
      (frames) => frames.headers(1, [field(':status', '503')]).data(1, Buffer.from('<html>'), true),
      { code: Code.Unavailable, message: 'unexpected HTTP status code received from server: 503' },
    ],
    [
      'the same at once, when there is no end of what answers',
      (frames) => frames.headers(1, [field(':status', '502')]),
      { code: Code.Unavailable, message: 'unexpected HTTP status code received from server: 502' },
    ],
    [
      'that a page is no answer',
      (frames) => frames.headers(1, [field(':status', '200'), field('content-type', 'text/html')]),
      { code: Code.Unknown, message: expect.stringContaining('content-type "text/html"') as unknown as string },
    ],
    [
      'the status of HTTP alone',
      (frames) => frames.headers(1, [field(':status', '404')], true),
      { code: Code.Unimplemented, message: 'unexpected HTTP status code received from server: 404' },
    ],
    [
      'the lack of a status',
      (frames) => frames.headers(1, ok).data(1, hello, true),
      { code: Code.Internal, message: 'server closed the stream without sending trailers' },
    ],
    [
      'a status that is no number',
      (frames) => frames.headers(1, [...ok, field('grpc-status', 'fine')], true),
      { code: Code.Unknown, message: 'malformed grpc-status: "fine"' },
    ],
    [
      'a message that is cut',
      (frames) => frames.headers(1, ok).data(1, hello.subarray(0, 7)).headers(1, status(0), true),
      { code: Code.Internal, message: 'unexpected EOF' },
    ],
    [
      'the lack of a message',
      (frames) => frames.headers(1, [...ok, ...status(0)], true),
      { code: Code.Internal, message: expect.stringContaining('0 messages') as unknown as string },
    ],
    [
      'a second message',
      (frames) => frames.headers(1, ok).data(1, hello).data(1, hello),
      { code: Code.Internal, message: expect.stringContaining('more messages than one') as unknown as string },
    ],
    [
      'a compressed message',
      (frames) => frames.headers(1, ok).data(1, Buffer.concat([Buffer.of(1), hello.subarray(1)])),
      { code: Code.Internal, message: 'grpc: compressed, which was not asked for' },
    ],
    [
      'a stream that was turned away',
      (frames) => frames.writer.number(FrameType.RST_STREAM, 1, ErrorCode.REFUSED_STREAM),
      { code: Code.Unavailable, neverSent: true },
    ],
    [
      'a stream that was broken off',
      (frames) => frames.writer.number(FrameType.RST_STREAM, 1, ErrorCode.ENHANCE_YOUR_CALM),
      { code: Code.ResourceExhausted, neverSent: false },
    ],
    [
      'a connection that was lost',
      (frames) => frames.close(),
      { code: Code.Unavailable, message: 'error reading from server: EOF', neverSent: false },
    ],
  ])('or %s', async ([, answer, expected]) => {
    const { frames, call } = await asked();
    const result = outcome(call);
    answer(frames);
    await frames.flush();
    expect(await result).toMatchObject(expected);
  });
});

describe('a call is taken back', () => {
  test.for(['its deadline', 'its signal', 'its reader'] as const)('by %s, and the server is told', async (by) => {
    const stop = new AbortController();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { frames, call } = await asked(20, stop.signal);
    await frames.headers(1, ok).data(1, hello).data(1, hello).flush();
    const messages = call[Symbol.asyncIterator]();
    expect(await messages.next()).toMatchObject({ done: false });
    if (by === 'its signal') stop.abort();
    if (by === 'its reader') await messages.return();
    else {
      // The second message has been there for long.
      if (by === 'its deadline') vi.advanceTimersByTime(20);
      const code = by === 'its signal' ? Code.Canceled : Code.DeadlineExceeded;
      await expect(messages.next()).rejects.toMatchObject({ code, neverSent: false });
    }
    await settle();
    expect(frames.errorOf(1)).toBe(ErrorCode.CANCEL);
    expect(frames.client.openStreams).toBe(0);
  });

  test('before it was sent, when the server lets it wait for too long', async () => {
    const { frames, call } = await asked();
    frames.writer.frame(FrameType.SETTINGS, 0, 0, encodeSettings([[Setting.MAX_CONCURRENT_STREAMS, 1]]));
    await frames.flush();
    const waiting = new GrpcCall(frames.client, postFields, { endpoint: 'e', timeoutMs: 10 });
    expect(await outcome(waiting)).toMatchObject({ code: Code.DeadlineExceeded, neverSent: true });
    call.cancel();
    await settle();
    const heads = frames.received.filter(({ type, flags }) => type === FrameType.HEADERS && flags & Flag.END_HEADERS);
    expect(heads).toHaveLength(1);
  });

  test('before it begins, by a signal that has fired', async () => {
    const { call } = await asked(undefined, AbortSignal.abort());
    expect(await outcome(call)).toMatchObject({ code: Code.Canceled });
  });
});
