import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlagSet, flag } from '../cli/flag-set.ts';
import { keyRange, prefixEnd } from './key-range.ts';

test('the end of a prefix is behind every key that begins with it, and before all other later keys', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (prefix, key) => {
      const end = prefixEnd(prefix);
      const isOpen = end.length === 1 && end[0] === 0;
      const within = Buffer.compare(key, prefix) >= 0 && (isOpen || Buffer.compare(key, end) < 0);
      expect(within).toBe(Buffer.from(key).subarray(0, prefix.length).equals(prefix));
    }),
    { numRuns: 2000 },
  );
});

function range(...argv: string[]): string[] {
  const flags = new FlagSet([flag.bool('prefix', false, ''), flag.bool('from-key', false, '')]);
  const { key, range_end } = keyRange(flags.parse(argv), flags);
  return [key.toString(), range_end.toString()];
}

describe('arguments and flags make the range', () => {
  test.for([
    [['a'], 'a', ''],
    [['a', 'b'], 'a', 'b'],
    [['a', ''], 'a', ''],
    [['--prefix', 'ab'], 'ab', 'ac'],
    [['--from-key', 'a'], 'a', '\0'],
    [['--prefix', ''], '\0', '\0'],
    [['--from-key', ''], '\0', '\0'],
  ] as const)('%j', ([argv, key, end]) => {
    expect(range(...argv)).toEqual([key, end]);
  });

  test('an end beside a flag that makes one is refused', () => {
    expect(() => range('a', 'b', '--prefix')).toThrow('too many arguments');
  });
});
