/**
 * What "the cluster is healthy" means, cheapest first. etcd's own health check is none of it: it says healthy when
 * members have diverged, and while the HTTP gateway is dead.
 */
import { describeRpcError } from '../../../server/client/mod.ts';
import { LabError } from '../../errors.ts';
import type { LabNode } from '../../lab/nodes.ts';
import type { ClusterView, KeySpaceHash } from './cluster-view.ts';
import type { Condition, Shortfall } from './condition.ts';

/** How much longer than here a member may need on a machine of its own, which may be small, busy, or emulated. */
const machineFactor = 4;

/** @returns the conditions of a healthy cluster, in the order in which they come true */
export function healthConditions(view: ClusterView): Condition[] {
  const factor = view.nodes.every(({ host }) => host.kind === 'local') ? 1 : machineFactor;
  const condition = (id: string, title: string, deadlineMs: number, check: Condition['check']): Condition => ({
    id,
    title,
    deadlineMs: factor * deadlineMs,
    check: async () => {
      const gone = await missingProcesses(view);
      return gone.length > 0 ? gone : check();
    },
  });
  return [
    condition('process-up', 'every member runs', 5_000, async () => []),
    condition('port-open', 'client ports are open', 20_000, () => ofEach(view, (node) => view.portProblem(node))),
    condition('tls-verified', 'TLS is verified both ways', 45_000, () =>
      ofEach(view, (node) => tlsProblem(view, node)),
    ),
    condition('members-complete', 'the member list is complete', 20_000, () => memberListProblems(view)),
    condition('one-leader', 'one leader, known to all', 20_000, () => leaderProblems(view)),
    condition('linearizable-read', 'linearizable reads through every member', 20_000, () =>
      ofEach(view, async (node) => {
        await view.linearizableRead(node);
        return undefined;
      }),
    ),
    condition('hash-equal', 'all members hold the same data', 30_000, () => hashProblems(view)),
  ];
}

/** Asks all members at once. A call that fails is a reason, not an error. */
async function ofEach(
  view: ClusterView,
  check: (node: LabNode) => Promise<string | undefined>,
): Promise<readonly Shortfall[]> {
  const shortfalls = await Promise.all(
    view.nodes.map(async (node): Promise<Shortfall | undefined> => {
      const reason = await check(node).catch((error: unknown) => `gives no answer: ${describeRpcError(error)}`);
      return reason === undefined ? undefined : { node: node.name, reason };
    }),
  );
  return shortfalls.filter((shortfall) => shortfall !== undefined);
}

async function missingProcesses(view: ClusterView): Promise<readonly Shortfall[]> {
  const states = await Promise.all(
    view.nodes.map(async (node) => {
      try {
        return { node, state: (await view.process(node)).state };
      } catch (error) {
        // A machine that is switched on again can be waited for.
        if (error instanceof LabError && error.code === 'LAB_HOST_UNREACHABLE') return { node, reason: error.message };
        throw error;
      }
    }),
  );
  const exited = states.find(({ state }) => state === 'exited');
  if (exited !== undefined) throw await exitedError(view, exited.node);
  return states.flatMap(({ node: { name: node }, state, reason }) => {
    if (reason !== undefined) return [{ node, reason }];
    if (state === 'frozen') return [{ node, reason: 'the process is frozen' }];
    return state === 'stopped' ? [{ node, reason: 'the process is not running' }] : [];
  });
}

/** A process that has ended does not come back by waiting. */
async function exitedError(view: ClusterView, node: LabNode): Promise<LabError> {
  const details = await view.tellingLog(node);
  const cure = details.some((line) => aboutData.test(line))
    ? `etcdlab replace ${node.name}, if its data is damaged or lost: it joins anew, and gets the data of the others`
    : 'etcdlab up starts it again';
  return new LabError('LAB_MEMBER_EXITED', `${node.name} has ended by itself`, {
    details,
    advice: [`etcdlab logs ${node.name}`, cure],
  });
}

/** What members of either engine say when their data is no good: then another start ends in the same way. */
const aboutData =
  /already been bootstrapped|permanently removed|damaged|corrupt|\bcrc\b|checksum|mismatch|\bwal\b|invalid (database|page|freelist)|recover v3 backend/i;

/** A call over gRPC is the proof; only when it fails is there something to explain. */
async function tlsProblem(view: ClusterView, node: LabNode): Promise<string | undefined> {
  try {
    await view.status(node);
    return undefined;
  } catch {
    return view.explain(node);
  }
}

function memberListProblems(view: ClusterView): Promise<readonly Shortfall[]> {
  const expected = view.nodes.map((node) => node.name);
  return ofEach(view, async (node) => {
    const members = await view.members(node);
    const names = members.map((member) => member.name);
    const missing = expected.filter((name) => !names.includes(name));
    const unknown = members.filter((member) => !expected.includes(member.name));
    const problems = [
      ...missing.map((name) => `${name} has not joined`),
      ...unknown.map(
        ({ name, ID, peerURLs }) => `it lists ${name || `the unstarted ${ID.toString(16)}`} at ${peerURLs}`,
      ),
      ...members
        .filter((member) => member.isLearner)
        .map(({ name }) => `${name} is a learner still: etcdlab replace ${name}`),
    ];
    return problems.length === 0 ? undefined : problems.join(', ');
  });
}

async function leaderProblems(view: ClusterView): Promise<readonly Shortfall[]> {
  const seen = new Map<string, { leader: bigint; term: number }>();
  const shortfalls = await ofEach(view, async (node) => {
    const { leader, raftTerm, errors } = await view.status(node);
    if (leader === 0n) return 'knows no leader';
    if (errors.length > 0) return errors.join(', ');
    seen.set(node.name, { leader, term: raftTerm });
    return undefined;
  });
  const [first] = seen.values();
  const disagreeing = [...seen].filter(([, { leader, term }]) => leader !== first?.leader || term !== first?.term);
  return [
    ...shortfalls,
    ...disagreeing.map(([node, { leader, term }]) => ({
      node,
      reason: `follows ${leader.toString(16)} at term ${term}, others ${first?.leader.toString(16)} at ${first?.term}`,
    })),
  ];
}

/** Compares at one revision that all members have: the cluster may be in use meanwhile. */
async function hashProblems(view: ClusterView): Promise<readonly Shortfall[]> {
  const revisions: number[] = [];
  const unread = await ofEach(view, async (node) => {
    revisions.push(await view.linearizableRead(node));
    return undefined;
  });
  if (unread.length > 0) return unread;
  const revision = Math.min(...revisions);
  const hashes = new Map<string, KeySpaceHash>();
  const failed = await ofEach(view, async (node) => {
    hashes.set(node.name, await view.hashKv(node, revision));
    return undefined;
  });
  // At exactly the revision of a compaction a member answers with the hash of before it, unless it was restarted since:
  // such hashes cover different histories and say nothing about each other, until the next write.
  const differing = [...hashes].flatMap(([node, { hash, compactRevision }]) => {
    const like = [...hashes].find(([, other]) => other.compactRevision === compactRevision);
    if (like === undefined || like[1].hash === hash) return [];
    const told = (value: number): string => `${value.toString(16).padStart(8, '0')} (compacted at ${compactRevision})`;
    const reason = `HashKV at revision ${revision} is ${told(hash)}, that of ${like[0]} is ${told(like[1].hash)}`;
    return [{ node, reason }];
  });
  return [...failed, ...differing];
}
