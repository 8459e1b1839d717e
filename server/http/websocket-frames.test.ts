import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closeFrame, Opcode, type WebSocketEvent, WebSocketReader, webSocketFrame } from './websocket-frames.ts';

const mask = Buffer.from([1, 2, 3, 250]);

/** A frame as a client sends it: masked, and perhaps not the last of its message. */
function clientFrame(opcode: number, payload: Uint8Array, isFinal = true): Buffer {
  const frame = webSocketFrame(opcode, payload);
  const start = frame.length - payload.length;
  frame[0] = (isFinal ? 0x80 : 0) | opcode;
  frame[1] = (frame[1] as number) | 0x80;
  const masked = payload.map((byte, i) => byte ^ (mask[i & 3] as number));
  return Buffer.concat([frame.subarray(0, start), mask, masked]);
}

function read(pieces: readonly Uint8Array[], maxMessageBytes = 1_000_000): WebSocketEvent[] {
  const reader = new WebSocketReader(maxMessageBytes);
  const events: WebSocketEvent[] = [];
  for (const piece of pieces) reader.push(piece, (event) => events.push(event));
  return events;
}

const payload = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const sentMessage = fc.record({
  fragments: fc.array(fc.oneof(payload(300), payload(70_000)), { minLength: 1, maxLength: 4 }),
  /** Comes between the fragments, as a control frame may. */
  ping: fc.option(payload(125), { nil: undefined }),
});

test('whatever the frames and however they arrive, messages come whole and in order', () => {
  fc.assert(
    fc.property(fc.array(sentMessage, { maxLength: 4 }), fc.integer({ min: 1, max: 5000 }), (messages, step) => {
      const frames: Buffer[] = [];
      const expected: WebSocketEvent[] = [];
      for (const { fragments, ping } of messages) {
        for (const [i, fragment] of fragments.entries()) {
          if (i > 0 && ping !== undefined) {
            frames.push(clientFrame(Opcode.ping, ping));
            expected.push({ kind: 'ping', payload: ping });
          }
          const opcode = i === 0 ? Opcode.binary : Opcode.continuation;
          frames.push(clientFrame(opcode, fragment, i === fragments.length - 1));
        }
        expected.push({ kind: 'message', payload: Buffer.concat(fragments) });
      }
      const bytes = Buffer.concat(frames);
      const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
        bytes.subarray(i * step, (i + 1) * step),
      );
      expect(read(pieces)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

describe('what a client must not send is refused:', () => {
  const text = (string: string) => clientFrame(Opcode.text, Buffer.from(string));
  test.each([
    ['a frame without a mask', webSocketFrame(Opcode.text, Buffer.from('x')), 1002],
    ['a reserved bit', Buffer.from([0xc1, 0x80]), 1002],
    ['an opcode that there is not', clientFrame(3, Buffer.alloc(0)), 1002],
    ['a long control frame', clientFrame(Opcode.ping, Buffer.alloc(126)), 1002],
    ['a control frame in pieces', clientFrame(Opcode.ping, Buffer.alloc(1), false), 1002],
    ['a continuation of nothing', clientFrame(Opcode.continuation, Buffer.alloc(1)), 1002],
    ['a message within another', Buffer.concat([clientFrame(Opcode.text, Buffer.alloc(1), false), text('x')]), 1002],
    ['a text that is not UTF-8', clientFrame(Opcode.text, Buffer.from([0xff])), 1007],
    ['a message that is too long', text('x'.repeat(1001)), 1009],
    [
      'fragments that are too long together',
      Buffer.concat([clientFrame(1, Buffer.alloc(600), false), clientFrame(0, Buffer.alloc(600))]),
      1009,
    ],
  ])('%s', (_what, bytes, code) => {
    expect(() => read([bytes], 1000)).toThrow(expect.objectContaining({ name: 'WebSocketError', code }));
  });

  test('before the payload is there, whatever length it announces', () => {
    const header = Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    expect(() => read([header])).toThrow('a message is longer than 1000000 bytes');
  });
});

test('a message comes in 1024 pieces at most', () => {
  const piece = clientFrame(Opcode.continuation, Buffer.from('y'), false);
  const pieces = [clientFrame(Opcode.text, Buffer.from('x'), false), ...Array<Buffer>(1023).fill(piece)];
  expect(read(pieces)).toEqual([]);
  expect(() => read([...pieces, piece])).toThrow(expect.objectContaining({ name: 'WebSocketError', code: 1009 }));
});

test('pieces without bytes are not held, however many come', () => {
  const empty = clientFrame(Opcode.continuation, Buffer.alloc(0), false);
  const whole = [clientFrame(Opcode.text, Buffer.from('a'), false), ...Array<Buffer>(2000).fill(empty)];
  whole.push(clientFrame(Opcode.continuation, Buffer.from('b')));
  expect(read(whole)).toEqual([{ kind: 'message', payload: Buffer.from('ab') }]);
});

test('the reason of a close frame is cut to what one may hold', () => {
  expect(closeFrame(1000)).toEqual(Buffer.from([0x88, 2, 0x03, 0xe8]));
  expect(closeFrame(1002, 'y'.repeat(200))).toHaveLength(2 + 125);
});
