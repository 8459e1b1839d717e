import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goJson } from '../base/go-json.ts';
import { nonZero, quote, unquote } from './go-text.ts';

describe('quote', () => {
  test.for([
    ['', '""'],
    ['plain é 漢 😀', '"plain é 漢 😀"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\u0007\b\t\n\v\f\r', '"\\a\\b\\t\\n\\v\\f\\r"'],
    ['\u0000\u0001\u007f', '"\\x00\\x01\\x7f"'],
    ['\u2028\u00a0\u{e000}\u{10ffff}', '"\\u2028\\u00a0\\ue000\\U0010ffff"'],
    ['<&>', '"<&>"'],
  ])('writes %j as %s', ([text, quoted]) => {
    expect(quote(text as string)).toBe(quoted);
  });

  test('writes each byte that is not UTF-8 by itself', () => {
    expect(quote(Buffer.from([0xff, 0x61, 0xc3, 0xe2, 0x80]))).toBe('"\\xffa\\xc3\\xe2\\x80"');
  });

  test.for([
    ['an overlong sequence', [0xc0, 0x80]],
    ['an overlong sequence of three', [0xe0, 0x80, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond the last code point', [0xf4, 0x90, 0x80, 0x80]],
  ] as const)('takes %s for single bytes', ([, bytes]) => {
    expect(quote(Buffer.from(bytes))).toBe(`"${bytes.map((byte) => `\\x${byte.toString(16)}`).join('')}"`);
  });

  test('unquote gives back the bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(unquote(quote(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

test.for(['', '"', 'x', '"a', '"a"b"', '"\\q"', '"\\ud800"', '"\\x4"', '"a\nb"'])('unquote refuses %j', (text) => {
  expect(unquote(text)).toBeUndefined();
});

describe('goJson', () => {
  test('prints 64-bit integers as bare digits', () => {
    expect(goJson({ id: 15875391935852295136n, n: -1 })).toBe('{"id":15875391935852295136,"n":-1}');
  });

  test('prints bytes in base64 and lists in brackets', () => {
    expect(goJson([Buffer.from('foo'), [], true, null])).toBe('["Zm9v",[],true,null]');
  });

  test('escapes what HTML and JavaScript would stumble over', () => {
    expect(goJson('<a>&\u2028\u2029"\n')).toBe('"\\u003ca\\u003e\\u0026\\u2028\\u2029\\"\\n"');
  });

  test('leaves out what is undefined, and nonZero makes it so', () => {
    expect(goJson({ a: nonZero(0), b: nonZero(0n), c: nonZero(''), d: nonZero([]), e: nonZero(false), f: 1 })).toBe(
      '{"f":1}',
    );
  });
});
