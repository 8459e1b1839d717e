import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Entry } from './entry.ts';
import { cutIntoPages, imageBytes } from './page-writer.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 60 });
const leaf = (size: number) => Entry.leaf(Buffer.alloc(size), 0, 1, size - 1, 0);
const branch = (size: number) => Entry.branch(Buffer.alloc(size), 0, size, 2);

describe('entries are cut into pages', () => {
  test('so that every page but one of a single entry fits', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), (all, fillFirst) => {
        const entries = all.map(leaf);
        let start = 0;
        for (const end of cutIntoPages(entries, true, 1024, fillFirst)) {
          expect(end).toBeGreaterThan(start);
          if (end - start > 1) expect(imageBytes(entries, start, end)).toBeLessThanOrEqual(1024);
          start = end;
        }
        expect(start).toBe(entries.length);
      }),
    );
  });

  test('so that no branch has a single child', () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), (all, fillFirst) => {
        fc.pre(all.length > 1);
        const entries = all.map(branch);
        let start = 0;
        for (const end of cutIntoPages(entries, false, 1024, fillFirst)) {
          expect(end - start).toBeGreaterThanOrEqual(2);
          start = end;
        }
      }),
    );
  });

  test('full ones when only larger keys will follow, equal ones otherwise', () => {
    const entries = Array.from({ length: 11 }, () => leaf(84));
    expect(imageBytes(entries, 0, 10)).toBe(1016);
    expect(cutIntoPages(entries, true, 1024, true)).toEqual([10, 11]);
    expect(cutIntoPages(entries, true, 1024, false)).toEqual([6, 11]);
  });
});
