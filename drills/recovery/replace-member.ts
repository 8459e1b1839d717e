/**
 * Replaces a member that has lost its data, or whose data cannot be trusted. A member without its log must never come
 * back under its old id: it may have voted and acknowledged what it no longer knows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeRpcError, type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import type { Member } from '../../server/proto/gen/rpc.ts';
import { interrupted, LabError, throwIfInterrupted } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { LabNode } from '../../toolkit/lab/nodes.ts';
import { configureMember } from '../../toolkit/provision/members.ts';

export interface ReplaceOptions {
  /** Where the member's data goes; what is there already stays, and the data is then removed as a failed attempt. */
  aside: string;
  signal: AbortSignal;
  progress?: ((text: string) => void) | undefined;
}

/** A cluster that has just lost a member refuses changes until its peers have been connected for five seconds. */
const changeDeadlineMs = 20_000;
const promoteDeadlineMs = 60_000;
const retryMs = 100;

/**
 * Removes the member from the cluster, moves its data aside, adds it again as a learner under a new id, and makes it a
 * voter once it has caught up. Can be repeated when it was interrupted.
 *
 * @throws LabError LAB_REPLACE when the others have no quorum or refuse, LAB_INTERRUPTED
 */
export async function replaceMember(lab: Lab, name: string, options: ReplaceOptions): Promise<void> {
  const { aside, signal, progress } = options;
  const node = lab.node(name);
  await node.host.service.stop({ graceMs: 5000 });
  const others = lab.nodes.filter((other) => other.name !== name);
  if (others.length === 0) throw new LabError('LAB_REPLACE', `${name} is the only member: there is nobody to join`);
  const client = lab.client(...others.map((other) => other.name));
  try {
    progress?.(`removing ${name} from the cluster`);
    for (const { ID } of (await listMembers(client, signal)).filter((member) => isOf(member, node))) {
      await patiently(`${name} cannot be removed`, changeDeadlineMs, signal, () => remove(client, ID, signal));
    }
    await clearTheWay(node, aside);
    progress?.(`adding ${name} as a learner`);
    const added = await patiently(`${name} cannot be added`, changeDeadlineMs, signal, () =>
      client.memberAdd({ peerURLs: [node.peerUrl], isLearner: true }, { signal, timeoutMs: 5000 }),
    );
    const cluster = Object.fromEntries(lab.nodes.map((each) => [each.name, each.peerUrl]));
    await configureMember(lab, name, { clusterState: 'existing', cluster });
    await node.host.service.start();
    progress?.(`${name} catches up`);
    const ID = added.member?.ID ?? 0n;
    await patiently(`${name} has not caught up`, promoteDeadlineMs, signal, () =>
      client.memberPromote({ ID }, { signal, timeoutMs: 5000 }),
    );
  } finally {
    client.close();
  }
}

/** An attempt that was interrupted has left a member without a name. */
function isOf(member: Member, node: LabNode): boolean {
  return member.name === node.name || member.peerURLs.includes(node.peerUrl);
}

async function listMembers(client: EtcdClient, signal: AbortSignal): Promise<Member[]> {
  const { members } = await patiently('the members cannot be listed', changeDeadlineMs, signal, () =>
    client.memberList({ linearizable: true }, { signal, timeoutMs: 5000 }),
  );
  return members;
}

async function remove(client: EtcdClient, ID: bigint, signal: AbortSignal): Promise<void> {
  await client.memberRemove({ ID }, { signal, timeoutMs: 5000 }).catch((error: unknown) => {
    // An answer that was lost on its way is asked for again, and then the member is gone already.
    if (error instanceof RpcError && error.code === Code.NotFound) return;
    throw error;
  });
}

async function clearTheWay({ host, paths }: LabNode, aside: string): Promise<void> {
  if (!(await host.exists(paths.data))) return;
  if (await host.exists(aside)) await host.remove(paths.data);
  else await host.rename(paths.data, aside);
}

/** Tries until it works: a leader that steps down, or a learner that is still behind, is no reason to give up. */
async function patiently<T>(
  problem: string,
  deadlineMs: number,
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    throwIfInterrupted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw interrupted();
      if (!(error instanceof RpcError)) throw error;
      if (performance.now() > end) {
        throw new LabError('LAB_REPLACE', `${problem} after ${deadlineMs / 1000} s: ${describeRpcError(error)}`, {
          advice: ['etcdlab status', 'etcdlab ctl member list -w table'],
        });
      }
    }
    await delay(retryMs, undefined, { signal }).catch(() => {
      throw interrupted();
    });
  }
}
