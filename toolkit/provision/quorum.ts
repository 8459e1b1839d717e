/** Whether a cluster can do without one of its members. */
import { LabError } from '../errors.ts';
import { type WaitOptions, waitFor } from './health/condition.ts';
import { type ClusterView, UnhealthyError } from './health/mod.ts';

export interface QuorumOptions extends WaitOptions {
  /** Default 10,000: an election takes a second or two. */
  readonly deadlineMs?: number;
}

/**
 * Waits until the other members have a quorum of the cluster's voters among themselves.
 * @param name the member that is to be taken away
 * @throws LabError LAB_PREFLIGHT if they have not, LAB_INTERRUPTED
 */
export async function requireQuorumWithout(
  view: ClusterView,
  name: string,
  options: QuorumOptions = {},
): Promise<void> {
  const others = view.nodes.filter((node) => node.name !== name);
  if (others.length === 0) {
    throw new LabError('LAB_PREFLIGHT', `${name} is the only member: there is nobody whose data it could get`, {
      advice: ['etcdlab restore, from a backup', 'etcdlab destroy, to start anew without data'],
    });
  }
  const check = async () => {
    const lists = await Promise.all(others.map((node) => view.members(node).catch(() => undefined)));
    const voters = lists.find((list) => list !== undefined)?.filter(({ isLearner }) => !isLearner) ?? [];
    const silent = others.filter((_, i) => lists[i] === undefined);
    const serving = others.filter((node, i) => lists[i] && voters.some((voter) => voter.name === node.name));
    if (serving.length > voters.length / 2) return [];
    return silent.length > 0
      ? silent.map((node) => ({ node: node.name, reason: 'serves no linearizable request' }))
      : [{ node: name, reason: `its vote is needed: ${serving.length} of ${voters.length} voters are too few` }];
  };
  try {
    const { deadlineMs = 10_000 } = options;
    const condition = { id: 'quorum-of-others', title: 'the others have a quorum', deadlineMs, check };
    await waitFor(condition, options);
  } catch (error) {
    if (!(error instanceof UnhealthyError)) throw error;
    throw new LabError('LAB_PREFLIGHT', `the others have no quorum without ${name}; nothing was changed`, {
      details: error.shortfalls.map(({ node, reason }) => `${node}: ${reason}`),
      advice: ['etcdlab up starts those that have their data', 'etcdlab restore, if a majority has lost it'],
    });
  }
}
