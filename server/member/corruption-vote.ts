/** Whom to believe when members have different data at one revision. */

export type Verdict =
  /** All hashes are the same. */
  | { readonly kind: 'equal' }
  /** A quorum has one hash; these members have others. */
  | { readonly kind: 'minority'; readonly ids: readonly bigint[] }
  /** Hashes differ, and none is that of a quorum. */
  | { readonly kind: 'undecided' };

/**
 * @param hashes by member, of those that could be compared
 * @param memberCount all members, compared or not: a quorum is more than half of them
 */
export function voteOnHashes(hashes: ReadonlyMap<bigint, number>, memberCount: number): Verdict {
  const holders = new Map<number, bigint[]>();
  for (const [id, hash] of hashes) holders.set(hash, [...(holders.get(hash) ?? []), id]);
  if (holders.size <= 1) return { kind: 'equal' };
  const quorum = Math.floor(memberCount / 2) + 1;
  const [believed] = [...holders].find(([, ids]) => ids.length >= quorum) ?? [];
  if (believed === undefined) return { kind: 'undecided' };
  return { kind: 'minority', ids: [...hashes].flatMap(([id, hash]) => (hash === believed ? [] : [id])) };
}
