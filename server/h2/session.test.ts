import { afterEach, describe, expect, test } from 'vitest';
import { ErrorCode, Flag, FrameType, Setting } from './protocol.ts';
import type { SessionOptions } from './session.ts';
import type { ServerStream } from './stream.ts';
import { type Behaviour, postFields, RawClient } from './testing/raw-client.ts';

const ok = [{ name: ':status', value: '200' }];
const clients: RawClient[] = [];

function connect(behaviour?: Behaviour, options?: Partial<SessionOptions>): RawClient {
  const client = new RawClient(behaviour, options);
  clients.push(client);
  return client;
}

/** Sends back what it gets. */
const echo: Behaviour = (stream) => {
  stream.respond(ok);
  return {
    data: (bytes) => {
      stream.data(bytes);
      stream.consumed(bytes.length);
    },
    end: () => stream.trailers([{ name: 'x-end', value: '1' }]),
  };
};

/** Answers with a body of so many bytes, all the same. */
const answer =
  (sizeBytes: number): Behaviour =>
  (stream) => ({
    end: () => {
      stream.respond(ok);
      stream.data(Buffer.alloc(sizeBytes, stream.id), true);
    },
  });

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

describe('a request and its answer', () => {
  test('headers, data and trailers travel both ways, in any pieces', async () => {
    const client = connect(echo).begin();
    client.request(1, [], false).data(1, 'some ').data(1, 'thing');
    client.frame(
      FrameType.HEADERS,
      Flag.END_HEADERS | Flag.END_STREAM,
      1,
      client.block([{ name: 'x-sum', value: '9' }]),
    );
    await client.settle();
    expect(client.body(1).toString()).toBe('some thing');
    expect(client.answers()).toEqual([
      { streamId: 1, fields: [':status: 200'], isEnd: false },
      { streamId: 1, fields: ['x-end: 1'], isEnd: true },
    ]);
    expect(client.session.openStreams).toBe(0);
  });

  test('frames that drip in byte by byte are the same frames', async () => {
    const whole = connect(echo);
    const bytes: Buffer[] = [];
    whole.write = (part) => {
      bytes.push(Buffer.from(part));
      return whole;
    };
    whole.begin().request(1, [], false).data(1, 'drop by drop', true);
    const dripping = connect(echo);
    for (const byte of Buffer.concat(bytes)) dripping.write(Buffer.of(byte));
    await dripping.settle();
    expect(dripping.body(1).toString()).toBe('drop by drop');
  });

  test('a header block in pieces, padded and with a priority, is put together', async () => {
    const heads: string[] = [];
    const client = connect((stream) => {
      heads.push(`${stream.head.method} ${stream.head.path} ${stream.head.authority} ${stream.head.get('x-a')}`);
      return {};
    }).begin();
    const block = client.block([...postFields, { name: 'x-a', value: '1' }, { name: 'x-a', value: '2' }]);
    const padded = Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 16]), block.subarray(0, 4), Buffer.alloc(3)]);
    client.frame(FrameType.HEADERS, Flag.PADDED | Flag.PRIORITY | Flag.END_STREAM, 1, padded);
    client.frame(FrameType.CONTINUATION, 0, 1, block.subarray(4, 9));
    client.frame(FrameType.CONTINUATION, Flag.END_HEADERS, 1, block.subarray(9));
    await client.settle();
    expect(heads).toEqual(['POST /echo localhost 1, 2']);
  });

  test('header fields larger than a frame are sent in pieces', async () => {
    const client = connect((stream) => ({
      end: () => stream.respond([...ok, { name: 'x-large', value: '\x01'.repeat(20_000) }], true),
    })).begin();
    await client.request(1).settle();
    expect(client.received(FrameType.HEADERS)).toHaveLength(1);
    expect(client.received(FrameType.CONTINUATION).at(-1)?.flags).toBe(Flag.END_HEADERS);
  });

  test('an answer before the end of its request is followed by a reset without an error', async () => {
    const client = connect((stream) => {
      stream.respond(ok, true);
      return {};
    }).begin();
    await client.request(1, [], false).settle();
    expect(client.errorOf(1)).toBe(ErrorCode.NO_ERROR);
    // What was under way is no mistake.
    await client.data(1, 'late', true).settle();
    expect(client.received(FrameType.RST_STREAM)).toHaveLength(1);
    expect(client.isClosed).toBe(false);
  });

  test('a client that cancels is heard once, and hears nothing more', async () => {
    const heard: string[] = [];
    const client = connect(() => ({ reset: () => heard.push('reset'), end: () => heard.push('end') })).begin();
    await client.request(1, [], false).number(FrameType.RST_STREAM, 1, ErrorCode.CANCEL).settle();
    const [stream] = client.streams as [ServerStream];
    stream.respond(ok);
    stream.data(Buffer.from('too late'), true);
    await client.settle();
    expect(heard).toEqual(['reset']);
    expect(client.frames.filter(({ streamId }) => streamId === 1)).toEqual([]);
  });

  test('a client that goes ends all its streams', async () => {
    let resets = 0;
    let closes = 0;
    const client = connect(() => ({ reset: () => resets++ }), { onClose: () => closes++ }).begin();
    await client.request(1, [], false).request(3, [], false).settle();
    client.close();
    await client.settle();
    expect([resets, closes]).toEqual([2, 1]);
  });
});

describe('what the client may send', () => {
  test('is opened again as it is consumed, and not before', async () => {
    const client = connect(() => ({ data: () => {} })).begin();
    client.request(1, [], false);
    for (let piece = 0; piece < 4; piece++) client.data(1, Buffer.alloc(16_384));
    await client.settle();
    const opened = () => client.received(FrameType.WINDOW_UPDATE, 1).map(({ payload }) => payload.readUInt32BE());
    expect(opened()).toEqual([]);
    client.streams[0]?.consumed(32_768);
    client.streams[0]?.consumed(32_768);
    await client.settle();
    expect(opened()).toEqual([32_768, 32_768]);
  });

  test('more than the window of the stream ends the stream', async () => {
    const client = connect(() => ({ data: () => {} })).begin();
    client.request(1, [], false);
    for (let piece = 0; piece < 5; piece++) client.data(1, Buffer.alloc(16_384));
    await client.settle();
    expect(client.errorOf(1)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
  });

  test('more than the window of the connection ends the connection', async () => {
    const client = connect(() => ({ data: () => {} }), { streamWindowBytes: 1 << 20 }).begin();
    client.request(1, [], false);
    for (let piece = 0; piece < 9; piece++) client.data(1, Buffer.alloc(16_384));
    await client.settle();
    expect(client.errorOf(0)).toBe(ErrorCode.FLOW_CONTROL_ERROR);
    expect(client.isClosed).toBe(true);
  });

  test('what a reset stream had not consumed does not stay lost to the connection', async () => {
    const client = connect(() => ({ data: () => {} })).begin();
    for (let id = 1; id < 40; id += 2) {
      client.request(id, [], false).data(id, Buffer.alloc(16_384)).number(FrameType.RST_STREAM, id, 8);
      await client.settle();
    }
    expect(client.errorOf(0)).toBeUndefined();
  });

  test('a body longer or shorter than it says is refused', async () => {
    const client = connect(() => ({})).begin();
    client.request(1, [{ name: 'content-length', value: '3' }], false).data(1, 'four');
    client.request(3, [{ name: 'content-length', value: '3' }], false).data(3, 'no', true);
    client.request(5, [{ name: 'content-length', value: '3' }], false).data(5, 'yes', true);
    await client.settle();
    expect([1, 3, 5].map((id) => client.errorOf(id))).toEqual([1, 1, undefined]);
  });
});

describe('what the client takes', () => {
  test('is all that is sent: the rest waits, and then trailers follow', async () => {
    let drains = 0;
    const client = connect((stream) => ({
      end: () => {
        stream.respond(ok);
        expect(stream.data(Buffer.alloc(100_000))).toBe(false);
        expect(stream.data(Buffer.alloc(0))).toBe(true);
        stream.trailers([{ name: 'x-end', value: '1' }]);
      },
      drain: () => drains++,
    })).begin([[Setting.INITIAL_WINDOW_SIZE, 40_000]]);
    await client.request(1).settle();
    expect(client.body(1)).toHaveLength(40_000);
    await client.number(FrameType.WINDOW_UPDATE, 1, 1_000_000).settle();
    // The connection has a window of its own.
    expect(client.body(1)).toHaveLength(65_535);
    expect(client.hasEnded(1)).toBe(false);
    await client.number(FrameType.WINDOW_UPDATE, 0, 1_000_000).settle();
    expect(client.body(1)).toHaveLength(100_000);
    expect(client.hasEnded(1)).toBe(true);
    expect(client.session.outbound.queuedBytes).toBe(0);
  });

  test('changes for streams that are open, even below nothing', async () => {
    const client = connect(answer(50_000)).begin([[Setting.INITIAL_WINDOW_SIZE, 20_000]]);
    await client.request(1).settle();
    client.frame(FrameType.SETTINGS, 0, 0, Buffer.from([0, Setting.INITIAL_WINDOW_SIZE, 0, 0, 0, 10]));
    await client.number(FrameType.WINDOW_UPDATE, 1, 19_990).settle();
    expect(client.body(1)).toHaveLength(20_000);
    await client.number(FrameType.WINDOW_UPDATE, 1, 1).settle();
    expect(client.body(1)).toHaveLength(20_001);
  });

  test('is shared by streams that wait, a frame each in turn', async () => {
    const client = connect(answer(65_536)).begin([[Setting.INITIAL_WINDOW_SIZE, 1 << 20]]);
    await client.request(1).request(3).request(5).settle();
    await client.number(FrameType.WINDOW_UPDATE, 0, 1 + 6 * 16_384).settle();
    const turns = client.received(FrameType.DATA).map(({ streamId }) => streamId);
    expect(turns.slice(0, 4)).toEqual([1, 1, 1, 1]);
    expect(turns.filter((id) => id === 3)).toHaveLength(3);
    expect(turns.filter((id) => id === 5)).toHaveLength(3);
  });

  test('an empty end needs no window', async () => {
    const client = connect((stream) => ({
      end: () => {
        stream.respond(ok);
        stream.data(Buffer.alloc(100));
        stream.data(Buffer.alloc(0), true);
      },
    })).begin([[Setting.INITIAL_WINDOW_SIZE, 100]]);
    await client.request(1).settle();
    expect(client.hasEnded(1)).toBe(true);
  });

  test('an empty end does not open a window that is less than nothing', async () => {
    const client = connect((stream) => ({
      end: () => {
        stream.respond(ok);
        if (stream.id === 1) stream.data(Buffer.alloc(1000));
        else stream.data(Buffer.alloc(0), true);
      },
    })).begin();
    await client.request(1).settle();
    client.frame(FrameType.SETTINGS, 0, 0, Buffer.from([0, Setting.INITIAL_WINDOW_SIZE, 0, 0, 0, 0]));
    await client.request(3).settle();
    client.streams[0]?.data(Buffer.alloc(0), true);
    await client.settle();
    expect([client.hasEnded(1), client.hasEnded(3)]).toEqual([true, true]);
    expect(client.session.outbound.windowBytes).toBe(65_535 - 1000);
  });

  test('an answer that nobody reads stays in memory once, and goes with its stream', async () => {
    const client = connect(answer(10_000_000)).begin();
    await client.request(1).settle();
    expect(client.session.outbound.queuedBytes).toBe(10_000_000 - 65_535);
    await client.number(FrameType.RST_STREAM, 1, ErrorCode.CANCEL).settle();
    expect(client.session.outbound.queuedBytes).toBe(0);
  });

  test('new requests are turned away while too many answers wait to be read', async () => {
    const client = connect(answer(40_000_000)).begin();
    await client.request(1).request(3).request(5).settle();
    expect([1, 3, 5].map((id) => client.errorOf(id))).toEqual([undefined, undefined, ErrorCode.REFUSED_STREAM]);
  });
});

describe('the end of a connection', () => {
  test('lets requests under way end and takes no new ones', async () => {
    const client = connect(echo).begin();
    await client.request(1, [], false).settle();
    client.session.drain();
    await client.settle();
    expect(client.errorOf(0)).toBe(ErrorCode.NO_ERROR);
    await client.request(3).data(1, 'still', true).settle();
    expect(client.body(1).toString()).toBe('still');
    expect(client.received(FrameType.HEADERS, 3)).toEqual([]);
    expect(client.isClosed).toBe(true);
  });

  test('spares the requests under way those that come too late', async () => {
    const client = connect(echo).begin();
    await client.request(1, [], false).settle();
    client.session.drain();
    // Head and body of a call that was sent before GOAWAY came.
    await client.request(3, [], false).data(3, 'too late', true).settle();
    await client.data(1, 'still', true).settle();
    expect(client.body(1).toString()).toBe('still');
    expect(client.hasEnded(1)).toBe(true);
    const given = client.received(FrameType.GOAWAY).map(({ payload }) => [payload.readUInt32BE(0), payload[7]]);
    expect(given).toEqual([[1, ErrorCode.NO_ERROR]]);
  });

  test('comes at once when nothing is under way, and when a client that said good-bye has its answers', async () => {
    const idle = connect(echo).begin();
    await idle.settle();
    idle.session.drain();
    const leaving = connect(answer(10)).begin();
    leaving.request(1).frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(8));
    await idle.settle();
    await leaving.settle();
    expect([idle.isClosed, leaving.isClosed]).toEqual([true, true]);
    expect(leaving.hasEnded(1)).toBe(true);
  });

  test('comes to a client that says nothing', async () => {
    const client = connect(echo, { setupTimeoutMs: 1 });
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.errorOf(0)).toBe(ErrorCode.PROTOCOL_ERROR);
  });

  test('a ping is answered with its own bytes, and one of ours is heard', async () => {
    let pings = 0;
    let answered = false;
    const client = connect(echo, { onPing: () => pings++ }).begin();
    client.frame(FrameType.PING, 0, 0, Buffer.from('12345678'));
    client.session.ping(() => {
      answered = true;
    });
    await client.settle();
    const replies = client.received(FrameType.PING);
    expect(replies.map(({ flags }) => flags).sort()).toEqual([0, Flag.ACK]);
    expect(replies.find(({ flags }) => flags === Flag.ACK)?.payload.toString()).toBe('12345678');
    await client.frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8)).settle();
    expect([pings, answered]).toEqual([1, true]);
  });
});

describe('more than is good', () => {
  test('streams at once are refused, and the others go on', async () => {
    const client = connect(echo, { maxConcurrentStreams: 2 }).begin();
    client.request(1, [], false).request(3, [], false).request(5, [], false).data(1, 'x', true);
    await client.settle();
    expect(client.errorOf(5)).toBe(ErrorCode.REFUSED_STREAM);
    await client.request(7).settle();
    expect([client.hasEnded(1), client.hasEnded(7)]).toEqual([true, true]);
  });

  test('header fields refuse one request, and the next is understood', async () => {
    const client = connect(echo).begin();
    const large = [{ name: 'x-large', value: 'v'.repeat(900) }];
    const many = Array.from({ length: 20 }, () => large[0] as { name: string; value: string });
    // Twenty times one remembered field: few bytes on the wire.
    await client.request(1, large).request(3, many).request(5, large).settle();
    expect(client.errorOf(3)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
    expect([client.hasEnded(1), client.hasEnded(5)]).toEqual([true, true]);
  });

  test.each([
    ['empty ones', 0],
    ['large ones', 16_384],
  ])('continuations of a header block: %s', async (_what, sizeBytes) => {
    const client = connect(echo).begin();
    client.frame(FrameType.HEADERS, 0, 1, Buffer.alloc(0));
    for (let piece = 0; piece < 40; piece++) client.frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(sizeBytes));
    await client.settle();
    expect(client.errorOf(0)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  test.each<[string, (client: RawClient, round: number) => void]>([
    [
      'requests that are taken back',
      (client, n) => client.request(2 * n + 1).number(FrameType.RST_STREAM, 2 * n + 1, 8),
    ],
    ['pings', (client) => client.frame(FrameType.PING, 0, 0, Buffer.alloc(8))],
    ['settings', (client) => client.frame(FrameType.SETTINGS, 0, 0)],
    ['priorities', (client) => client.frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 3, 1]))],
    ['unknown frames', (client) => client.frame(99, 0, 0)],
    ['requests that make no sense', (client, n) => client.frame(FrameType.HEADERS, 5, 2 * n + 1, Buffer.of(0x82))],
    ['empty data', (client, n) => (n === 0 ? client.request(1, [], false) : client.data(1, ''))],
    [
      'windows of closed streams',
      (client, n) => (n === 0 ? client.request(1) : client.number(FrameType.WINDOW_UPDATE, 1, 1)),
    ],
  ])('%s send the client away', async (_what, attack) => {
    // Nothing comes back with time: how fast this machine is does not matter.
    const client = connect(echo, { now: () => 0 }).begin();
    for (let round = 0; round < 60_000 && !client.isClosed; round++) {
      attack(client, round);
      if (round % 1000 === 0) await client.settle();
    }
    await client.settle();
    expect(client.errorOf(0)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
    expect(client.session.openStreams).toBe(0);
  });
});

describe('what makes no sense', () => {
  const block = (...extra: (readonly [string, string])[]) => [
    ...postFields,
    ...extra.map(([name, value]) => ({ name, value })),
  ];
  test.each([
    ['no path', postFields.filter(({ name }) => name !== ':path')],
    ['an empty path', postFields.map((field) => (field.name === ':path' ? { ...field, value: '' } : field))],
    ['a method twice', block([':method', 'GET'])],
    ['an unknown pseudo-header field', [{ name: ':version', value: '2' }, ...postFields]],
    ['a pseudo-header field behind a regular one', [{ name: 'x', value: '' }, ...postFields]],
    ['upper case in a name', block(['X-Large', '1'])],
    ['a line feed in a value', block(['x', 'a\nb'])],
    ['white space around a value', block(['x', ' a'])],
    ['a field of HTTP/1', block(['transfer-encoding', 'chunked'])],
    ['te for more than trailers', block(['te', 'gzip'])],
    ['a length that is no number', block(['content-length', '-1'])],
    ['a length twice', block(['content-length', '1'], ['content-length', '1'])],
    [
      'CONNECT',
      [
        { name: ':method', value: 'CONNECT' },
        { name: ':authority', value: 'a' },
      ],
    ],
  ])('%s ends the request only', async (_what, fields) => {
    const client = connect(echo).begin();
    client.frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, client.block(fields));
    await client.request(3).settle();
    expect(client.errorOf(1)).toBe(ErrorCode.PROTOCOL_ERROR);
    expect(client.hasEnded(3)).toBe(true);
  });
});
