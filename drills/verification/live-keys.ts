/** What keys must hold in the end: worked out from the record and from what was written since, not read anywhere. */
import { createHash } from 'node:crypto';
import type { Batch } from '../dataset/dataset.ts';
import type { KeySpace } from './key-space.ts';
import type { LeaseRecord, LeaseReference } from './leases.ts';

export interface LiveKey {
  valueSha256: string;
  /** 0 when the key has no lease. */
  lease: bigint;
}

/** By key, as a latin1 string. */
export type LiveKeys = ReadonlyMap<string, LiveKey>;

export interface LiveState {
  keys: LiveKeys;
  leases: LeaseReference | undefined;
}

/**
 * Applies acknowledged writes to a state, as etcd does.
 *
 * @param batches in the order in which they were acknowledged
 */
export function applyBatches(state: LiveState, batches: readonly Batch[]): LiveState {
  const keys = new Map(state.keys);
  let certain = state.leases?.certain ?? [];
  for (const batch of batches) {
    if ('puts' in batch) {
      for (const { key, value, lease = 0n } of batch.puts) {
        keys.set(Buffer.from(key).toString('latin1'), { valueSha256: digest(value), lease });
      }
    } else if ('deletes' in batch) {
      for (const key of batch.deletes) keys.delete(Buffer.from(key).toString('latin1'));
    } else if ('grant' in batch) {
      const granted: LeaseRecord = { id: batch.grant.id, ttlSeconds: batch.grant.ttlSeconds, keys: [] };
      certain = [...certain, granted];
    } else {
      certain = certain.filter(({ id }) => id !== batch.revoke);
      for (const [key, { lease }] of keys) if (lease === batch.revoke) keys.delete(key);
    }
  }
  return { keys, leases: state.leases && { ...state.leases, certain } };
}

/** What is live in a record: without the history of each key. */
export function liveKeysOf(keys: KeySpace): LiveKeys {
  return new Map([...keys].map(([key, { valueSha256, lease }]) => [key, { valueSha256, lease }]));
}

/** @returns the keys that begin with the prefix */
export function underPrefix(keys: LiveKeys, prefix: string): LiveKeys {
  return new Map([...keys].filter(([key]) => key.startsWith(prefix)));
}

/** @returns the names of keys that are missing, too many, or hold something else; sorted */
export function compareLiveKeys(
  expected: LiveKeys,
  observed: LiveKeys,
): { missing: string[]; unexpected: string[]; changed: string[] } {
  const changed = [...expected].filter(([key, want]) => {
    const got = observed.get(key);
    return got !== undefined && (got.valueSha256 !== want.valueSha256 || got.lease !== want.lease);
  });
  return {
    missing: [...expected.keys()].filter((key) => !observed.has(key)).sort(),
    unexpected: [...observed.keys()].filter((key) => !expected.has(key)).sort(),
    changed: changed.map(([key]) => key).sort(),
  };
}

function digest(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('hex');
}
