import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Ui } from '../../output/ui.ts';
import { scratchFolder } from '../../testing/scratch.ts';
import type { Cli } from '../cli.ts';
import { authorityPassphrase, readPassphrase } from './options.ts';
import { wrapReason } from './text.ts';

/** @param typed what is entered on the terminal, line by line; without it, there is none */
function cli(environment: Record<string, string> = {}, typed?: readonly string[]): Cli {
  const stdin = Object.assign(new PassThrough(), { isTTY: typed !== undefined });
  const written: string[] = [];
  const stdout = { write: (text: string) => written.push(text), isTTY: typed !== undefined };
  // Each line comes when it is asked for.
  const lines = [...(typed ?? [])];
  const feed = () => {
    const line = lines.shift();
    if (line !== undefined) stdin.write(`${line}\n`);
  };
  stdin.on('resume', () => setImmediate(feed));
  return {
    io: { stdin, stdout, stderr: stdout, environment, workingDirectory: '/' },
    signal: new AbortController().signal,
    opened: [],
    ui: new Ui(typed === undefined ? 'plain' : 'terminal', stdout, stdout),
    exitCode: 0,
  };
}

const source = { what: 'the keys', file: undefined, fileVariable: 'PASS_FILE', variable: 'PASS' };

describe('a passphrase', () => {
  it('comes from a file before a variable, without the line feed at its end', async () => {
    const file = join(scratchFolder(), 'pass');
    writeFileSync(file, 'from a file \r\n');
    expect(await readPassphrase(cli({ PASS: 'x' }), { ...source, file })).toBe('from a file ');
    expect(await readPassphrase(cli({ PASS: 'x', PASS_FILE: file }), source)).toBe('from a file ');
    expect(await readPassphrase(cli({ PASS: 'from a variable' }), source)).toBe('from a variable');
  });

  it('is asked for on a terminal, and a new one twice', async () => {
    expect(await readPassphrase(cli({}, ['typed']), source)).toBe('typed');
    expect(await readPassphrase(cli({}, ['typed', 'typed']), { ...source, isNew: true })).toBe('typed');
    const differing = readPassphrase(cli({}, ['typed', 'typo']), { ...source, isNew: true });
    await expect(differing).rejects.toThrow(/not the same/);
  });

  it('is refused where nobody can be asked, and when the file cannot be read', async () => {
    await expect(readPassphrase(cli(), source)).rejects.toMatchObject({ code: 'LAB_PASSPHRASE', exitCode: 3 });
    await expect(readPassphrase(cli({}, ['typed']), { ...source, mayAsk: false })).rejects.toThrow(/is needed/);
    await expect(readPassphrase(cli({ PASS_FILE: '/nowhere' }), source)).rejects.toThrow('/nowhere cannot be read');
  });

  it('of the authorities is asked for once', async () => {
    const passphrase = authorityPassphrase(cli({}, ['typed', 'again']), {});
    expect([await passphrase('client-ca'), await passphrase('peer-ca')]).toEqual(['typed', 'typed']);
  });
});

describe('a reason below a table', () => {
  it('is broken at spaces, and never longer than a terminal is wide where words allow', () => {
    const lines = wrapReason('subject', `${'word '.repeat(40)}${'x'.repeat(90)} end`);
    expect(lines.filter((line) => line.length > 80)).toEqual([`    ${'x'.repeat(90)}`]);
    expect(lines.join(' ').replace(/\s+/g, ' ')).toBe(`subject: ${'word '.repeat(40)}${'x'.repeat(90)} end`);
  });
});
