import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { intervalOf, type KeyInterval, KeyRanges } from './key-ranges.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const interval = (key: string, rangeEnd = ''): KeyInterval => intervalOf(bytes(key), bytes(rangeEnd));

describe('a set of keys', () => {
  test('holds a key that was named alone, and no longer one', () => {
    const ranges = new KeyRanges([interval('a')]);
    expect(ranges.covers(interval('a'))).toBe(true);
    for (const other of [interval('a\0'), interval(''), interval('b'), interval('a', 'b'), interval('a', '\0')]) {
      expect(ranges.covers(other)).toBe(false);
    }
    expect(ranges.covers(interval('a', 'a\0'))).toBe(true);
  });

  test('holds its beginning and not its end', () => {
    const ranges = new KeyRanges([interval('b', 'd')]);
    expect(['a\xff', 'b', 'c', 'c\xff', 'd'].map((key) => ranges.covers(interval(key)))).toEqual([
      ...[false, true, true, true, false],
    ]);
    expect(ranges.covers(interval('b', 'd'))).toBe(true);
    expect(ranges.covers(interval('b', 'd\0'))).toBe(false);
  });

  test('is one range where permissions touch, and two where a key lies between them', () => {
    expect(new KeyRanges([interval('c', 'd'), interval('a', 'c')]).covers(interval('a', 'd'))).toBe(true);
    expect(new KeyRanges([interval('a', 'b'), interval('b')]).covers(interval('a', 'b\0'))).toBe(true);
    expect(new KeyRanges([interval('c', 'd'), interval('a', 'b\xff')]).covers(interval('a', 'd'))).toBe(false);
  });

  test('without an end holds all from its beginning on, and only then what has no end', () => {
    const ranges = new KeyRanges([interval('x', '\0'), interval('p', 'x')]);
    expect(ranges.covers(interval('p', '\0'))).toBe(true);
    expect(ranges.covers(interval('\xff\xff'))).toBe(true);
    expect(ranges.covers(interval('o', '\0'))).toBe(false);
    expect(new KeyRanges([interval('p', '\xff\xff\xff')]).covers(interval('p', '\0'))).toBe(false);
  });

  test('answers for a range that holds no key as for its start', () => {
    const ranges = new KeyRanges([interval('b', 'd')]);
    expect(ranges.covers(interval('c', 'a'))).toBe(true);
    expect(ranges.covers(interval('c', 'c'))).toBe(true);
    expect(ranges.covers(interval('z', 'c'))).toBe(false);
  });

  test('takes bytes by their value', () => {
    expect(new KeyRanges([interval('\x7f', '\x81')]).covers(interval('\x80'))).toBe(true);
    expect(new KeyRanges([interval('\xf0', '\xff')]).covers(interval('\x01'))).toBe(false);
  });
});

describe('merged permissions', () => {
  // Few letters and short keys, so that ranges often meet. Every key up to a length is tried one by one in the model.
  const alphabet = ['a', 'b', 'c'];
  const allKeys = [
    '',
    ...alphabet.flatMap((a) => [a, ...alphabet.flatMap((b) => [a + b, ...alphabet.map((c) => a + b + c)])]),
  ];
  const key = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 2 });
  const some = fc.oneof(
    key.map((start) => interval(start)),
    fc.tuple(key, key).map(([start, end]) => ({ start, end })),
    key.map((start) => ({ start, end: undefined })),
  );
  const holds = ({ start, end }: KeyInterval, each: string): boolean =>
    start <= each && (end === undefined || each < end);

  test('allow what some permission allows, key by key', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (permissions) => {
        const ranges = new KeyRanges(permissions);
        for (const each of allKeys) {
          expect(ranges.covers({ start: each, end: `${each}\0` })).toBe(permissions.some((one) => holds(one, each)));
        }
      }),
    );
  });

  test('allow a range when every key of it is allowed, and no permission has to allow it alone', () => {
    /** What begins right behind a key is its first successor; nothing lies between the two. */
    const borders = (permissions: readonly KeyInterval[]): string[] =>
      permissions.flatMap(({ start, end }) => [start, end ?? '']);
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), some, (permissions, asked) => {
        fc.pre(asked.end === undefined || asked.start < asked.end);
        // A union of half-open ranges changes at its borders only: it holds all of a range when it holds the range's
        // start and each border within. Only a range without an end holds what has none.
        const inside = [asked.start, ...borders(permissions).filter((border) => holds(asked, border))];
        const expected =
          inside.every((each) => permissions.some((one) => holds(one, each))) &&
          (asked.end !== undefined || permissions.some(({ end }) => end === undefined));
        expect(new KeyRanges(permissions).covers(asked)).toBe(expected);
      }),
    );
  });
});
