import { describe, expect, test } from 'vitest';
import { cobraStyle } from './cobra-style.ts';
import { type Command, execute } from './command.ts';
import { etcdctlStyle } from './etcdctl-style.ts';
import { ExitCode, ExitError } from './exit-error.ts';
import { flag } from './flag-set.ts';
import { memoryIo } from './testing/memory-io.ts';

const echo = (name: string): Command => ({
  name,
  argumentsUsage: '<word>',
  short: `Runs ${name}`,
  flags: [flag.int64('limit', 0n, 'how many')],
  run: async ({ args, flags, io }) => {
    io.stdout.write(`${name}(${args.join()}) limit ${flags.integer('limit')} as ${flags.string('write-out')}\n`);
    return ExitCode.Success;
  },
});

const root: Command = {
  name: 'tool',
  short: 'Does things.',
  persistentFlags: [flag.string('write-out', 'simple', 'the format', 'w'), flag.bool('hex', false, 'in hex')],
  commands: [
    echo('member'),
    echo('make-mirror'),
    echo('move-leader'),
    { name: 'endpoint', argumentsUsage: '<subcommand>', short: 'Asks', commands: [echo('health'), echo('hashkv')] },
    {
      name: 'fail',
      short: 'Fails',
      run: async () => {
        throw new ExitError(ExitCode.BadFeature, 'not like this');
      },
    },
    { ...echo('old'), deprecated: 'Use `new` instead.' },
  ],
};
const style = etcdctlStyle('3.5.30', '3.5');

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = memoryIo();
  const code = await execute(root, style, argv, io);
  return { code, out: io.out(), err: io.err() };
}

describe('a command is found', () => {
  test.for([
    ['by its name', ['member', 'x'], 'member(x) limit 0 as simple\n'],
    ['by a unique beginning', ['mem', 'x'], 'member(x) limit 0 as simple\n'],
    ['by beginnings on each level', ['en', 'he', 'x'], 'health(x) limit 0 as simple\n'],
    ['behind flags of the root and their values', ['-w', 'json', '--hex', 'member'], 'member() limit 0 as json\n'],
    ['between the words of a path', ['endpoint', '--write-out', 'json', 'health'], 'health() limit 0 as json\n'],
    ['with flags in any place', ['member', 'a', '--limit=3', 'b', '-wx'], 'member(a,b) limit 3 as x\n'],
    [
      'and what follows -- is left alone',
      ['member', '--', '--limit', 'health'],
      'member(--limit,health) limit 0 as simple\n',
    ],
  ] as const)('%s', async ([, argv, out]) => {
    expect(await run(...argv)).toEqual({ code: 0, out, err: '' });
  });
});

describe('a command is not found', () => {
  test('when there is none of that name', async () => {
    const text = 'Error: unknown command "foo" for "tool"\n';
    expect(await run('foo')).toEqual({ code: 1, out: '', err: `${text}Run 'tool --help' for usage.\n${text}` });
  });

  test('when a beginning fits several; they are named', async () => {
    const { code, err } = await run('m');
    expect(code).toBe(1);
    expect(err).toContain('Did you mean this?\n\tmember\n\tmake-mirror\n\tmove-leader\n');
  });

  test('when it is misspelt by two letters; it is named', async () => {
    expect((await run('membr')).err).toContain('Did you mean this?\n\tmember\n');
  });
});

describe('help', () => {
  test('a group without a subcommand prints its help and exits 0', async () => {
    for (const argv of [['endpoint'], ['endpoint', 'bogus'], ['endpoint', '-h']]) {
      const { code, out, err } = await run(...argv);
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('NAME:\n\tendpoint - Asks\n\nUSAGE:\n\ttool endpoint <subcommand> [flags]\n');
      expect(out).toContain('COMMANDS:\n\thashkv\tRuns hashkv\n\thealth\tRuns health\n');
    }
  });

  test('lists flags in columns of tabs', async () => {
    expect((await run('member', '--help')).out).toContain(
      'OPTIONS:\n  -h, --help[=false]\thelp for member\n      --limit=0\t\thow many\n' +
        '\nGLOBAL OPTIONS:\n      --hex[=false]\t\tin hex\n  -w, --write-out="simple"\tthe format\n',
    );
  });

  test('in cobra’s form stands on standard error after a wrong flag', async () => {
    const io = memoryIo();
    expect(await execute(root, cobraStyle, ['member', '--bogus'], io)).toBe(1);
    expect(io.out()).toBe('');
    expect(io.err()).toBe(
      'Error: unknown flag: --bogus\nUsage:\n  tool member <word> [flags]\n\nFlags:\n  -h, --help        help for member\n' +
        '      --limit int   how many\n\nGlobal Flags:\n      --hex                in hex\n' +
        '  -w, --write-out string   the format (default "simple")\n\nError: unknown flag: --bogus\n',
    );
  });
});

test('a wrong flag prints the usage on standard output, as etcdctl 3.5 does, and exits 1', async () => {
  const { code, out, err } = await run('member', '--bogus');
  expect([code, err]).toEqual([1, 'Error: unknown flag: --bogus\nError: unknown flag: --bogus\n']);
  expect(out).toContain('USAGE:\n\ttool member <word> [flags]\n');
});

test('a command’s refusal becomes its exit code and the last line of standard error', async () => {
  expect(await run('fail')).toEqual({ code: 4, out: '', err: 'Error: not like this\n' });
});

test('a deprecated command says so on standard error and runs', async () => {
  const { code, out, err } = await run('old', 'x');
  expect([code, out]).toEqual([0, 'old(x) limit 0 as simple\n']);
  expect(err).toBe('Deprecated: Use `new` instead.\n\n');
});
