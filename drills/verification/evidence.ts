/** What is known before the disaster, and what each member shows after the restore. Plain data: verification is a function of the two. */
import type { KeySpace } from './key-space.ts';
import type { LeaseRecord, LeaseReference } from './leases.ts';

export interface MemberIdentity {
  id: bigint;
  name: string;
  peerURLs: string[];
  clientURLs: string[];
  isLearner: boolean;
}

/** Recorded from the healthy cluster, before anything is destroyed. */
export interface Reference {
  /** The revision that the snapshot holds, and the one everything here was read at. */
  revision: number;
  hashKv: number;
  compactRevision: number;
  keys: KeySpace;
  /** Undefined when the server that was recorded has no leases: then there is nothing to bring back. */
  leases?: LeaseReference | undefined;
  /** SHA-256 of the snapshot file, in hex. */
  snapshotSha256: string;
  clusterId: bigint;
  /** Name and URLs of the members that the restored cluster must have. */
  members: Omit<MemberIdentity, 'id'>[];
  /** Keys with known values that were written before the snapshot, and must be there. */
  canaries: string[];
  /** Keys that were written after the snapshot, and must not be there. */
  laterKeys: string[];
  /** The last revision that a client saw acknowledged before the disaster. */
  lastRevision: number;
}

/** What one member of the restored cluster shows. A reading that failed is an error text instead. */
export interface Observation {
  member: string;
  endpoint: string;
  /** SHA-256 of the bytes that this member was restored from, taken on its host. */
  snapshotSha256: string | Failure;
  status: { memberId: bigint; clusterId: bigint; leader: bigint; revision: number; errors: string[] } | Failure;
  members: MemberIdentity[] | Failure;
  hashKv: { hash: number; compactRevision: number } | Failure;
  keys: KeySpace | Failure;
  /** Taken when the reference has some. */
  leases?: LeaseRecord[] | Failure;
  /** A value written through this member and read back, linearizably, through every other. */
  linearizableWrite: { revision: number; readBy: string[] } | Failure;
}

/** When the cluster was healthy again, or why it was not. */
export type Recovery = { at: Date; problem?: undefined } | { at?: undefined; problem: string };

export interface Failure {
  failure: string;
}

export function isFailure<T>(reading: T | Failure): reading is Failure {
  return typeof reading === 'object' && reading !== null && 'failure' in reading;
}
