import { describe, expect, test } from 'vitest';
import { FlagError, FlagSet, flag } from './flag-set.ts';

function flagSet(): FlagSet {
  return new FlagSet([
    flag.bool('hex', false, ''),
    flag.bool('force', false, '', 'f'),
    flag.bool('on', true, ''),
    flag.string('write-out', 'simple', '', 'w'),
    flag.int64('limit', 0n, ''),
    flag.uint64('bump', 0n, ''),
    flag.duration('timeout', 5000, ''),
    flag.stringSlice('endpoints', ['127.0.0.1:2379'], ''),
    { ...flag.string('data-dir', '', ''), required: true },
  ]);
}

describe('flags are read', () => {
  test('before, between and after other arguments, up to --', () => {
    const flags = flagSet();
    expect(flags.parse(['--hex', 'a', '--limit', '3', 'b', '--', '--force', '-x'])).toEqual([
      'a',
      'b',
      '--force',
      '-x',
    ]);
    expect([flags.bool('hex'), flags.integer('limit'), flags.bool('force')]).toEqual([true, 3, false]);
  });

  test('with = or as the next argument, but a bool only with =', () => {
    const flags = flagSet();
    expect(flags.parse(['--write-out=json', '--on=false', '--hex', 'false'])).toEqual(['false']);
    expect([flags.string('write-out'), flags.bool('on'), flags.bool('hex')]).toEqual(['json', false, true]);
  });

  test.for([['-w', 'json'], ['-wjson'], ['-w=json'], ['-fw', 'json'], ['-fwjson']])('by letter: %j', (args) => {
    const flags = flagSet();
    expect(flags.parse(args)).toEqual([]);
    expect(flags.string('write-out')).toBe('json');
  });

  test('a lone - is an argument', () => {
    expect(flagSet().parse(['-'])).toEqual(['-']);
  });

  test('a list grows by each occurrence, and its default goes with the first', () => {
    const flags = flagSet();
    flags.parse(['--endpoints', 'a,b', '--endpoints=c']);
    expect(flags.stringSlice('endpoints')).toEqual(['a', 'b', 'c']);
    const none = flagSet();
    none.parse(['--endpoints=']);
    expect(none.stringSlice('endpoints')).toEqual([]);
  });

  test('durations are milliseconds, integers are cut to what is exact', () => {
    const flags = flagSet();
    flags.parse(['--timeout=1m0.5s', '--limit=9223372036854775807']);
    expect(flags.duration('timeout')).toBe(60_500);
    expect(flags.integer('limit')).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('a flag is changed when it was given, even with its default', () => {
    const flags = flagSet();
    flags.parse(['--write-out=simple']);
    expect([flags.changed('write-out'), flags.changed('hex')]).toEqual([true, false]);
  });
});

test.for([
  [['--bogus'], 'unknown flag: --bogus'],
  [['--bogus=1'], 'unknown flag: --bogus'],
  [['-z'], "unknown shorthand flag: 'z' in -z"],
  [['-fz'], "unknown shorthand flag: 'z' in -z"],
  [['--limit'], 'flag needs an argument: --limit'],
  [['-w'], "flag needs an argument: 'w' in -w"],
  [['--limit=x'], 'invalid argument "x" for "--limit" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [['--bump=-1'], 'invalid argument "-1" for "--bump" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
  [['--hex=maybe'], 'invalid argument "maybe" for "--hex" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
  [['-f=x'], 'invalid argument "x" for "-f, --force" flag: strconv.ParseBool: parsing "x": invalid syntax'],
  [['--timeout=5'], 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'],
  [['---x'], 'bad flag syntax: ---x'],
  [['--=x'], 'bad flag syntax: --=x'],
] as const)('%j is refused: %s', ([args, message]) => {
  expect(() => flagSet().parse(args)).toThrow(new FlagError(message));
});

test('required flags that are missing are named', () => {
  const flags = flagSet();
  flags.parse([]);
  expect(() => flags.checkRequired()).toThrow('required flag(s) "data-dir" not set');
  flags.parse(['--data-dir=x']);
  expect(() => flags.checkRequired()).not.toThrow();
});
