/** Which members of a lab run, and restarting them so that clients do not notice. */
import { LabError, throwIfInterrupted } from '../../errors.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { openClusterView, type WaitOptions, waitUntilHealthy } from '../health/mod.ts';
import { configureMember, pendingAction } from '../members.ts';

/**
 * @returns all nodes, or none if the whole lab is stopped
 * @throws LabError LAB_PKI_REFUSED if a part of the members runs
 */
export async function runningNodes(lab: Lab): Promise<readonly LabNode[]> {
  const states = await Promise.all(lab.nodes.map(({ host }) => host.service.status()));
  const idle = lab.nodes.filter((_, i) => states[i]?.state !== 'running');
  if (idle.length === 0) return lab.nodes;
  if (idle.length === lab.nodes.length && states.every((status) => status.state !== 'frozen')) return [];
  const names = idle.map(({ name }) => name).join(', ');
  throw new LabError('LAB_PKI_REFUSED', `${names} of lab '${lab.name}' is not running, others are`, {
    advice: ['etcdlab up starts it', 'or, if it is not to run: etcdlab down'],
  });
}

/** @returns the nodes with the leader last: it hands over once, to a member that stays */
export async function leaderLast(lab: Lab): Promise<LabNode[]> {
  const view = openClusterView(lab);
  try {
    const isLeader = await Promise.all(
      lab.nodes.map((node) =>
        view.status(node).then(
          ({ leader, header }) => leader === header?.member_id,
          () => false,
        ),
      ),
    );
    return [...lab.nodes].sort(
      (a, b) => Number(isLeader[lab.nodes.indexOf(a)]) - Number(isLeader[lab.nodes.indexOf(b)]),
    );
  } finally {
    view.close();
  }
}

/**
 * Restarts a member that runs with an older configuration or trust, and waits until the cluster is whole again: the
 * next one may be restarted then without loss of quorum.
 * @returns whether it was restarted
 */
export async function restartIfPending(lab: Lab, node: LabNode, options: WaitOptions): Promise<boolean> {
  throwIfInterrupted(options.signal);
  await configureMember(lab, node.name);
  if ((await pendingAction(lab, node)) !== 'restart') return false;
  await lab.stop(node.name);
  await lab.start(node.name);
  await waitUntilHealthy(lab, options);
  return true;
}
