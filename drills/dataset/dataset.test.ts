import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Batch, planDataSet } from './dataset.ts';

/** Applies batches to a map, as a server would. */
function apply(batches: readonly Batch[], start = new Map<string, Uint8Array>()): Map<string, Uint8Array> {
  const keys = new Map(start);
  for (const batch of batches) {
    if ('puts' in batch) for (const { key, value } of batch.puts) keys.set(latin1(key), value);
    else for (const key of batch.deletes) keys.delete(latin1(key));
  }
  return keys;
}

const latin1 = (key: Uint8Array): string => Buffer.from(key).toString('latin1');

describe('the data set of a drill', () => {
  test('leaves exactly as many keys as were asked for, whatever the number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 3000 }), (keys) => {
        expect(apply(planDataSet({ keys, seed: 's', largestValueBytes: 10 }).before).size).toBe(keys);
      }),
      { numRuns: 20 },
    );
  });

  test('has deleted keys, binary keys, empty values and one value near the size limit', () => {
    const { before, prefix } = planDataSet({ keys: 1000, seed: 's' });
    const keys = apply(before);
    const values = [...keys.values()];
    expect(before.some((batch) => 'deletes' in batch && batch.deletes.length > 0)).toBe(true);
    expect([...keys.keys()].some((key) => key.startsWith(prefix) && key.includes('\x00') && key.includes('\xff'))).toBe(
      true,
    );
    expect(values.filter((value) => value.length === 0).length).toBeGreaterThan(100);
    expect(Math.max(...values.map((value) => value.length))).toBe(1_500_000);
  });

  test('keeps every canary, and writes no later key before the snapshot', () => {
    const { before, after, canaries, laterKeys } = planDataSet({ keys: 500, seed: 's' });
    const atSnapshot = apply(before);
    const later = apply(after, atSnapshot);
    expect(canaries.every((key) => atSnapshot.has(key))).toBe(true);
    expect(laterKeys.some((key) => atSnapshot.has(key))).toBe(false);
    expect(laterKeys.every((key) => later.has(key))).toBe(true);
    expect([...atSnapshot.keys()].some((key) => !later.has(key))).toBe(true);
  });

  test('never puts a key twice in one transaction, which etcd refuses', () => {
    const { before, after } = planDataSet({ keys: 1000, seed: 's', largestValueBytes: 10 });
    for (const batch of [...before, ...after]) {
      const keys = 'puts' in batch ? batch.puts.map(({ key }) => latin1(key)) : batch.deletes.map(latin1);
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.length).toBeLessThanOrEqual(128);
    }
  });

  test('is the same for the same seed, and shares no value with another seed', () => {
    const options = { keys: 200, largestValueBytes: 10 };
    expect(planDataSet({ ...options, seed: 'x' })).toEqual(planDataSet({ ...options, seed: 'x' }));
    const other = new Set([...apply(planDataSet({ ...options, seed: 'y' }).before).values()].map(latin1));
    other.delete('');
    const shared = [...apply(planDataSet({ ...options, seed: 'x' }).before).values()].filter(
      (v) => v.length > 4 && other.has(latin1(v)),
    );
    expect(shared).toEqual([]);
  });
});
