import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { CliIo } from '../cli/io.ts';
import { LineReader } from '../cli/io.ts';
import { askNewPassword, askPassword, readPasswordWord } from './password.ts';

interface Typed {
  io: CliIo;
  stdin: PassThrough;
  shown(): string;
  rawModes: boolean[];
}

/** Standard input with something in it, a terminal or a pipe. */
function typed(input: string | readonly string[], isTTY = false): Typed {
  const stdin = new PassThrough();
  const rawModes: boolean[] = [];
  let shown = '';
  for (const part of typeof input === 'string' ? [input] : input) if (part !== '') stdin.write(part);
  if (!isTTY) stdin.end();
  const terminal = Object.assign(stdin, { isTTY, setRawMode: (raw: boolean) => rawModes.push(raw) });
  const stdout = { write: (chunk: string | Uint8Array) => (shown += String(chunk)) };
  return { io: { stdin: terminal, stdout, stderr: stdout, env: {} }, stdin, shown: () => shown, rawModes };
}

describe('a password', () => {
  test('is the next line of a pipe; what follows stays for whoever reads next', async () => {
    const { io, shown } = typed('secret\r\nthe value\n');
    expect(await askPassword('Password: ', io)).toBe('secret');
    expect(shown()).toBe('Password: \n');
    expect(await new LineReader(io.stdin).next()).toBe('the value');
  });

  test('is read whole, in however many pieces it comes', async () => {
    expect(await askPassword('', typed(['se', 'cr', 'et\nnext\n']).io)).toBe('secret');
  });

  test('that ends without a line feed, or is not there, is none', async () => {
    expect(await askPassword('', typed('unended').io)).toBe('');
    expect(await askPassword('', typed('').io)).toBe('');
  });

  test('on a terminal is not echoed, and can be corrected', async () => {
    const { io, rawModes, shown } = typed('sek\u007fcretx\b\r', true);
    expect(await askPassword('Password: ', io)).toBe('secret');
    expect(rawModes).toEqual([true, false]);
    expect(shown()).toBe('Password: \n');
  });

  test('on a terminal can be given up', async () => {
    const { io, rawModes } = typed('sec\u0003', true);
    await expect(askPassword('Password: ', io)).rejects.toThrow('interrupted');
    expect(rawModes).toEqual([true, false]);
  });

  test('that is new is asked for twice, and must be the same and something', async () => {
    const ask = (input: string, isTTY = false) => askNewPassword('u', typed(input, isTTY).io);
    expect(await ask('one\none\n')).toBe('one');
    expect(await ask('one\rone\r', true)).toBe('one');
    await expect(ask('one\ntwo\n')).rejects.toMatchObject({ message: 'given passwords are different', exitCode: 128 });
    await expect(ask('\n\n')).rejects.toMatchObject({ message: 'empty password', exitCode: 128 });
  });

  test('from a script is a word', async () => {
    const read = (input: string) => readPasswordWord(typed(input).io);
    expect(await Promise.all(['word\n', '  two words\n', 'unended', '', '\nlate'].map(read))).toEqual([
      ...['word', 'two', 'unended', '', ''],
    ]);
  });
});
