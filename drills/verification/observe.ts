/** Takes the readings that `verify` judges, from each member by itself. */
import { randomUUID } from 'node:crypto';
import type { EtcdClient } from '../../server/client/mod.ts';
import { messageOf } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { readAccess } from './access.ts';
import type { Failure, MemberIdentity, Observation, Reference } from './evidence.ts';
import { readKeySpace } from './key-space.ts';
import { type LeaseRecord, readLeases } from './leases.ts';
import { liveKeysOf, underPrefix } from './live-keys.ts';
import { refusalOf } from './refusal.ts';
import { readWatch } from './watches.ts';

/**
 * Reads every member, and only then writes through each: a write would move the revision that is compared.
 *
 * @param lab the cluster that came out of the recovery
 * @param restoredFrom SHA-256 of the bytes each member was restored from, by member
 */
export async function observe(
  lab: Lab,
  reference: Reference,
  restoredFrom: Readonly<Record<string, string>>,
  options: { signal: AbortSignal; progress?: (text: string) => void },
): Promise<Observation[]> {
  const { signal, progress } = options;
  const client = lab.client();
  try {
    const isHashRecorded = reference.outcome === 'restored' && reference.hashKv !== undefined;
    const latest = isHashRecorded ? undefined : await reading(commonRevision(client, lab, signal));
    const readings = await Promise.all(
      lab.nodes.map(async ({ name: member, clientUrl: endpoint }) => {
        progress?.(`reading ${member}`);
        const source = restoredFrom[member] ?? { failure: `nothing is known of what ${member} was restored from` };
        return {
          member,
          endpoint,
          ...(reference.snapshotSha256 !== undefined && { snapshotSha256: source }),
          status: await reading(readStatus(client, endpoint, signal)),
          members: await reading(readMembers(client, endpoint, signal)),
          hashKv: await reading(readHashKv(client, endpoint, reference.revision, signal)),
          keys: await reading(readKeySpace(client, endpoint, reference.readAt ?? reference.revision, signal)),
          ...(reference.leases && { leases: await reading(readAllLeases(client, endpoint, signal)) }),
          ...(reference.access && { access: await reading(readAccess(client, endpoint, signal)) }),
          ...(reference.refusal && { refusal: await reading(refusalOf(lab, member, signal)) }),
          ...(reference.outcome === 'restored' && {
            watch: await reading(readWatch(client, endpoint, reference.lastRevision, signal)),
          }),
          ...(latest !== undefined && (await readLatest(client, endpoint, reference, latest, signal))),
        };
      }),
    );
    const observations: Observation[] = [];
    for (const each of readings) {
      progress?.(`writing through ${each.member}`);
      observations.push({ ...each, linearizableWrite: await reading(writeThrough(client, lab, each.member, signal)) });
    }
    return observations;
  } finally {
    client.close();
  }
}

/** HashKV of one member's own store. */
export async function readHashKv(
  client: EtcdClient,
  endpoint: string,
  revision: number,
  signal?: AbortSignal,
): Promise<{ hash: number; compactRevision: number }> {
  const { hash, compact_revision } = await client.hashKv({ revision }, { endpoint, signal, timeoutMs: 60_000 });
  return { hash, compactRevision: compact_revision };
}

/** A revision that every member has: each has answered a linearizable read after the first did. */
async function commonRevision(client: EtcdClient, lab: Lab, signal: AbortSignal): Promise<number> {
  let revision: number | undefined;
  for (const { clientUrl: endpoint } of lab.nodes) {
    const { header } = await client.range({ key: Buffer.from('health') }, { endpoint, signal });
    revision ??= header?.revision;
  }
  return revision ?? 0;
}

/** How all members must agree in the end, whatever was compacted meanwhile. */
async function readLatest(
  client: EtcdClient,
  endpoint: string,
  { live }: Reference,
  latest: number | Failure,
  signal: AbortSignal,
): Promise<Pick<Observation, 'live' | 'latestHash'>> {
  if (typeof latest !== 'number') return { live: latest, latestHash: latest };
  const found = await reading(readHashKv(client, endpoint, latest, signal));
  const latestHash = 'failure' in found ? found : { revision: latest, ...found };
  if (live === undefined) return { latestHash };
  const seen = await reading(readKeySpace(client, endpoint, latest, signal, live.prefix));
  return { latestHash, live: 'failure' in seen ? seen : underPrefix(liveKeysOf(seen), live.prefix) };
}

/** Where there were leases, a server without any is a finding. */
async function readAllLeases(client: EtcdClient, endpoint: string, signal: AbortSignal): Promise<LeaseRecord[]> {
  const leases = await readLeases(client, endpoint, signal);
  if (leases === undefined) throw new Error('the server has no leases');
  return leases;
}

/** A reading that cannot be taken is itself a finding; it never stops the others. */
async function reading<T>(take: Promise<T>): Promise<T | Failure> {
  return take.catch((error: unknown) => ({ failure: messageOf(error) }));
}

async function readStatus(client: EtcdClient, endpoint: string, signal: AbortSignal) {
  const status = await client.status({}, { endpoint, signal });
  return {
    memberId: status.header?.member_id ?? 0n,
    clusterId: status.header?.cluster_id ?? 0n,
    leader: status.leader,
    revision: status.header?.revision ?? 0,
    errors: status.errors,
  };
}

async function readMembers(client: EtcdClient, endpoint: string, signal: AbortSignal): Promise<MemberIdentity[]> {
  // The member's own list, not one that it fetches from the leader.
  const { members } = await client.memberList({ linearizable: false }, { endpoint, signal });
  return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
    id: ID,
    name,
    peerURLs,
    clientURLs,
    isLearner,
  }));
}

/** Puts a value through one member and reads it, linearizably, through each of the others; then takes it away. */
async function writeThrough(
  client: EtcdClient,
  lab: Lab,
  member: string,
  signal: AbortSignal,
): Promise<{ revision: number; readBy: string[] }> {
  const key = Buffer.from(`etcdlab-drill/probe/${member}`);
  const value = Buffer.from(randomUUID());
  const endpoint = lab.node(member).clientUrl;
  const { header } = await client.put({ key, value }, { endpoint, signal });
  const readBy: string[] = [];
  for (const other of lab.nodes) {
    if (other.name === member) continue;
    const { kvs } = await client.range({ key }, { endpoint: other.clientUrl, signal });
    if (kvs[0] !== undefined && Buffer.compare(kvs[0].value, value) === 0) readBy.push(other.name);
  }
  await client.deleteRange({ key }, { endpoint, signal });
  return { revision: header?.revision ?? 0, readBy };
}
