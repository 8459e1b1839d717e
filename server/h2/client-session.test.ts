import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ClientSession } from './client-session.ts';
import { ErrorCode, Flag, FrameType, Setting } from './protocol.ts';
import { encodeSettings } from './settings.ts';
import type { ServerStream, StreamHandler } from './stream.ts';
import { Answer, ask, FramesForClient, pair, settle, sizes, windowBytes } from './testing/client-pair.ts';
import { postFields } from './testing/raw-client.ts';

const ok = [{ name: ':status', value: '200' }];
const trailers = [{ name: 'result', value: 'fine' }];
const nothing = Buffer.alloc(0);

/** Sends back what comes, then trailers. */
const echo = (stream: ServerStream): Partial<StreamHandler> => {
  stream.respond(ok);
  return {
    data: (bytes) => {
      stream.data(bytes);
      stream.consumed(bytes.length);
    },
    end: () => stream.trailers(trailers),
  };
};

describe('with a server', () => {
  test('a request and its answer come through whole, larger than all windows, several at a time', async () => {
    const { client } = pair(echo);
    const bodies = [1, 2, 3].map((seed) => Buffer.alloc(5 * windowBytes + seed, seed));
    const answers = bodies.map((body) => ask(client, body));
    for (let turn = 0; turn < 20; turn++) await settle();
    for (const [index, { body, fieldLists, outcome }] of answers.entries()) {
      expect(outcome).toBe('complete');
      expect(Buffer.compare(body, bodies[index] as Buffer)).toBe(0);
      expect(fieldLists).toEqual([[':status: 200'], ['result: fine']]);
    }
    expect(client.openStreams).toBe(0);
  });

  test('an answer that nobody reads is held back, and does not keep others from theirs', async () => {
    const { client } = pair((stream) => ({
      end: () => {
        stream.respond(ok);
        stream.data(Buffer.alloc(3 * windowBytes), true);
      },
    }));
    const unread = new Answer();
    unread.isReading = false;
    unread.stream = client.request(postFields, unread);
    unread.stream.send(nothing, true);
    await settle();
    expect(unread.body.length).toBe(windowBytes);
    const other = ask(client, nothing);
    await settle();
    expect([other.body.length, other.outcome]).toEqual([3 * windowBytes, 'complete']);
    unread.isReading = true;
    unread.stream.consumed(windowBytes);
    await settle();
    expect([unread.body.length, unread.outcome]).toEqual([3 * windowBytes, 'complete']);
  });

  test('requests beyond what it takes at a time wait, and may be given up meanwhile', async () => {
    const { client, requests } = pair(() => ({}), { maxConcurrentStreams: 2 });
    await settle();
    const answers = [1, 2, 3, 4].map(() => ask(client, Buffer.from('body')));
    await settle();
    expect([requests.length, client.openStreams]).toEqual([2, 4]);
    answers[2]?.stream.reset();
    for (const { stream } of answers.slice(0, 1)) stream.reset();
    await settle();
    expect(requests.map(({ id, requestEnded }) => [id, requestEnded])).toEqual([1, 3, 5].map((id) => [id, true]));
  });

  test('a request that is taken back is reset there, and nothing more is heard of it', async () => {
    let resets = 0;
    const { client, requests } = pair(() => ({ reset: () => resets++ }));
    const answer = ask(client);
    await settle();
    answer.stream.reset();
    requests[0]?.respond(ok, true);
    await settle();
    expect([resets, answer.outcome, answer.fieldLists.length, client.openStreams]).toEqual([1, undefined, 0, 0]);
  });

  test('one that drains answers what it has, then the connection ends', async () => {
    const { client, server, requests } = pair(() => ({}));
    const answer = ask(client, nothing);
    await settle();
    server.drain();
    await settle();
    expect(client.isOpen).toBe(false);
    expect(() => ask(client)).toThrow('connection that ends');
    requests[0]?.respond(ok, true);
    await settle();
    expect([answer.outcome, server.socket.readableEnded]).toEqual(['complete', true]);
  });

  test('after close, what is under way is answered, then the connection ends', async () => {
    const { client, server, requests } = pair(() => ({}));
    const answer = ask(client, nothing);
    await settle();
    client.close();
    await settle();
    expect([client.isOpen, answer.outcome]).toEqual([false, undefined]);
    requests[0]?.respond(ok, true);
    await settle();
    expect([answer.outcome, server.socket.readableEnded]).toEqual(['complete', true]);
  });

  test('pings are answered both ways', async () => {
    const { client, server } = pair(() => ({}));
    let answers = 0;
    client.ping(() => answers++);
    server.ping(() => answers++);
    await settle();
    expect(answers).toBe(2);
  });
});

describe('of a broken stream it is told', () => {
  const lost = { code: undefined, isUnprocessed: false };

  test('whether the server can have done anything about the request', async () => {
    const frames = new FramesForClient();
    const answers = [1, 2, 3, 4].map(() => ask(frames.client, nothing));
    frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
    frames.writer.number(FrameType.RST_STREAM, 1, ErrorCode.REFUSED_STREAM);
    frames.writer.number(FrameType.RST_STREAM, 3, ErrorCode.INTERNAL_ERROR);
    const goaway = Buffer.alloc(8);
    goaway.writeUInt32BE(5);
    frames.writer.frame(FrameType.GOAWAY, 0, 0, goaway);
    await frames.flush();
    expect(answers.map(({ outcome }) => outcome)).toMatchObject([
      { code: ErrorCode.REFUSED_STREAM, isUnprocessed: true, message: expect.stringContaining('REFUSED_STREAM') },
      { code: ErrorCode.INTERNAL_ERROR, isUnprocessed: false },
      undefined,
      { code: undefined, isUnprocessed: true },
    ]);
    frames.close();
    await settle();
    expect(answers[2]?.outcome).toMatchObject(lost);
  });

  test('that one waited in vain for its turn', async () => {
    const frames = new FramesForClient();
    frames.writer.frame(FrameType.SETTINGS, 0, 0, encodeSettings([[Setting.MAX_CONCURRENT_STREAMS, 1]]));
    await frames.flush();
    const [sent, waiting] = [ask(frames.client, nothing), ask(frames.client, nothing)];
    frames.client.destroy('too slow');
    expect(sent.outcome).toMatchObject({ ...lost, message: 'too slow' });
    expect(waiting.outcome).toMatchObject({ code: undefined, isUnprocessed: true });
    expect(frames.received.filter(({ type }) => type === FrameType.HEADERS).length).toBeLessThan(2);
  });
});

test('an answer before the end of its request ends the request, and what is announced before it is passed over', async () => {
  const frames = new FramesForClient();
  const answer = ask(frames.client);
  frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
  await frames
    .headers(1, [{ name: ':status', value: '103' }])
    .headers(1, ok, true)
    .flush();
  expect([answer.outcome, answer.fieldLists]).toEqual(['complete', [[':status: 200']]]);
  expect(frames.errorOf(1)).toBe(ErrorCode.CANCEL);
  await frames.headers(1, trailers, true).data(1, Buffer.from('late')).flush();
  expect(frames.client.isOpen).toBe(true);
});

test('a stream whose window is opened by nothing is broken off', async () => {
  const frames = new FramesForClient();
  const answer = ask(frames.client);
  frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
  frames.writer.number(FrameType.WINDOW_UPDATE, 1, 0);
  await frames.flush();
  expect(answer.outcome).toMatchObject({ code: ErrorCode.PROTOCOL_ERROR });
  expect([frames.errorOf(1), frames.client.isOpen]).toEqual([ErrorCode.PROTOCOL_ERROR, true]);
});

test('a ping is answered by its own bytes only', async () => {
  const frames = new FramesForClient();
  let answers = 0;
  frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
  await frames.flush();
  for (let ping = 0; ping < 2; ping++) frames.client.ping(() => answers++);
  await settle();
  const [, second] = frames.received.filter(({ type }) => type === FrameType.PING);
  const answer = (payload: Uint8Array) => frames.writer.frame(FrameType.PING, Flag.ACK, 0, payload);
  answer(Buffer.alloc(8, 'x'));
  answer(second?.payload as Buffer);
  answer(second?.payload as Buffer);
  await frames.flush();
  expect(answers).toBe(1);
});

test('an answer with header fields in its middle is broken off', async () => {
  const frames = new FramesForClient();
  const answer = ask(frames.client, nothing);
  frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
  await frames.headers(1, ok).headers(1, trailers).headers(1, trailers).flush();
  expect(answer.outcome).toMatchObject({ code: ErrorCode.PROTOCOL_ERROR, isUnprocessed: false });
  expect([answer.fieldLists.length, frames.errorOf(1)]).toEqual([1, ErrorCode.PROTOCOL_ERROR]);
  expect(frames.client.isOpen).toBe(true);
});

describe('a server that reads nothing does not keep the connection open', () => {
  test.for<[string, (client: ClientSession, far: Duplex) => unknown]>([
    ['after close', (client) => client.close()],
    ['when it breaks the protocol', (_, far) => far.write(Buffer.alloc(9, 0xff))],
  ])('%s', async ([, leave]) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const [near, far] = duplexPair();
      leave(new ClientSession(near, sizes), far);
      await settle();
      expect(near.destroyed).toBe(false);
      vi.advanceTimersByTime(1000);
      expect(near.destroyed).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a server is left that', () => {
  const settings = (frames: FramesForClient) => frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);

  test.for<[string, number, (frames: FramesForClient) => unknown]>([
    ['does not begin with SETTINGS', ErrorCode.PROTOCOL_ERROR, (frames) => frames.headers(1, ok)],
    ['answers what nobody has asked', ErrorCode.PROTOCOL_ERROR, (frames) => [settings(frames), frames.headers(3, ok)]],
    [
      'pushes',
      ErrorCode.PROTOCOL_ERROR,
      (frames) => [settings(frames), frames.writer.frame(FrameType.PUSH_PROMISE, Flag.END_HEADERS, 1, Buffer.alloc(4))],
    ],
    [
      'sends more than it may',
      ErrorCode.FLOW_CONTROL_ERROR,
      (frames) => [settings(frames), ...Array.from({ length: 5 }, () => frames.data(1, Buffer.alloc(16_384)))],
    ],
    [
      'interrupts a block of header fields',
      ErrorCode.PROTOCOL_ERROR,
      (frames) => [settings(frames), frames.writer.frame(FrameType.HEADERS, 0, 1, nothing), frames.data(1, nothing)],
    ],
    [
      'opens the window by nothing',
      ErrorCode.PROTOCOL_ERROR,
      (frames) => [settings(frames), frames.writer.number(FrameType.WINDOW_UPDATE, 0, 0)],
    ],
    [
      'opens a window beyond all limits',
      ErrorCode.FLOW_CONTROL_ERROR,
      (frames) => [settings(frames), frames.writer.number(FrameType.WINDOW_UPDATE, 1, 0x7fffffff)],
    ],
  ])('%s', async ([, code, write]) => {
    const frames = new FramesForClient();
    const answer = ask(frames.client);
    answer.isReading = false;
    write(frames);
    await frames.flush();
    expect([frames.errorOf(0), frames.client.isOpen, frames.isClosed]).toEqual([code, false, true]);
    expect(answer.outcome).toMatchObject({ code: undefined, isUnprocessed: false });
  });
});

test('whatever bytes come, requests end, and nothing is thrown', async () => {
  const frame = fc.tuple(fc.nat(10), fc.nat(255), fc.nat(7), fc.uint8Array({ maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.uint8Array({ maxLength: 60 }), async (list, junk) => {
      const frames = new FramesForClient();
      const answers = [ask(frames.client, nothing), ask(frames.client)];
      frames.writer.frame(FrameType.SETTINGS, 0, 0, nothing);
      for (const each of list) frames.writer.frame(...each);
      for (const piece of frames.writer.take()) frames.write(piece);
      frames.write(junk);
      await settle();
      frames.close();
      await settle();
      for (const { outcome } of answers) expect(outcome).toBeDefined();
      expect(frames.client.openStreams).toBe(0);
    }),
    { numRuns: 200 },
  );
});
