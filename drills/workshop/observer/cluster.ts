/** What a check can see of the cluster and its members. Reads only. */
import { type EtcdClient, RpcError } from '../../../server/client/mod.ts';
import { Permission_Type } from '../../../server/proto/gen/auth.ts';
import { AlarmType } from '../../../server/proto/gen/rpc.ts';
import { messageOf } from '../../../toolkit/errors.ts';
import type { ServiceState } from '../../../toolkit/hosts/host.ts';
import type { Lab } from '../../../toolkit/lab/lab.ts';
import type { LabNode } from '../../../toolkit/lab/nodes.ts';

export interface SeenMember {
  readonly node: string;
  /** `unreachable`: the machine it runs on does not answer. */
  readonly process: ServiceState | 'unreachable';
  readonly pid?: number;
  /** Missing if the member does not answer. */
  readonly status?: {
    readonly id: string;
    readonly role: 'leader' | 'follower' | 'learner';
    readonly version: string;
    readonly revision: number;
    readonly term: number;
    readonly raftIndex: number;
    readonly dbSizeBytes: number;
    readonly dbSizeInUseBytes: number;
    /** What the member itself complains about: no leader, alarms. */
    readonly errors: readonly string[];
  };
}

const nameOf = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);

/** @param timeoutMs of each question */
export function clusterObservations(lab: Lab, client: EtcdClient, timeoutMs: number) {
  const call = { timeoutMs };
  const at = ({ clientUrl }: LabNode) => ({ timeoutMs, endpoint: clientUrl });
  const members = () => Promise.all(lab.nodes.map((node) => seenMember(node, client, timeoutMs)));
  const nodeById = async (): Promise<Map<bigint, string>> => {
    const list = await client.memberList({ linearizable: false }, call);
    return new Map(list.members.map(({ ID, name }) => [ID, name]));
  };
  return {
    /** Every node of the lab, whether it answers or not. */
    members,
    /** @returns the node that leads, or undefined if nobody says so of itself */
    leader: async (): Promise<string | undefined> =>
      (await members()).find(({ status }) => status?.role === 'leader')?.node,
    /** The member list, as a quorum knows it. */
    memberList: async () => {
      const list = await client.memberList({ linearizable: true }, call);
      return list.members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
        id: ID.toString(16),
        name,
        peerUrls: peerURLs,
        clientUrls: clientURLs,
        isLearner,
      }));
    },
    alarms: async (): Promise<{ node: string; alarm: string }[]> => {
      const [{ alarms }, names] = [await client.alarm({}, call), await nodeById()];
      return alarms.map(({ memberID, alarm }) => ({
        node: names.get(memberID) ?? memberID.toString(16),
        alarm: nameOf(AlarmType, alarm),
      }));
    },
    /** HashKV of every member at one revision, and up to where each has compacted. */
    hashes: async () => {
      const revision = (await client.range({ key: Buffer.from('\0') }, call)).header?.revision ?? 0;
      return Promise.all(
        lab.nodes.map(async (node) => {
          const { hash, compact_revision } = await client.hashKv({ revision }, at(node));
          return { node: node.name, hash, compactRevision: compact_revision };
        }),
      );
    },
    leases: async () => {
      const { leases } = await client.leases({}, call);
      const details = await Promise.all(leases.map(({ ID }) => client.leaseTimeToLive({ ID, keys: true }, call)));
      return details.map(({ ID, TTL, grantedTTL, keys }) => ({
        id: ID.toString(16),
        grantedSeconds: grantedTTL,
        remainingSeconds: TTL,
        keys: keys.map((key) => Buffer.from(key).toString()),
      }));
    },
    isAuthEnabled: async (): Promise<boolean> => (await client.auth.status({}, call)).enabled,
    users: async (): Promise<{ name: string; roles: string[] }[]> => {
      const { users } = await client.auth.userList({}, call);
      return Promise.all(
        users.map(async (name) => ({ name, roles: (await client.auth.userGet({ name }, call)).roles })),
      );
    },
    roles: async () => {
      const { roles } = await client.auth.roleList({}, call);
      return Promise.all(
        roles.map(async (name) => ({
          name,
          permissions: (await client.auth.roleGet({ role: name }, call)).perm.map(({ permType, key, range_end }) => ({
            type: nameOf(Permission_Type, permType),
            key: Buffer.from(key).toString(),
            rangeEnd: Buffer.from(range_end).toString(),
          })),
        })),
      );
    },
  };
}

async function seenMember(node: LabNode, client: EtcdClient, timeoutMs: number): Promise<SeenMember> {
  const [process, status] = await Promise.all([
    node.host.service.status().catch(() => ({ state: 'unreachable' as const, pid: undefined })),
    client.status({}, { timeoutMs, endpoint: node.clientUrl }).catch((error: unknown) => {
      if (error instanceof RpcError) return undefined;
      throw new Error(`${node.name} cannot be asked: ${messageOf(error)}`, { cause: error });
    }),
  ]);
  const known = { node: node.name, process: process.state, ...(process.pid !== undefined && { pid: process.pid }) };
  if (status === undefined) return known;
  const { header, leader, isLearner } = status;
  const id = header?.member_id ?? 0n;
  return {
    ...known,
    status: {
      id: id.toString(16),
      role: isLearner ? 'learner' : leader === id ? 'leader' : 'follower',
      version: status.version,
      revision: header?.revision ?? 0,
      term: status.raftTerm,
      raftIndex: status.raftIndex,
      dbSizeBytes: status.dbSize,
      dbSizeInUseBytes: status.dbSizeInUse,
      errors: status.errors,
    },
  };
}
