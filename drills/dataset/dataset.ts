/**
 * The known data set of a drill: which keys are put, overwritten and deleted, in which transactions. Pure: the same
 * seed gives the same bytes, so that a report can be checked against a second run.
 */
import { createHash } from 'node:crypto';

export interface Put {
  key: Uint8Array;
  value: Uint8Array;
  /** The lease that the key is attached to; none unless given. */
  lease?: bigint;
}

export interface DataSetLease {
  id: bigint;
  ttlSeconds: number;
}

/**
 * One transaction, whose operations succeed or fail together and share one revision; or one request about a lease.
 */
export type Batch = { puts: Put[] } | { deletes: Uint8Array[] } | { grant: DataSetLease } | { revoke: bigint };

export interface DataSet {
  /** Under this prefix lie all keys of the data set. */
  prefix: string;
  /** Written before the snapshot, in this order. */
  before: Batch[];
  /** Written after the snapshot; lost by design when the snapshot is restored. */
  after: Batch[];
  /** Keys with known values that must survive, as latin1 strings. */
  canaries: string[];
  /** Keys that only `after` writes, as latin1 strings. */
  laterKeys: string[];
  /** Keys that are there when `before` is done. */
  liveKeys: number;
  /** Leases that are there when `before` is done. */
  leases: DataSetLease[];
}

export interface DataSetOptions {
  /** Keys that are alive at the snapshot; at least 100. */
  keys: number;
  /** Makes one run's keys and values differ from another's. */
  seed: string;
  /** The largest value: upstream refuses entries above 1.5 MiB, key and envelope included. */
  largestValueBytes?: number;
  /** Whether the servers have leases; without them no key is attached to one. */
  withLeases?: boolean;
}

const batchSize = 64;
const canaryCount = 16;
/** Longer than any lab: what expired would be missed in the comparison. */
const leaseTtlSeconds = 100 * 24 * 3600;
const leaseCount = 4;
const laterLease = 'lease/later';

/** Under this lies all that drills write: it is theirs, and each drill clears it away. */
export const drillPrefix = 'etcdlab-drill/';

/** Names the prefix of one drill run. */
export function dataSetPrefix(seed: string): string {
  return `${drillPrefix}${seed}/`;
}

/** @returns the ids of all leases that a run with this seed may have granted */
export function dataSetLeaseIds(seed: string): bigint[] {
  return [...planLeases(seed).map(({ id }) => id), leaseId(seed, laterLease)];
}

/**
 * Plans the data set: plain keys, keys overwritten several times, keys deleted, keys deleted and made again, binary
 * keys, empty values, a value near the size limit, keys of leases, and canaries on either side of the snapshot.
 */
export function planDataSet({
  keys,
  seed,
  largestValueBytes = 1_500_000,
  withLeases = false,
}: DataSetOptions): DataSet {
  const prefix = dataSetPrefix(seed);
  const value = (key: string, generation: number, length = 100): Uint8Array =>
    bytesFrom(`${seed}/${key}/${generation}`, length);
  const put = (name: string, generation: number, length?: number): Put => ({
    key: Buffer.from(prefix + name),
    value: value(name, generation, length),
  });
  const named = (kind: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${kind}/${String(i).padStart(6, '0')}`);

  const share = Math.floor(keys / 10);
  const overwritten = named('overwritten', 2 * share);
  const remade = named('remade', share);
  const deleted = named('deleted', share);
  const empty = named('empty', share);
  const canaries = named('canary', canaryCount);
  const binary: Put[] = Array.from({ length: share }, (_, i) => ({
    key: Buffer.concat([Buffer.from(`${prefix}binary/`), Buffer.from([i & 0xff, i >> 8, 0x00, 0xff, 0x0a])]),
    value: bytesFrom(`${seed}/binary/${i}`, 1 + (i % 700)),
  }));
  const leases = withLeases ? planLeases(seed) : [];
  const leased = named('leased', withLeases ? share : 0).map((name, i) => {
    // The last lease has no keys, and comes back all the same.
    return { ...put(name, 1), lease: leases[i % (leaseCount - 1)]?.id ?? 0n };
  });
  const fixed = overwritten.length + remade.length + empty.length + canaries.length + binary.length + leased.length + 1;
  const plain = named('plain', keys - fixed);

  const before: Batch[] = [
    ...putBatches(plain.map((name) => put(name, 1))),
    ...putBatches(binary),
    ...putBatches(empty.map((name) => put(name, 1, 0))),
    ...putBatches([...overwritten, ...remade, ...deleted].map((name) => put(name, 1))),
    ...putBatches(overwritten.map((name) => put(name, 2))),
    ...putBatches(overwritten.slice(0, share).map((name) => put(name, 3, 0))),
    ...deleteBatches([...remade, ...deleted].map((name) => Buffer.from(prefix + name))),
    ...putBatches(remade.map((name) => put(name, 2))),
    ...leases.map((grant) => ({ grant })),
    ...putBatches(leased),
    { puts: [put('large', 1, largestValueBytes)] },
    ...putBatches(canaries.map((name) => put(name, 1))),
  ];

  const later = named('later', Math.max(20, share));
  const after: Batch[] = [
    ...putBatches(later.map((name) => put(name, 1))),
    ...putBatches(overwritten.slice(0, 20).map((name) => put(name, 9))),
    ...deleteBatches(plain.slice(0, 20).map((name) => Buffer.from(prefix + name))),
    ...leaseChanges(seed, leases, leased),
  ];

  return {
    prefix,
    before,
    after,
    canaries: canaries.map((name) => prefix + name),
    laterKeys: later.map((name) => prefix + name),
    liveKeys: keys,
    leases,
  };
}

function planLeases(seed: string): DataSetLease[] {
  return Array.from({ length: leaseCount }, (_, i) => ({
    id: leaseId(seed, `lease/${i}`),
    ttlSeconds: leaseTtlSeconds + i,
  }));
}

/** After the snapshot: one lease ends with its keys, one comes, and takes a key from another. */
function leaseChanges(seed: string, leases: readonly DataSetLease[], leased: readonly Put[]): Batch[] {
  const [first] = leases;
  const [taken] = leased.slice(1);
  if (first === undefined || taken === undefined) return [];
  const grant = { id: leaseId(seed, laterLease), ttlSeconds: leaseTtlSeconds };
  return [{ revoke: first.id }, { grant }, { puts: [{ ...taken, lease: grant.id }] }];
}

/** Positive, as the ids that servers choose, and small chance to be one of those. */
function leaseId(seed: string, name: string): bigint {
  return Buffer.from(bytesFrom(`${seed}/${name}`, 8)).readBigUInt64BE() >> 1n;
}

function putBatches(puts: readonly Put[]): Batch[] {
  return chunks(puts, batchSize).map((batch) => ({ puts: batch }));
}

function deleteBatches(keys: readonly Uint8Array[]): Batch[] {
  return chunks(keys, batchSize).map((batch) => ({ deletes: batch }));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let i = 0; i < items.length; i += size) result.push(items.slice(i, i + size));
  return result;
}

/** Bytes that look random and depend on `seed` alone: SHA-256 in counter mode. */
function bytesFrom(seed: string, length: number): Uint8Array {
  const blocks: Buffer[] = [];
  for (let done = 0; done < length; done += 32) {
    blocks.push(createHash('sha256').update(`${seed}#${done}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}
