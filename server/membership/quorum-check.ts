/**
 * `--strict-reconfig-check`: a change of the voters is refused when the members that have started could not make a
 * quorum of what the cluster becomes (contract: api.md §2.8). A member has started when it has published its name.
 */
import type { Member } from './member-json.ts';

function started(voters: readonly Member[]): number {
  return voters.filter((member) => member.name !== '').length;
}

function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** @param voters as they are now; the new voter has not started */
export function canAddVoter(voters: readonly Member[]): boolean {
  const running = started(voters);
  // Else a single member could never grow, and a restored cluster starts with a single one.
  if (running === 1 && voters.length === 1) return true;
  return running >= quorumOf(voters.length + 1);
}

/** @param voters as they are now, with the one to remove */
export function canRemoveVoter(voters: readonly Member[], id: bigint): boolean {
  const rest = voters.filter((member) => member.id !== id);
  return started(rest) >= quorumOf(rest.length);
}

/** @param voters as they are now; the learner has started, for it has caught up */
export function canPromoteLearner(voters: readonly Member[]): boolean {
  return started(voters) + 1 >= quorumOf(voters.length + 1);
}
