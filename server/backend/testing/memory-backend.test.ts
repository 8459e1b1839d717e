import { describe, expect, test } from 'vitest';
import { MemoryBackend } from './memory-backend.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');

function pairs(backend: MemoryBackend, start = '', end?: string): string[] {
  const found: string[] = [];
  backend.scan('key', b(start), end === undefined ? undefined : b(end), (key, value) => {
    found.push(`${Buffer.from(key).toString('latin1')}=${Buffer.from(value).toString('latin1')}`);
  });
  return found;
}

describe('the backend in memory', () => {
  test('scans in the order of the keys’ bytes, from start up to but not including end', () => {
    const backend = new MemoryBackend();
    for (const key of ['b', 'a', '\xff', 'ab']) backend.put('key', b(key), b('1'));
    expect(pairs(backend)).toEqual(['a=1', 'ab=1', 'b=1', '\xff=1']);
    expect(pairs(backend, 'ab', '\xff')).toEqual(['ab=1', 'b=1']);
  });

  test('shows puts and deletes at once; a key that comes back is there once', () => {
    const backend = new MemoryBackend();
    for (const key of ['a', 'b', 'c']) backend.put('key', b(key), b('1'));
    backend.delete('key', b('c'));
    backend.delete('key', b('absent'));
    expect(backend.get('key', b('c'))).toBeUndefined();
    backend.put('key', b('c'), b('2'));
    expect(pairs(backend)).toEqual(['a=1', 'b=1', 'c=2']);
    expect(backend.sizeBytes()).toBe(6);
  });

  test('stops a scan when the visitor says so', () => {
    const backend = new MemoryBackend();
    for (const key of ['a', 'b', 'c']) backend.put('key', b(key), b(''));
    const seen: string[] = [];
    backend.scan('key', b(''), undefined, (key) => {
      seen.push(Buffer.from(key).toString());
      return seen.length < 2;
    });
    expect(seen).toEqual(['a', 'b']);
  });

  test('after a crash has what was committed, with what the hooks put into the commit', async () => {
    const backend = new MemoryBackend();
    backend.onBeforeCommit(() => backend.put('key', b('hook'), b('ran')));
    backend.put('key', b('a'), b('1'));
    await backend.commit();
    backend.put('key', b('a'), b('2'));
    backend.put('key', b('b'), b('1'));
    backend.delete('key', b('hook'));
    expect(pairs(backend)).toEqual(['a=2', 'b=1']);
    expect(pairs(backend.crash())).toEqual(['a=1', 'hook=ran']);
    expect(pairs(backend)).toEqual(['a=2', 'b=1']);
  });
});
