/** What is known before the disaster, and what each member shows after the restore. Plain data: verification is a function of the two. */
import type { AccessRecord } from './access.ts';
import type { KeySpace } from './key-space.ts';
import type { LeaseRecord, LeaseReference } from './leases.ts';
import type { LiveKeys } from './live-keys.ts';
import type { StrangersAnswer } from './refusal.ts';
import type { WatchReading } from './watches.ts';

/**
 * What a recovery promises.
 *
 * - `restored`: a new cluster that holds what the snapshot holds, and nothing that was written later.
 * - `rescued`: a new cluster, made from what a member that was left still had: every acknowledged write is there.
 * - `kept`: the cluster of before, repaired while it served: every acknowledged write is there.
 */
export type Outcome = 'restored' | 'rescued' | 'kept';

export interface MemberIdentity {
  id: bigint;
  name: string;
  peerURLs: string[];
  clientURLs: string[];
  isLearner: boolean;
}

/** Recorded from the healthy cluster, before anything is destroyed. */
export interface Reference {
  outcome: Outcome;
  /** The revision that the snapshot holds, and the one everything here was read at. */
  revision: number;
  /** Undefined when the drill itself compacted after the record was made: a hash covers what compaction removes. */
  hashKv: number | undefined;
  /** Where the recorded keys are read again, if not at `revision`: that one was compacted by the drill. */
  readAt?: number | undefined;
  /** By how much the restore has raised the revision, with all below marked as compacted. */
  bumpedBy?: number | undefined;
  compactRevision: number;
  keys: KeySpace;
  /** Users, roles and alarms. */
  access?: AccessRecord | undefined;
  /** What a client that is no user was told; undefined when authentication was off, or nobody could try. */
  refusal?: string | undefined;
  /** Undefined when the server that was recorded has no leases: then there is nothing to bring back. */
  leases?: LeaseReference | undefined;
  /** SHA-256 in hex of the file that members are restored from; undefined when the cluster is repaired instead. */
  snapshotSha256: string | undefined;
  clusterId: bigint;
  /** Name and URLs of the members that the restored cluster must have. */
  members: Omit<MemberIdentity, 'id'>[];
  /** Of the members of before, by name; compared when the cluster is kept. */
  memberIds: Readonly<Record<string, bigint>>;
  /** Names of members that were removed and joined anew: these must have another id. */
  replaced: readonly string[];
  /** Keys with known values that were written before the snapshot, and must be there. */
  canaries: string[];
  /** Keys that were written after the record; there or not, as the outcome promises. */
  laterKeys: string[];
  /**
   * What must be there in the end: the data set's own keys, compared one by one, and all, by which leases are judged.
   * Undefined for `restored`, where that is the record itself.
   */
  live?: { prefix: string; keys: LiveKeys; all: LiveKeys } | undefined;
  /** The last revision that a client saw acknowledged before the disaster. */
  lastRevision: number;
}

/** What one member of the restored cluster shows. A reading that failed is an error text instead. */
export interface Observation {
  member: string;
  endpoint: string;
  /** SHA-256 of the bytes that this member was restored from, taken on its host. */
  snapshotSha256?: string | Failure;
  status: { memberId: bigint; clusterId: bigint; leader: bigint; revision: number; errors: string[] } | Failure;
  members: MemberIdentity[] | Failure;
  hashKv: { hash: number; compactRevision: number } | Failure;
  keys: KeySpace | Failure;
  /** Taken when the reference has some. */
  leases?: LeaseRecord[] | Failure;
  access?: AccessRecord | Failure;
  /** Taken when the reference has one: what a client that is no user is told. */
  refusal?: StrangersAnswer | Failure;
  /** Taken of a restored cluster. */
  watch?: WatchReading | Failure;
  /** Unless `restored`: the data set's keys as they are now, and the hash of all at one revision that all members have. */
  live?: LiveKeys | Failure;
  latestHash?: { revision: number; hash: number; compactRevision: number } | Failure;
  /** A value written through this member and read back, linearizably, through every other. */
  linearizableWrite: { revision: number; readBy: string[] } | Failure;
}

/** When the cluster was healthy again, or why it was not. */
export type Recovery = { at: Date; problem?: undefined } | { at?: undefined; problem: string };

/** @returns the revision at which a restored cluster begins */
export function finalRevision({ revision, bumpedBy = 0 }: Reference): number {
  return revision + bumpedBy;
}

export interface Failure {
  failure: string;
}

export function isFailure<T>(reading: T | Failure): reading is Failure {
  return typeof reading === 'object' && reading !== null && 'failure' in reading;
}
