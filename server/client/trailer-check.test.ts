import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TrailerCheck } from './trailer-check.ts';

const sealed = (body: Uint8Array): Buffer => Buffer.concat([body, createHash('sha256').update(body).digest()]);

function check(file: Uint8Array, cuts: readonly number[]): TrailerCheck {
  const trailer = new TrailerCheck();
  let from = 0;
  for (const cut of [...cuts.map((at) => at % (file.length + 1)).sort((a, b) => a - b), file.length]) {
    // The same memory for each piece, as a reader may do it.
    const piece = Buffer.from(file.subarray(from, cut));
    trailer.add(piece);
    piece.fill(0);
    from = cut;
  }
  return trailer;
}

test('a digest at the end is found and holds, however the file is cut into pieces', () => {
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.array(fc.nat()), fc.nat(), (blocks, cuts, fill) => {
      const file = sealed(Buffer.alloc(blocks * 512, fill));
      const verdict = check(file, cuts).finish();
      expect(verdict).toMatchObject({ trailer: 'ok', sha256: file.subarray(-32).toString('hex') });
    }),
  );
});

test('any flipped bit, in the body or in the digest, is a mismatch', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.nat(), fc.nat({ max: 7 }), (cuts, at, bit) => {
      const file = sealed(Buffer.alloc(1024, 7));
      file.writeUInt8(file.readUInt8(at % file.length) ^ (1 << bit), at % file.length);
      expect(check(file, cuts).finish().trailer).toBe('mismatch');
    }),
  );
});

test('a file that ends elsewhere has no digest', () => {
  const file = sealed(Buffer.alloc(1024, 7));
  for (const length of [0, 31, 512, 1024, 1055]) {
    expect(check(file.subarray(0, length), []).finish().trailer).toBe(length % 512 === 32 ? 'mismatch' : 'missing');
  }
  expect(check(file.subarray(0, 544), []).finish().trailer).toBe('mismatch');
});
