import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { humanizeBytes, parseInt64, parseUint64 } from './numbers.ts';

describe('parseInt64', () => {
  test('reads back every 64-bit integer in each base', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (value) => {
        expect(parseInt64(value.toString(10), 10)).toBe(value);
        expect(parseInt64(value.toString(16), 16)).toBe(value);
        expect(parseInt64(value.toString(10), 0)).toBe(value);
      }),
    );
  });

  test.for([
    ['0x1F', 31n],
    ['0o17', 15n],
    ['017', 15n],
    ['0b101', 5n],
    ['+5', 5n],
    ['1_000', 1000n],
  ] as const)('with base 0, takes %s for %s', ([text, value]) => {
    expect(parseInt64(text, 0)).toBe(value);
  });

  test.for(['', '-', 'x', '1.5', '1e3', ' 1', '08', '1__0', '_1', '0x'])('refuses %j in Go’s words', (text) => {
    expect(() => parseInt64(text, 0)).toThrow(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  });

  test('tells what is too large from what is no number', () => {
    expect(() => parseInt64('9223372036854775808', 10)).toThrow('value out of range');
    expect(() => parseInt64('-9223372036854775809', 10)).toThrow('value out of range');
    expect(() => parseUint64('-1', 10)).toThrow('strconv.ParseUint: parsing "-1": invalid syntax');
    expect(parseUint64('18446744073709551615', 10)).toBe((1n << 64n) - 1n);
  });
});

test.for([
  [20_480, '20 kB'],
  [21_500, '22 kB'],
  [0, '0 B'],
  [9, '9 B'],
  [82, '82 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [24_576, '25 kB'],
  [331_776, '332 kB'],
  [2_100_000_000, '2.1 GB'],
  [999_999, '1000 kB'],
] as const)('%d bytes are %s', ([bytes, text]) => {
  expect(humanizeBytes(bytes)).toBe(text);
});
