import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote } from '../cli/go-text.ts';
import { Compare_CompareResult as Result, Compare_CompareTarget as Target } from '../proto/gen/rpc.ts';
import { parseCompare } from './txn-compare.ts';
import { splitWords } from './txn-words.ts';

describe('words of an operation', () => {
  test.for([
    ['put a b', ['put', 'a', 'b']],
    ['  put   a\tb  ', ['put', 'a', 'b']],
    ['put "a b" "\\x41\\n"', ['put', 'a b', 'A\n']],
    ["put 'a \"b' ''", ['put', 'a "b', '']],
    ['put a"b c', ['put', 'a"b', 'c']],
    ['get "open', ['get', 'open']],
    ['get "\\q"', ['get', '']],
    ['', []],
  ] as const)('%j', ([line, words]) => {
    expect(splitWords(line)).toEqual(words);
  });
});

describe('a compare', () => {
  test.for([
    ['mod("k") > "5"', { target: Target.MOD, mod_revision: 5, result: Result.GREATER }],
    ['m("k") < "5"', { target: Target.MOD, mod_revision: 5, result: Result.LESS }],
    ['create("k") = "0"', { target: Target.CREATE, create_revision: 0, result: Result.EQUAL }],
    ['c("k") != "0"', { target: Target.CREATE, create_revision: 0, result: Result.NOT_EQUAL }],
    ['version("k") = "3"', { target: Target.VERSION, version: 3 }],
    ['ver("k") = "-3"', { target: Target.VERSION, version: -3 }],
    ['value("k") = "x y"', { target: Target.VALUE, value: Buffer.from('x y') }],
    ['lease("k") = "7f"', { target: Target.LEASE, lease: 0x7fn }],
  ] as const)('%s', ([line, expected]) => {
    expect(parseCompare(line)).toMatchObject({ key: Buffer.from('k'), ...expected });
  });

  test('takes any key and any value in Go’s quotes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (key, value) => {
        const compare = parseCompare(`val(${quote(key)}) = ${quote(value)}`);
        expect([compare.key, compare.value]).toEqual([Buffer.from(key), Buffer.from(value)]);
      }),
    );
  });

  test.for([
    ['junk', 'malformed comparison: junk'],
    ['mod(k) > "0"', 'malformed comparison: mod(k) > "0"; got mod("")  ""'],
    ['mod("k")', 'malformed comparison: mod("k"); got mod("k")  ""'],
    ['mod("k") > 0', 'malformed comparison: mod("k") > 0; got mod("k") > ""'],
    ['foo("k") = "1"', 'malformed comparison: foo("k") = "1" (unknown target foo)'],
    ['mod("k") >= "1"', 'malformed comparison: mod("k") >= "1" (unknown operator >=)'],
    ['mod("k") = "x"', 'invalid txn compare request: mod("k") = "x"'],
    ['lease("k") = "zz"', 'invalid txn compare request: lease("k") = "zz"'],
  ] as const)('%s is refused', ([line, message]) => {
    expect(() => parseCompare(line)).toThrow(expect.objectContaining({ message, exitCode: 3 }));
  });
});
