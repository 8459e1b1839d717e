/**
 * Whether a change of the membership is safe, as far as one member can tell before it proposes it: by who has started,
 * who is connected, and how far a learner has caught up (contract: api.md §2.8). The texts and the order are upstream's.
 */
import { errLearnerNotReady, errNotEnoughStartedMembers, errNotLeader, errUnhealthy } from '../errors/etcd-error.ts';
import type { Cluster, Member } from '../membership/mod.ts';
import type { Status } from '../raft/mod.ts';

/** How long a member must have been connected to count on it (upstream's health interval). */
const healthyForMs = 5000;
/** A learner that has this part of what the leader has is as good as caught up. */
const readyPart = 0.9;

/** The cluster as one member sees it. */
export interface ReconfigurationView {
  localId: bigint;
  /** `--strict-reconfig-check` */
  strict: boolean;
  cluster(): Cluster;
  status(): Pick<Status, 'state' | 'progress'>;
  /** Since when another member is connected, on the clock of `now`; undefined while it is not. */
  activeSince(id: bigint): number | undefined;
  /** Milliseconds of a clock that never jumps, the one of `activeSince`. */
  now(): number;
}

/** @throws EtcdError when the larger cluster could lack a quorum: errNotEnoughStartedMembers, errUnhealthy */
export function checkAdd(view: ReconfigurationView, member: Member): void {
  const { cluster, strict } = view;
  if (!strict) return;
  if (!member.isLearner && !cluster().canAddVoter()) throw errNotEnoughStartedMembers();
  // Whoever is down now could be all that the larger quorum then lacks.
  const voters = cluster().voters();
  if (connected(view, voters) < voters.length) throw errUnhealthy();
}

/** @throws EtcdError when the members that are left could lack a quorum: errNotEnoughStartedMembers, errUnhealthy */
export function checkRemove(view: ReconfigurationView, id: bigint): void {
  const { activeSince, cluster, localId, strict } = view;
  if (!strict || cluster().member(id)?.isLearner) return;
  if (!cluster().canRemoveVoter(id)) throw errNotEnoughStartedMembers();
  // A member that is down is not part of the quorum that works now.
  if (id !== localId && activeSince(id) === undefined) return;
  const voters = cluster().voters();
  const quorumOfRest = Math.floor((voters.length - 1) / 2) + 1;
  if (connected(view, voters) - 1 < quorumOfRest) throw errUnhealthy();
}

/** @throws EtcdError on any other member than the leader, and when the learner has not caught up */
export function checkPromote({ cluster, localId, status, strict }: ReconfigurationView, id: bigint): void {
  const { state, progress } = status();
  if (state !== 'leader') throw errNotLeader();
  const learner = progress.get(id);
  const leaderMatch = progress.get(localId)?.match ?? 0;
  // An unknown member is refused when the change is applied, as is a voter.
  if (learner !== undefined && learner.match < leaderMatch * readyPart) throw errLearnerNotReady();
  if (strict && !cluster().canPromoteLearner()) throw errNotEnoughStartedMembers();
}

/** How many of these members, this one among them, are connected for long enough to rely on. */
function connected({ activeSince, localId, now }: ReconfigurationView, members: readonly Member[]): number {
  const latest = now() - healthyForMs;
  return members.filter(({ id }) => id === localId || (activeSince(id) ?? Number.POSITIVE_INFINITY) <= latest).length;
}
