import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyCover } from './key-cover.ts';

describe('a cover of keys', () => {
  test('holds what any of its intervals holds', () => {
    const key = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), maxLength: 3 });
    const interval = fc.tuple(key, key);
    fc.assert(
      fc.property(fc.array(interval, { maxLength: 12 }), fc.array(interval), key, (first, second, probe) => {
        const cover = new KeyCover();
        const other = new KeyCover();
        for (const [start, end] of first) cover.add(start, end);
        for (const [start, end] of second) other.add(start, end);
        cover.addAll(other);
        const expected = [...first, ...second].some(([start, end]) => start <= probe && probe < end);
        expect(cover.has(probe)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
