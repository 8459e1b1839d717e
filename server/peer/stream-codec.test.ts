import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfState, Entry, Message, MessageType, Snapshot, SnapshotMetadata } from '../proto/gen/raft.ts';
import { ChunkBuilder, FrameError, FrameReader, frameLength, maxFrameBytes } from './frames.ts';
import { newEncoder, newParser, type StreamKind } from './stream-codec.ts';

const leader = 0xe188ed3f548d3a9en;
const follower = 0x59d8024f8dec20den;

/** Bytes as upstream 3.5.30 sent them, without the chunk's frame. */
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The content of one HTTP chunk. */
function content(pieces: readonly Uint8Array[]): Buffer {
  const chunk = Buffer.concat(pieces);
  const lineEnd = chunk.indexOf('\r\n');
  const body = chunk.subarray(lineEnd + 2, -2);
  expect(Number.parseInt(chunk.subarray(0, lineEnd).toString(), 16)).toBe(body.length);
  expect(chunk.subarray(-2).toString()).toBe('\r\n');
  return body;
}

function encode(kind: StreamKind, messages: readonly Message[]): Buffer {
  const encoder = newEncoder(kind);
  const out = new ChunkBuilder();
  for (const message of messages) encoder.encode(message, out);
  return content(out.finish());
}

/** Decodes bytes that arrive in the given pieces. */
function decode(kind: StreamKind, ...chunks: Buffer[]): Message[] {
  const messages: Message[] = [];
  const reader = new FrameReader(newParser(kind, leader, follower, (message) => messages.push(message)));
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}

const app = (fields: Partial<Message>) =>
  Message.create({ type: MessageType.MsgApp, from: leader, to: follower, ...fields });
const entry = (Index: number, Term: number, Data = Buffer.from('x')) => Entry.create({ Index, Term, Data });

describe('the message stream', () => {
  const voteResp = hex(
    '000000000000002f 0806 109ef5b4a4f5a7bbc4e101 18dec1b0eff8c980ec59 2002 2800 3000 4000 4a0a12080a02280010001800 5000 5800',
  );

  test('reads what upstream sends; an empty snapshot is none', () => {
    expect(decode('message', voteResp)).toEqual([
      Message.create({ type: MessageType.MsgVoteResp, to: leader, from: follower, term: 2 }),
    ]);
  });

  test('swallows heartbeats, upstream’s long ones and short ones', () => {
    const long = hex('000000000000001e 0808 1000 1800 2000 2800 3000 4000 4a0a12080a02280010001800 5000 5800');
    const short = hex('0000000000000002 0808');
    expect(decode('message', long, short, voteResp)).toHaveLength(1);
  });

  test('sends heartbeats that are heartbeats', () => {
    const out = new ChunkBuilder();
    newEncoder('message').heartbeat(out);
    expect(decode('message', content(out.finish()))).toEqual([]);
  });

  test('passes on a heartbeat of raft’s', () => {
    const heartbeat = Message.create({ type: MessageType.MsgHeartbeat, from: leader, to: follower, term: 2 });
    expect(decode('message', encode('message', [heartbeat]))).toEqual([heartbeat]);
  });

  test('keeps a snapshot that is one', () => {
    const snapshot = Snapshot.create({
      data: Buffer.from('{}'),
      metadata: SnapshotMetadata.create({ index: 5, term: 2, conf_state: ConfState.create({ voters: [leader] }) }),
    });
    const message = Message.create({ type: MessageType.MsgSnap, from: leader, to: follower, snapshot });
    expect(decode('message', encode('message', [message]))).toEqual([message]);
  });
});

describe('the msgapp stream', () => {
  test('reads what upstream sends: a whole MsgApp, then only its entries, then only a commit index', () => {
    const messages = decode(
      'msgapp',
      hex(
        '02 0000000000000037 0803 10dec1b0eff8c980ec59 189ef5b4a4f5a7bbc4e101 2002 2801 3003 3a06 080010021804 4003 ' +
          '4a0a12080a02280010001800 5000 5800',
      ),
      encode('msgapp', [app({ term: 2, logTerm: 2, index: 8, commit: 8 })]),
      hex(
        '01 0000000000000001 0000000000000021 0800 1002 1809 2219 220a0a03666f6f1203626172a2060a088386dcc0fcbea8ef20 ' +
          '0000000000000008',
      ),
      hex('01 0000000000000000 0000000000000009'),
    );
    expect(messages[0]).toEqual(
      app({ term: 2, logTerm: 1, index: 3, entries: [Entry.create({ Term: 2, Index: 4 })], commit: 3 }),
    );
    expect(messages[2]).toMatchObject({ from: leader, to: follower, term: 2, logTerm: 2, index: 8, commit: 8 });
    expect(messages[2]?.entries[0]).toMatchObject({ Term: 2, Index: 9 });
    expect(messages[3]).toEqual(app({ term: 2, logTerm: 2, index: 9, commit: 9 }));
  });

  test('writes the same bytes', () => {
    const bytes = encode('msgapp', [
      app({ term: 2, logTerm: 1, index: 3, entries: [Entry.create({ Term: 2, Index: 4 })], commit: 3 }),
      app({
        term: 2,
        logTerm: 2,
        index: 4,
        commit: 8,
        entries: [entry(5, 2, hex('220a0a03666f6f1203626172a2060a088386dcc0fcbea8ef20'))],
      }),
      app({ term: 2, logTerm: 2, index: 5, commit: 9 }),
    ]);
    const first = hex(
      '02 000000000000002b 0803 10dec1b0eff8c980ec59 189ef5b4a4f5a7bbc4e101 2002 2801 3003 3a06 080010021804 4003 5000 5800',
    );
    const second = hex(
      '01 0000000000000001 0000000000000021 0800 1002 1805 2219 220a0a03666f6f1203626172a2060a088386dcc0fcbea8ef20 ' +
        '0000000000000008',
    );
    expect(bytes.toString('hex')).toBe(
      Buffer.concat([first, second, hex('01 0000000000000000 0000000000000009')]).toString('hex'),
    );
  });

  test('has heartbeats of one byte', () => {
    const out = new ChunkBuilder();
    newEncoder('msgapp').heartbeat(out);
    expect(Buffer.concat(out.finish()).toString()).toBe('1\r\n\0\r\n');
    expect(decode('msgapp', hex('00 00 00'))).toEqual([]);
  });

  test('says everything again when the next MsgApp does not follow the last', () => {
    const messages = [
      app({ term: 2, logTerm: 2, index: 10, entries: [entry(11, 2), entry(12, 2)], commit: 9 }),
      app({ term: 2, logTerm: 2, index: 12, entries: [entry(13, 2)], commit: 11 }),
      app({ term: 2, logTerm: 2, index: 10, entries: [entry(11, 2)], commit: 11 }),
      app({ term: 3, logTerm: 2, index: 11, entries: [entry(12, 3)], commit: 11 }),
      app({ term: 3, logTerm: 3, index: 12, commit: 12 }),
    ];
    const bytes = encode('msgapp', messages);
    expect(decode('msgapp', bytes)).toEqual(messages);
    expect(encode('msgapp', messages.slice(0, 1))[0]).toBe(2);
  });

  test('sends large values from where they are, in the very bytes of an encoded entry', () => {
    const value = Buffer.alloc(100_000, 'v');
    const message = app({ term: 2, logTerm: 2, index: 0, entries: [entry(1, 2), entry(2, 2, value), entry(3, 2)] });
    const encoder = newEncoder('msgapp');
    const out = new ChunkBuilder();
    encoder.encode(app({ term: 2, logTerm: 2, commit: 0 }), out);
    content(out.finish());
    encoder.encode(message, out);
    const pieces = out.finish();
    expect(pieces.filter((piece) => piece.buffer === value.buffer)).toHaveLength(1);
    const frames = message.entries.map((each) => {
      const bytes = Buffer.from(Entry.encode(each));
      const length = Buffer.alloc(8);
      length.writeUInt32BE(bytes.length, 4);
      return Buffer.concat([length, bytes]);
    });
    const whole = Buffer.concat([hex('01 0000000000000003'), ...frames, hex('0000000000000000')]);
    expect(content(pieces).equals(whole)).toBe(true);
  });

  test('survives any sequence of appends, in any pieces', () => {
    const step = fc.record({ jump: fc.boolean(), count: fc.nat(4), newTerm: fc.boolean(), data: fc.uint8Array() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), (steps, pieceBytes) => {
        let [index, term] = [0, 1];
        const messages = steps.map(({ jump, count, newTerm, data }) => {
          if (jump) index += 3;
          const logTerm = term;
          if (newTerm) term++;
          const entries = Array.from({ length: count }, (_, i) => entry(index + 1 + i, term, Buffer.from(data)));
          const message = app({ term, logTerm, index, entries, commit: index });
          index += count;
          return message;
        });
        const bytes = encode('msgapp', messages);
        const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
          bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
        );
        expect(decode('msgapp', ...pieces)).toEqual(messages);
      }),
    );
  });
});

describe('damaged bytes', () => {
  test.each([
    ['a frame beyond the limit', 'message', hex('0000000100000000'), 'larger than the limit'],
    ['a frame just beyond the limit', 'message', hex('0000000004000001'), 'larger than the limit'],
    ['garbage for a message', 'message', hex('0000000000000003 ffffff'), 'damaged raft message'],
    ['an unknown frame type', 'msgapp', hex('07'), 'unknown frame type 7'],
    ['garbage for an entry', 'msgapp', hex('01 0000000000000001 0000000000000001 ff'), 'damaged raft entry'],
    [
      'an entry out of order',
      'msgapp',
      hex('01 0000000000000001 0000000000000006 080010021804'),
      'entry 4 where entry 1',
    ],
    ['an impossible number of entries', 'msgapp', hex('01 ffffffffffffffff'), 'beyond 2^53'],
    ['another message on the stream for MsgApp', 'msgapp', hex('02 0000000000000002 0808'), 'for MsgApp'],
  ] as const)('%s is refused', (_, kind, bytes, text) => {
    expect(() => decode(kind, bytes)).toThrow(FrameError);
    expect(() => decode(kind, bytes)).toThrow(text);
  });

  test('never make the reader wait for more than the limit, or fail with anything but a FrameError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom<StreamKind>('message', 'msgapp'),
        (bytes, kind) => {
          try {
            decode(kind, Buffer.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(FrameError);
          }
        },
      ),
    );
  });

  test('a claimed number of entries takes no memory before they arrive', () => {
    expect(decode('msgapp', hex('01 000fffffffffffff'))).toEqual([]);
  });

  test('the largest frame is believed', () => {
    expect(frameLength(hex('0000000004000000'))).toBe(maxFrameBytes);
  });
});

test('a chunk builder starts anew after each flush, also after a huge one', () => {
  const out = new ChunkBuilder();
  const huge = Buffer.alloc(5 * 1024 * 1024, 1);
  out.bytes(huge);
  expect(content(out.finish()).equals(huge)).toBe(true);
  out.uint64(2 ** 40 + 3);
  expect(Buffer.concat(out.finish()).toString('latin1')).toBe('8\r\n\0\0\x01\0\0\0\0\x03\r\n');
});
