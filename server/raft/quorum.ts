/** Majorities of a set of voters (Raft paper §5.2, §5.4). */

export type VoteResult = 'won' | 'lost' | 'pending';

export function quorumSize(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * @param matches for each voter, the highest index that is durable on it; sorted in place
 * @returns the highest index that is durable on a majority; 0 without voters
 */
export function committedIndex(matches: number[]): number {
  if (matches.length === 0) return 0;
  matches.sort((a, b) => b - a);
  return matches[quorumSize(matches.length) - 1] as number;
}

/** @param votes what has come in; those of non-voters do not count */
export function voteResult(voters: ReadonlySet<bigint>, votes: ReadonlyMap<bigint, boolean>): VoteResult {
  let granted = 0;
  let rejected = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === true) granted++;
    else if (vote === false) rejected++;
  }
  const needed = quorumSize(voters.size);
  if (granted >= needed) return 'won';
  return voters.size - rejected < needed ? 'lost' : 'pending';
}
