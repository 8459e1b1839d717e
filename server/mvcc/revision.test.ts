import { describe, expect, test } from 'vitest';
import { decodeRevision, encodeRevision, encodeTombstone, isTombstone } from './revision.ts';

describe('a revision in bucket key', () => {
  test('is main, an underscore and sub; a deletion has a t behind it', () => {
    expect(encodeRevision(4, 0).toString('hex')).toBe('00000000000000045f0000000000000000');
    expect(encodeTombstone(5, 0).toString('hex')).toBe('00000000000000055f000000000000000074');
    expect(isTombstone(encodeTombstone(5, 0))).toBe(true);
    expect(isTombstone(encodeRevision(5, 0))).toBe(false);
  });

  test.each([
    [0, 0],
    [1, 2],
    [2 ** 32 - 1, 2 ** 31],
    [2 ** 32, 2 ** 32 + 5],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])('keeps %i and %i apart from its neighbours, in order', (main, sub) => {
    expect(decodeRevision(encodeRevision(main, sub))).toEqual({ main, sub });
    expect(decodeRevision(encodeTombstone(main, sub))).toEqual({ main, sub });
    if (main > 0) expect(Buffer.compare(encodeRevision(main - 1, sub), encodeRevision(main, sub))).toBe(-1);
    expect(Buffer.compare(encodeRevision(main, sub), encodeTombstone(main, sub))).toBe(-1);
  });

  test.each(['', '00000000000000045f00', '0000000000000004000000000000000000'])('%j is none', (hex) => {
    expect(() => decodeRevision(Buffer.from(hex, 'hex'))).toThrow(/no revision/);
  });
});
