import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandWords, quoteCommand } from './command-line.ts';

const print = ['printf', '%s\\0'];

describe('a command line for the other side', () => {
  it('reaches the command word by word, whatever is in a word', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const line = quoteCommand([...print, ...words]);
        const seen = execFileSync('sh', ['-c', line], { encoding: 'utf8' });
        expect(seen.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 40 },
    );
  });

  it('takes nothing of a word for the shell', () => {
    for (const evil of ['$(id)', '`id`', "'; id; '", '\n id', '* ?', '~', '', '-n', 'a b']) {
      expect(execFileSync('sh', ['-c', quoteCommand([...print, evil])], { encoding: 'utf8' })).toBe(`${evil}\0`);
    }
  });

  it('cannot hold a NUL byte', () => {
    expect(() => quoteCommand(['a\0b'])).toThrow(TypeError);
  });
});

describe('the words of a command', () => {
  const base = { loginUser: 'lab', timeoutMs: 1500 };

  it('go through sudo, which never asks, for every user but the one who is logged in', () => {
    expect(commandWords('id', [], { ...base, user: 'lab' })).toEqual(['timeout', '-k', '5', '2', 'id']);
    expect(commandWords('id', ['-u'], { ...base, user: 'root' }).slice(0, 3)).toEqual(['sudo', '-n', '--']);
    expect(commandWords('id', [], { ...base, user: 'etcd' }).slice(0, 5)).toEqual(['sudo', '-n', '-u', 'etcd', '--']);
  });

  it('need no sudo from root', () => {
    const words = commandWords('id', [], { loginUser: 'root', user: 'etcd', timeoutMs: undefined });
    expect(words).toEqual(['runuser', '-u', 'etcd', '--', 'id']);
  });

  it('set environment and working directory behind sudo, which would drop them', () => {
    const words = commandWords('id', [], {
      ...base,
      user: 'root',
      environment: { A: '1 2' },
      workingDirectory: '/tmp',
    });
    expect(words).toEqual(['sudo', '-n', '--', 'env', '-C', '/tmp', 'A=1 2', 'timeout', '-k', '5', '2', 'id']);
  });
});
