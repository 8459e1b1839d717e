/** What the cluster holds at one revision, read so that nothing can be taken for equal that is not. */
import { PkiError } from '../../pki/mod.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { inconclusive } from '../engine/context.ts';
import { readAccess } from '../verification/access.ts';
import type { MemberIdentity, Reference } from '../verification/evidence.ts';
import { readKeySpace } from '../verification/key-space.ts';
import { readHashKv } from '../verification/observe.ts';
import { refusalOf, type StrangersAnswer } from '../verification/refusal.ts';

/** The first node: where everything is read from that one member can tell. */
export function sourceOf(lab: Lab): LabNode {
  return lab.nodes[0] as LabNode;
}

/**
 * Records keys, hash and members. The revision must be one that every member has, or will have soon: a linearizable read
 * through the source makes sure of the source.
 *
 * @throws LabError LAB_DIVERGED when the members already disagree; RpcError
 */
export async function recordState(
  client: EtcdClient,
  lab: Lab,
  revision: number,
  signal: AbortSignal,
): Promise<
  Pick<Reference, 'revision' | 'hashKv' | 'compactRevision' | 'keys' | 'clusterId' | 'members' | 'memberIds'>
> {
  const hashes = await Promise.all(lab.nodes.map((node) => readHashKv(client, node.clientUrl, revision, signal)));
  const [first] = hashes as [(typeof hashes)[number]];
  if (hashes.some(({ hash, compactRevision }) => hash !== first.hash || compactRevision !== first.compactRevision)) {
    const list = lab.nodes.map(
      (node, i) => `${node.name}: HashKV ${hashes[i]?.hash}, compacted at ${hashes[i]?.compactRevision}`,
    );
    throw new LabError('LAB_DIVERGED', `the members already disagree at revision ${revision}`, {
      details: list,
      advice: 'etcdctl endpoint hashkv --cluster',
    });
  }
  const keys = await readKeySpace(client, sourceOf(lab).clientUrl, revision, signal);
  const { clusterId, members } = await readMembership(client, signal);
  return {
    revision,
    hashKv: first.hash,
    compactRevision: first.compactRevision,
    keys,
    clusterId,
    members: members.map(({ id: _, ...identity }) => identity),
    memberIds: Object.fromEntries(members.map(({ name, id }) => [name, id])),
  };
}

async function readMembership(
  client: EtcdClient,
  signal: AbortSignal,
): Promise<{ clusterId: bigint; members: MemberIdentity[] }> {
  const { header, members } = await client.memberList({ linearizable: true }, { signal });
  return {
    clusterId: header?.cluster_id ?? 0n,
    members: members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
      id: ID,
      name,
      peerURLs,
      clientURLs,
      isLearner,
    })),
  };
}

/**
 * Users, roles and alarms, and what a stranger is told where authentication is on.
 *
 * @throws RpcError; LabError LAB_INCONCLUSIVE when the stranger is not refused
 */
export async function recordAccess(
  client: EtcdClient,
  lab: Lab,
  signal: AbortSignal,
): Promise<Pick<Reference, 'access' | 'refusal'>> {
  const { name, clientUrl } = sourceOf(lab);
  const access = await readAccess(client, clientUrl, signal);
  if (!access.enabled) return { access };
  // Whoever keeps the authority's key encrypted, or elsewhere, cannot try.
  const answer = await refusalOf(lab, name, signal).catch((error: unknown) => {
    if (error instanceof PkiError) return undefined;
    throw error;
  });
  return { access, refusal: answer && requireRefusal(answer) };
}

/** @returns the words of the refusal @throws LabError LAB_INCONCLUSIVE: there is nothing to compare with */
export function requireRefusal({ isRefused, told }: StrangersAnswer): string {
  if (isRefused) return told;
  throw inconclusive(`authentication is on, and a client that is no user is not refused before the disaster: ${told}`);
}

/** @returns the revision of the cluster, after a linearizable read through every member: each has it by then */
export async function settledRevision(client: EtcdClient, lab: Lab, signal: AbortSignal): Promise<number> {
  let revision = 0;
  for (const { clientUrl: endpoint } of lab.nodes) {
    const { header } = await client.range({ key: Buffer.from('health') }, { endpoint, signal });
    revision = Math.max(revision, header?.revision ?? 0);
  }
  return revision;
}

/** @returns the node whose member leads @throws LabError LAB_PREFLIGHT when none does */
export async function leaderOf(client: EtcdClient, lab: Lab, signal: AbortSignal): Promise<LabNode> {
  for (const node of lab.nodes) {
    const { header, leader } = await client.status({}, { endpoint: node.clientUrl, signal });
    if (leader !== 0n && header?.member_id === leader) return node;
  }
  throw new LabError('LAB_PREFLIGHT', 'no member leads', { advice: 'etcdlab status' });
}

/** @returns the first node whose member does not lead, in the order of lab.yaml */
export async function followerOf(client: EtcdClient, lab: Lab, signal: AbortSignal): Promise<LabNode> {
  const leader = await leaderOf(client, lab, signal);
  const follower = lab.nodes.find((node) => node !== leader);
  if (follower === undefined) {
    throw new LabError('LAB_PREFLIGHT', 'the lab has one member only, and it leads', { advice: 'use three nodes' });
  }
  return follower;
}
