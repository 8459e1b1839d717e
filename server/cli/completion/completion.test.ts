import { execFileSync, spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { cobraStyle } from '../cobra-style.ts';
import { type Command, execute } from '../command.ts';
import { flag } from '../flag-set.ts';
import { completionCommand } from './command.ts';

const root: Command = {
  name: 'tool',
  short: 'For tests',
  persistentFlags: [flag.string('endpoints', '', "what's asked")],
  commands: [
    { name: 'get', short: "Gets 'it'", flags: [flag.bool('prefix', false, 'all')], run: async () => 0 },
    {
      name: 'lease',
      short: 'Leases',
      commands: [
        { name: 'grant', short: 'Grants', run: async () => 0 },
        { name: 'get', short: 'Gets one', flags: [flag.int64('keys', 0n, 'some')], run: async () => 0 },
      ],
    },
    completionCommand('tool', () => root),
  ],
};

async function script(shell: string): Promise<string> {
  const written: string[] = [];
  const sink = { write: (chunk: string | Uint8Array) => written.push(String(chunk)) };
  const io = { stdin: Readable.from([]), stdout: sink, stderr: sink, env: {} };
  expect(await execute(root, cobraStyle, ['completion', shell], io)).toBe(0);
  return written.join('');
}

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

describe('bash', () => {
  /** What Tab offers at the end of these words. */
  async function complete(...words: string[]): Promise<string[]> {
    const list = ['tool', ...words].map((word) => `'${word}'`).join(' ');
    const program = `${await script('bash')}
COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _tool; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', program], { encoding: 'utf8' }).split('\n').filter(Boolean);
  }

  test.for([
    [[''], ['get', 'lease', 'completion']],
    [['le'], ['lease']],
    [
      ['lease', ''],
      ['grant', 'get'],
    ],
    [
      ['lease', 'g'],
      ['grant', 'get'],
    ],
    [['lease', 'get', '--k'], ['--keys=']],
    [['get', '--p'], ['--prefix']],
    [['get', '--e'], ['--endpoints=']],
    [['--endpoints', 'x', 'lease', 'gr'], ['grant']],
    [['get', 'some', ''], []],
    [['get', '--endpoints', '=', ''], []],
    [['completion', 'z'], ['zsh']],
  ] as const)('%j is completed with %j', async ([words, offered]) => {
    expect(await complete(...words)).toEqual(offered);
  });
});

test.skipIf(!has('zsh'))('the script for zsh is one', async () => {
  execFileSync('zsh', ['-n'], { input: await script('zsh') });
});

test.skipIf(!has('fish'))('the script for fish is one', async () => {
  execFileSync('fish', ['--no-execute'], { input: await script('fish') });
});

test.for(['bash', 'zsh', 'fish', 'powershell'])(
  'the script for %s has every command and flag, quoted',
  async (shell) => {
    const text = await script(shell);
    for (const word of ['get', 'lease', 'grant', 'prefix', 'keys', 'endpoints', 'completion'])
      expect(text).toContain(word);
    // Quotes come in pairs, whatever stands in the texts.
    const pairs = shell === 'powershell' ? text.replaceAll("''", '') : text.replaceAll("'\\''", '');
    expect((pairs.replaceAll(/^#.*$/gm, '').match(/'/g) ?? []).length % 2).toBe(0);
  },
);
