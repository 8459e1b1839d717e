/** The leases of a cluster: which there are, how long they were granted for, and which keys go with them. */
import { type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import { printableKey } from './key-space.ts';

/** A lease as one member tells of it. */
export interface LeaseRecord {
  id: bigint;
  /** What was granted; 0 when the leader does not know the lease. */
  ttlSeconds: number;
  /** Latin1 strings, sorted. */
  keys: string[];
}

/** The leases that a snapshot holds, as far as can be known from outside. */
export interface LeaseReference {
  /** Were there before the snapshot was begun and after it was done. */
  certain: readonly LeaseRecord[];
  /** Came or went meanwhile: the snapshot may hold them or not. */
  possible: readonly LeaseRecord[];
}

/** Beyond this a drill would ask for minutes. */
const maxLeases = 20_000;
const questionsAtOnce = 16;

/**
 * Reads a member's own list of leases; how long they were granted for, and their keys, it asks the leader.
 *
 * @returns undefined when the server has no leases
 * @throws RpcError
 * @throws Error when there are more than 20,000 leases
 */
export async function readLeases(
  client: EtcdClient,
  endpoint: string,
  signal?: AbortSignal,
): Promise<LeaseRecord[] | undefined> {
  const options = { endpoint, signal, timeoutMs: 15_000 };
  const list = await client.leases({}, options).catch((error: unknown) => {
    if (error instanceof RpcError && error.code === Code.Unimplemented) return undefined;
    throw error;
  });
  if (list === undefined) return undefined;
  const ids = list.leases.map(({ ID }) => ID);
  if (ids.length > maxLeases) {
    throw new Error(`${endpoint} has more than ${maxLeases} leases; a drill compares at most that many`);
  }
  const records: LeaseRecord[] = [];
  const waiting = ids.values();
  const askOneByOne = async (): Promise<void> => {
    for (const ID of waiting) {
      const { grantedTTL, keys } = await client.leaseTimeToLive({ ID, keys: true }, options);
      const names = keys.map((key) => Buffer.from(key).toString('latin1')).sort();
      records.push({ id: ID, ttlSeconds: grantedTTL, keys: names });
    }
  };
  await Promise.all(Array.from({ length: questionsAtOnce }, askOneByOne));
  return records.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What is known of a snapshot's leases from two readings, one before it was begun and one after it was done. */
export function leaseReference(before: readonly LeaseRecord[], after: readonly LeaseRecord[]): LeaseReference {
  const isIn = (list: readonly LeaseRecord[], { id, ttlSeconds }: LeaseRecord): boolean =>
    list.some((other) => other.id === id && other.ttlSeconds === ttlSeconds);
  return {
    certain: after.filter((lease) => isIn(before, lease)),
    possible: [...before.filter((lease) => !isIn(after, lease)), ...after.filter((lease) => !isIn(before, lease))],
  };
}

/**
 * Compares leases with what is known of the snapshot's. The keys of a lease are those whose pairs name it.
 *
 * @param keys as they must be when the leases are read
 * @returns one line for each lease that is not as it must be
 */
export function compareLeases(
  { certain, possible }: LeaseReference,
  keys: ReadonlyMap<string, { lease: bigint }>,
  found: readonly LeaseRecord[],
): string[] {
  const attached = keysByLease(keys);
  const foundById = new Map(found.map((lease) => [lease.id, lease]));
  const known = new Map([...possible, ...certain].map((lease) => [lease.id, lease]));
  const missing = certain.filter(({ id }) => !foundById.has(id)).map(({ id }) => `${leaseName(id)} missing`);
  const wrong = found.flatMap(({ id, ttlSeconds, keys: names }) => {
    const expected = known.get(id);
    if (expected === undefined) return [`${leaseName(id)} unexpected`];
    const problems: string[] = [];
    if (ttlSeconds !== expected.ttlSeconds) problems.push(`TTL ${ttlSeconds} s instead of ${expected.ttlSeconds} s`);
    const difference = describeKeys(attached.get(id) ?? [], names);
    if (difference !== undefined) problems.push(difference);
    return problems.length === 0 ? [] : [`${leaseName(id)}: ${problems.join(', ')}`];
  });
  return [...missing, ...wrong];
}

/** A lease id as etcdctl shows it. */
export function leaseName(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0');
}

function keysByLease(keys: ReadonlyMap<string, { lease: bigint }>): Map<bigint, string[]> {
  const attached = new Map<bigint, string[]>();
  for (const [key, { lease }] of keys) {
    if (lease === 0n) continue;
    const names = attached.get(lease);
    if (names === undefined) attached.set(lease, [key]);
    else names.push(key);
  }
  return attached;
}

/** @returns undefined when both are the same keys */
function describeKeys(expected: readonly string[], found: readonly string[]): string | undefined {
  const wanted = new Set(expected);
  const there = new Set(found);
  const lost = expected.find((key) => !there.has(key));
  const more = found.find((key) => !wanted.has(key));
  if (lost === undefined && more === undefined) return undefined;
  const example =
    lost === undefined ? `${printableKey(more ?? '')} is too many` : `${printableKey(lost)} is not attached`;
  return `${found.length} keys instead of ${expected.length}, such as ${example}`;
}
