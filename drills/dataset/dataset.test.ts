import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Batch, planDataSet } from './dataset.ts';

/** Applies batches to a map, as a server would. */
function apply(batches: readonly Batch[], start = new Map<string, Uint8Array>()): Map<string, Uint8Array> {
  return applyWithLeases(batches, { keys: start, leases: new Map() }).keys;
}

interface Store {
  keys: Map<string, Uint8Array>;
  /** The keys of each lease. */
  leases: Map<bigint, Set<string>>;
}

function applyWithLeases(batches: readonly Batch[], start: Store = { keys: new Map(), leases: new Map() }): Store {
  const keys = new Map(start.keys);
  const leases = new Map([...start.leases].map(([id, attached]) => [id, new Set(attached)]));
  const detach = (key: string): void => {
    for (const attached of leases.values()) attached.delete(key);
  };
  for (const batch of batches) {
    if ('puts' in batch) {
      for (const { key, value, lease } of batch.puts) {
        keys.set(latin1(key), value);
        detach(latin1(key));
        if (lease !== undefined) (leases.get(lease) as Set<string>).add(latin1(key));
      }
    } else if ('deletes' in batch) {
      for (const key of batch.deletes.map(latin1)) {
        keys.delete(key);
        detach(key);
      }
    } else if ('grant' in batch) {
      leases.set(batch.grant.id, new Set());
    } else {
      for (const key of leases.get(batch.revoke) as Set<string>) keys.delete(key);
      leases.delete(batch.revoke);
    }
  }
  return { keys, leases };
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
      if (!('puts' in batch) && !('deletes' in batch)) continue;
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

  test('has leases with and without keys where there are leases; afterwards one ends, and one comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 3000 }), (keys) => {
        const { after, before, leases, liveKeys } = planDataSet({
          ...{ keys, seed: 's', largestValueBytes: 10, withLeases: true },
        });
        const atSnapshot = applyWithLeases(before);
        expect(atSnapshot.keys.size).toBe(liveKeys);
        expect([...atSnapshot.leases.keys()]).toEqual(leases.map(({ id }) => id));
        const counts = [...atSnapshot.leases.values()].map((attached) => attached.size);
        expect(counts.slice(0, -1).every((count) => count > 0)).toBe(true);
        expect(counts.at(-1)).toBe(0);

        const later = applyWithLeases(after, atSnapshot);
        const [ended] = leases;
        expect(later.leases.has(ended?.id ?? 0n)).toBe(false);
        const lost = [...(atSnapshot.leases.get(ended?.id ?? 0n) ?? [])];
        expect(lost.some((key) => later.keys.has(key))).toBe(false);
        const [come] = [...later.leases].filter(([id]) => !atSnapshot.leases.has(id));
        expect(come?.[1].size).toBe(1);
      }),
      { numRuns: 20 },
    );
  });

  test('has no leases where there are none', () => {
    const { after, before, leases } = planDataSet({ keys: 100, seed: 's', largestValueBytes: 10 });
    const batches = [...before, ...after];
    expect(batches.every((batch) => 'puts' in batch || 'deletes' in batch)).toBe(true);
    expect(batches.some((batch) => 'puts' in batch && batch.puts.some(({ lease }) => lease !== undefined))).toBe(false);
    expect(leases).toEqual([]);
  });
});
