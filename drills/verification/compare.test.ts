import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareKeySpaces } from './compare.ts';
import { type KeyRecord, printableKey } from './key-space.ts';

const records: fc.Arbitrary<KeyRecord> = fc.record({
  createRevision: fc.nat(5),
  modRevision: fc.nat(5),
  version: fc.nat(3),
  lease: fc.bigInt(0n, 1n),
  valueBytes: fc.nat(3),
  valueSha256: fc.constantFrom('aa', 'bb'),
});
const keySpaces = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 2 }), records)).map((pairs) => new Map(pairs));

describe('compareKeySpaces', () => {
  test('finds nothing between equal key spaces', () => {
    fc.assert(
      fc.property(keySpaces, (keys) => {
        expect(compareKeySpaces(keys, new Map(keys))).toEqual([]);
      }),
    );
  });

  test('finds exactly the keys in which two key spaces differ', () => {
    fc.assert(
      fc.property(keySpaces, keySpaces, (expected, observed) => {
        const same = (key: string): boolean => {
          const [a, b] = [expected.get(key), observed.get(key)];
          return (
            a !== undefined && b !== undefined && Object.entries(a).every(([f, v]) => b[f as keyof KeyRecord] === v)
          );
        };
        const all = new Set([...expected.keys(), ...observed.keys()]);
        const different = [...all].filter((key) => !same(key)).sort((a, b) => (a < b ? -1 : 1));
        expect(compareKeySpaces(expected, observed).map(({ key }) => key)).toEqual(different);
      }),
    );
  });
});

describe('printableKey', () => {
  test.each([
    ['/registry/pods/a', '/registry/pods/a'],
    ['with space', '"with space"'],
    ['quote"', '"quote\\""'],
    ['\x00\xff', '"\\x00\\xff"'],
  ])('shows %j as %s', (key, expected) => {
    expect(printableKey(key)).toBe(expected);
  });
});
