import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../dataset/dataset.ts';
import { applyBatches, compareLiveKeys, type LiveState } from './live-keys.ts';

const empty: LiveState = { keys: new Map(), leases: { certain: [], possible: [] } };
const put = (key: string, value: string, lease?: bigint): Batch => ({
  puts: [{ key: Buffer.from(key), value: Buffer.from(value), ...(lease !== undefined && { lease }) }],
});
const names = (state: LiveState): string[] => [...state.keys.keys()].sort();

describe('applying acknowledged writes to a record', () => {
  test('puts, overwrites and deletes as etcd does', () => {
    const state = applyBatches(empty, [put('a', '1'), put('b', '1'), put('a', '2'), { deletes: [Buffer.from('b')] }]);
    expect(names(state)).toEqual(['a']);
    expect(state.keys.get('a')).toEqual(applyBatches(empty, [put('a', '2')]).keys.get('a'));
  });

  test('lets keys go with their lease, and not those that have another by then', () => {
    const state = applyBatches(empty, [
      { grant: { id: 7n, ttlSeconds: 60 } },
      put('with', '1', 7n),
      put('moved', '1', 7n),
      put('moved', '2'),
      { revoke: 7n },
    ]);
    expect(names(state)).toEqual(['moved']);
    expect(state.leases?.certain).toEqual([]);
  });

  test('keeps no leases where the server has none', () => {
    expect(applyBatches({ keys: new Map(), leases: undefined }, [put('a', '1')]).leases).toBeUndefined();
  });

  test('leaves the record that it was given as it was', () => {
    const before: LiveState = { keys: new Map([['a', { valueSha256: 'x', lease: 0n }]]), leases: undefined };
    applyBatches(before, [{ deletes: [Buffer.from('a')] }]);
    expect(names(before)).toEqual(['a']);
  });
});

describe('comparing what is live', () => {
  const keys = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));
  const live = (values: Record<string, string>) =>
    new Map(Object.entries(values).map(([key, valueSha256]) => [key, { valueSha256, lease: 0n }]));

  test('finds no difference exactly when both are equal', () => {
    fc.assert(
      fc.property(keys, keys, (one, other) => {
        const { missing, unexpected, changed } = compareLiveKeys(live(one), live(other));
        const isEqual = missing.length + unexpected.length + changed.length === 0;
        const sorted = (values: Record<string, string>) => JSON.stringify(Object.entries(values).sort());
        expect(isEqual).toBe(sorted(one) === sorted(other));
        for (const key of missing) expect([key in one, key in other]).toEqual([true, false]);
        for (const key of unexpected) expect([key in one, key in other]).toEqual([false, true]);
      }),
    );
  });

  test('sees a key that has changed its lease only', () => {
    const one = new Map([['a', { valueSha256: 'x', lease: 1n }]]);
    const other = new Map([['a', { valueSha256: 'x', lease: 2n }]]);
    expect(compareLiveKeys(one, other).changed).toEqual(['a']);
  });
});
