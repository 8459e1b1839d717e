import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyIndex } from './key-index.ts';

function keysOf(index: KeyIndex, start = '', end?: string): string[] {
  const keys: string[] = [];
  index.ascend(start, end, (key) => {
    keys.push(key);
  });
  return keys;
}

describe('the index of keys', () => {
  test('holds keys in the order of their bytes, whatever order they came and went in', () => {
    const key = fc.integer({ min: 0, max: 3000 }).map((n) => String.fromCharCode(n >> 8, n & 0xff));
    const steps = fc.array(fc.record({ key, isDeletion: fc.boolean() }), { maxLength: 4000, size: 'max' });
    fc.assert(
      fc.property(steps, key, key, (list, start, end) => {
        const index = new KeyIndex();
        const expected = new Set<string>();
        for (const step of list) {
          if (step.isDeletion) {
            index.delete(step.key);
            expected.delete(step.key);
          } else {
            index.getOrAdd(step.key);
            expected.add(step.key);
          }
        }
        const sorted = [...expected].sort((a, b) => (a < b ? -1 : 1));
        expect(index.size).toBe(sorted.length);
        expect(keysOf(index)).toEqual(sorted);
        expect(keysOf(index, start, end)).toEqual(sorted.filter((name) => name >= start && name < end));
        for (const step of list) expect(index.get(step.key) !== undefined).toBe(expected.has(step.key));
      }),
      { numRuns: 30 },
    );
  });

  test.each(['ascending', 'descending', 'scattered'])('survives growing and shrinking by thousands (%s)', (order) => {
    const total = 5000;
    const names = Array.from({ length: total }, (_, i) => {
      const n = order === 'ascending' ? i : order === 'descending' ? total - i : (i * 2741) % total;
      return String(n).padStart(6, '0');
    });
    const index = new KeyIndex();
    for (const name of names) index.getOrAdd(name);
    expect(keysOf(index)).toEqual([...names].sort());
    for (const name of names.slice(0, -3)) index.delete(name);
    expect(keysOf(index)).toEqual(names.slice(-3).sort());
    for (const name of names.slice(-3)) index.delete(name);
    expect(keysOf(index)).toEqual([]);
    index.getOrAdd('again');
    expect(keysOf(index)).toEqual(['again']);
  });

  test('gives the same history for the same key', () => {
    const index = new KeyIndex();
    const history = index.getOrAdd('a');
    expect(index.getOrAdd('a')).toBe(history);
    expect(index.get('a')).toBe(history);
    expect(index.get('b')).toBeUndefined();
    expect(index.size).toBe(1);
  });
});
