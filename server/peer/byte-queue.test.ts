import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteQueue } from './byte-queue.ts';

test('bytes come out as they went in, in whatever pieces', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(30)), (chunks, sizes) => {
      const queue = new ByteQueue();
      for (const chunk of chunks) queue.push(Buffer.from(chunk));
      const all = Buffer.concat(chunks);
      let at = 0;
      for (const size of sizes) {
        if (size > queue.length) continue;
        expect(queue.take(size)).toEqual(all.subarray(at, at + size));
        at += size;
      }
      expect(queue.length).toBe(all.length - at);
      expect(queue.take(queue.length)).toEqual(all.subarray(at));
    }),
  );
});

test('bytes that came in one piece are not copied', () => {
  const queue = new ByteQueue();
  const chunk = Buffer.from('abcdef');
  queue.push(chunk);
  queue.take(2);
  expect(queue.take(3).buffer).toBe(chunk.buffer);
});

test('more than is there cannot be taken', () => {
  expect(() => new ByteQueue().take(1)).toThrow(RangeError);
});
