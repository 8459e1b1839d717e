import { describe, expect, test } from 'vitest';
import { parseConfigFile } from './config-file.ts';
import { applyEnvironment, variableName } from './environment.ts';
import { type FlagSpec, flagTable } from './flag-table.ts';
import { FlagValues, HelpRequested, parseFlags } from './flags.ts';

/** For each flag a text that differs from its default, and the value that it stands for. */
function sample(flag: FlagSpec): { text: string; value: unknown } {
  if (flag.choices !== undefined) {
    const choice = flag.choices.find((other) => other !== flag.default) as string;
    return { text: choice, value: choice };
  }
  switch (flag.type) {
    case 'bool':
      return { text: String(!flag.default), value: !flag.default };
    case 'duration':
      return { text: '1m7s', value: 67_000 };
    case 'urls':
      return { text: 'https://10.1.2.3:4', value: ['https://10.1.2.3:4'] };
    case 'origins':
      return { text: '*,http://a:1', value: ['*', 'http://a:1'] };
    case 'strings':
      return { text: 'one,two', value: ['one', 'two'] };
    case 'string':
    case 'ignored':
      return { text: 'other', value: 'other' };
    default:
      return { text: '4711', value: 4711 };
  }
}

describe('every flag of the table', () => {
  test.each(flagTable)('--$name comes out of the command line as it went in', (flag) => {
    const { text, value } = sample(flag);
    const { values, rest } = parseFlags([`--${flag.name}=${text}`]);
    expect(rest).toEqual([]);
    expect(values.isSet(flag.name)).toBe(true);
    expect(values.value(flag.name)).toEqual(value);
  });

  test.each(flagTable.filter((flag) => flag.name !== 'version'))('--$name comes out of the environment', (flag) => {
    const { text, value } = sample(flag);
    const values = new FlagValues();
    applyEnvironment(values, { [variableName(flag.name)]: text }, []);
    expect(values.value(flag.name)).toEqual(value);
  });

  test.each(flagTable.filter((flag) => flag.yaml !== ''))('$yaml comes out of the configuration file', (flag) => {
    const { text, value } = sample(flag);
    const yaml = flag.type === 'duration' ? '67000000000' : text.includes('*') ? `'${text}'` : text;
    const keys = flag.yaml.split('.');
    const nested = keys.map((key, depth) => `${' '.repeat(depth)}${key}:`).join('\n');
    const list = ['cipher-suites', 'log-outputs'].includes(flag.name);
    const values = parseConfigFile(`${nested} ${list ? '[one, two]' : yaml}\n`);
    expect(values.value(flag.name)).toEqual(value);
  });
});

describe('the command line', () => {
  test('takes -x for --x, and a value as the next argument', () => {
    const { values } = parseFlags(['-name=a', '--data-dir', '/d', '-max-txn-ops', '0x80']);
    expect([values.string('name'), values.string('data-dir'), values.number('max-txn-ops')]).toEqual(['a', '/d', 128]);
  });

  test('takes a boolean’s value only behind =', () => {
    const { values, rest } = parseFlags(['--pre-vote', 'false']);
    expect([values.boolean('pre-vote'), rest]).toEqual([true, ['false']]);
    expect(parseFlags(['--pre-vote=F']).values.boolean('pre-vote')).toBe(false);
  });

  test('ends at the first other argument and behind --', () => {
    expect(parseFlags(['--name=a', 'stray', '--name=b']).rest).toEqual(['stray', '--name=b']);
    expect(parseFlags(['--', '--name=b']).rest).toEqual(['--name=b']);
    expect(parseFlags(['-', 'x']).rest).toEqual(['-', 'x']);
  });

  test('takes the last of several', () => {
    expect(parseFlags(['--name=a', '--name=b']).values.string('name')).toBe('b');
  });

  test.each([
    ['--foo', 'flag provided but not defined: -foo'],
    ['---x', 'bad flag syntax: ---x'],
    ['--=x', 'bad flag syntax: --=x'],
    ['--max-txn-ops', 'flag needs an argument: -max-txn-ops'],
    ['--max-txn-ops=abc', 'invalid value "abc" for flag -max-txn-ops: parse error'],
    ['--max-request-bytes=-1', 'invalid value "-1" for flag -max-request-bytes: parse error'],
    ['--quota-backend-bytes=99999999999999999999', expect.stringContaining('-quota-backend-bytes: value out of range')],
    ['--max-concurrent-streams=-1', expect.stringContaining('strconv.ParseUint: parsing "-1": invalid syntax')],
    ['--max-concurrent-streams=99999999999', expect.stringContaining('parsing "99999999999": value out of range')],
    ['--grpc-keepalive-min-time=5', 'invalid value "5" for flag -grpc-keepalive-min-time: parse error'],
    ['--pre-vote=maybe', 'invalid boolean value "maybe" for -pre-vote: parse error'],
    ['--initial-cluster-state=foo', 'invalid value "foo" for flag -initial-cluster-state: invalid value'],
    [
      '--listen-client-urls=foo',
      'invalid value "foo" for flag -listen-client-urls: URL scheme must be http, https, unix, or unixs: foo',
    ],
  ])('refuses %s in upstream’s words', (argument, message) => {
    expect(() => parseFlags([argument])).toThrow(expect.objectContaining({ name: 'FlagSyntaxError', message }));
  });

  test.each(['-h', '--help', '-help'])('asks for help with %s', (argument) => {
    expect(() => parseFlags([argument])).toThrow(HelpRequested);
  });
});

describe('the environment', () => {
  test('fills in what the command line left out', () => {
    const { values } = parseFlags(['--name=a']);
    applyEnvironment(values, { ETCD_DATA_DIR: '/d', PATH: '/bin' }, []);
    expect([values.string('name'), values.string('data-dir'), values.isSet('data-dir')]).toEqual(['a', '/d', true]);
  });

  test('contradicts a flag even with the same value', () => {
    const { values } = parseFlags(['--name=a']);
    expect(() => applyEnvironment(values, { ETCD_NAME: 'a' }, [])).toThrow(
      'conflicting environment variable is shadowed by corresponding command-line flag',
    );
  });

  test('counts as not set when empty, also beside a flag', () => {
    const { values } = parseFlags(['--name=a']);
    applyEnvironment(values, { ETCD_NAME: '', ETCD_DATA_DIR: '' }, []);
    expect([values.string('name'), values.isSet('data-dir')]).toEqual(['a', false]);
  });

  test('is refused by name and value when it cannot be read', () => {
    expect(() => applyEnvironment(new FlagValues(), { ETCD_MAX_TXN_OPS: 'abc' }, [])).toThrow(
      new Error('invalid value "abc" for ETCD_MAX_TXN_OPS: parse error'),
    );
  });

  test('says what it used, what it does not know, and that ETCD_VERSION is none', () => {
    const log: { level: string; msg: string }[] = [];
    applyEnvironment(new FlagValues(), { ETCD_NAME: 'a', ETCD_FOO: 'b', ETCD_VERSION: '1' }, log as never);
    expect(log.map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      'info: recognized and used environment variable',
      'warn: unrecognized environment variable',
      'warn: cannot set special environment variable',
    ]);
  });
});

describe('the configuration file', () => {
  test('may be JSON, empty, and hold keys that nobody knows', () => {
    expect(parseConfigFile('{"name": "a", "no-such-key": [1]}').string('name')).toBe('a');
    expect(parseConfigFile('').string('name')).toBe('default');
  });

  test('takes durations in nanoseconds', () => {
    expect(parseConfigFile('backend-batch-interval: 1500000').number('backend-batch-interval')).toBe(1.5);
  });

  const decoding = 'error unmarshaling JSON: while decoding JSON: json: cannot unmarshal';
  test.each([
    ['max-txn-ops: abc', `${decoding} string into Go struct field configYAML.Config.max-txn-ops of type uint`],
    ['max-txn-ops: 1.5', `${decoding} number 1.5 into Go struct field configYAML.Config.max-txn-ops of type uint`],
    ['max-txn-ops: -1', `${decoding} number -1 into Go struct field configYAML.Config.max-txn-ops of type uint`],
    ['pre-vote: maybe', `${decoding} string into Go struct field configYAML.Config.pre-vote of type bool`],
    [
      'experimental-watch-progress-notify-interval: 1h',
      `${decoding} string into Go struct field configYAML.Config.experimental-watch-progress-notify-interval of type time.Duration`,
    ],
    ['[1, 2]', `${decoding} array into Go value of type embed.configYAML`],
    ['initial-cluster-state: foo', 'unexpected clusterState "foo"'],
    [
      'listen-peer-urls: foo',
      'unexpected error setting up listen-peer-urls: URL scheme must be http, https, unix, or unixs: foo',
    ],
  ])('refuses %j in upstream’s words', (text, message) => {
    expect(() => parseConfigFile(text)).toThrow(expect.objectContaining({ message }));
  });

  test('that is no YAML is refused with the place', () => {
    expect(() => parseConfigFile('name: [a')).toThrow(/^error converting YAML to JSON: yaml: .*line 1/);
  });
});
