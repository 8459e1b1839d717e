import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FrameHeader, FrameReader } from './frame-reader.ts';

interface Frame extends FrameHeader {
  readonly payload: Buffer;
}

function encode({ type, flags, streamId, payload }: Frame): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** Reads pieces. @returns the frames, with their payloads as they were handed over */
function read(...pieces: Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader();
  for (const piece of pieces) {
    reader.push(piece, (header, payload) => {
      frames.push({ ...header, payload: payload as Buffer });
      return true;
    });
  }
  return frames;
}

test('frames are the same in whatever pieces they come', () => {
  const frame = fc.record({
    type: fc.nat(9),
    flags: fc.nat(255),
    streamId: fc.nat(0x7fffffff),
    payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(30), { maxLength: 40 }), (frames, sizes) => {
      const bytes = Buffer.concat(frames.map(encode));
      const pieces: Buffer[] = [];
      let at = 0;
      for (const size of sizes) {
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(read(...pieces, bytes.subarray(at))).toEqual(frames);
    }),
  );
});

test('what lies behind a frame in pieces is not copied', () => {
  const frame = encode({ type: 0, flags: 0, streamId: 1, payload: Buffer.alloc(100, 'x') });
  const first = Buffer.from(frame.subarray(0, 50));
  const second = Buffer.concat([frame.subarray(50), frame]);
  const [inPieces, whole] = read(first, second) as [Frame, Frame];
  expect(inPieces.payload.equals(whole.payload)).toBe(true);
  expect(whole.payload.buffer).toBe(second.buffer);
  expect(whole.payload.byteOffset).toBe(second.byteOffset + 59 + 9);
});

test('nothing more is read once the connection has ended', () => {
  const frame = encode({ type: 0, flags: 0, streamId: 1, payload: Buffer.alloc(10) });
  const reader = new FrameReader();
  let seen = 0;
  const end = (): boolean => {
    seen++;
    return false;
  };
  reader.push(frame.subarray(0, 12), end);
  reader.push(Buffer.concat([frame.subarray(12), frame]), end);
  expect(seen).toBe(1);
});
