/** What a member is started with; the flags of upstream that reach below the API, in their meaning. */

import type { TokenProvider } from '../auth/mod.ts';
import type { DataLock } from '../base/data-lock.ts';
import type { FileSystem } from '../base/file-system.ts';
import type { Logger } from '../base/logger.ts';
import type { LessorObserver } from '../lease/mod.ts';
import type { InitialCluster } from '../membership/mod.ts';
import type { CompactionObserver } from '../mvcc/mod.ts';
import type { PeerMetrics, TlsFiles } from '../peer/mod.ts';
import type { RaftConfig } from '../raft/mod.ts';
import type { SnapObserver } from '../snap/mod.ts';
import type { HashObserver } from './hashes.ts';

export interface MemberConfig {
  name: string;
  /** Holds `member/snap` and, unless `walDir` says otherwise, `member/wal`. */
  dataDir: string;
  walDir?: string | undefined;
  /** Keeps other processes out of `dataDir`. Taken when the member opens its data; whoever made it releases it. */
  lock?: Pick<DataLock, 'take' | 'lockDatabase' | 'replaceDatabase'>;

  initialCluster: InitialCluster;
  initialClusterToken: string;
  initialClusterState: 'new' | 'existing';
  /** Begin a cluster of this member alone, with the data that it has (contract: disk-and-peer §7). */
  forceNewCluster: boolean;
  /** Refuse changes of the voters that could cost the cluster its quorum. */
  strictReconfigCheck: boolean;
  initialAdvertisePeerUrls: string[];
  advertiseClientUrls: string[];

  heartbeatMs: number;
  electionMs: number;
  preVote: boolean;
  /** Applies that take longer are said and counted; upstream's 100 ms unless given. */
  warningApplyDurationMs?: number;
  /** Where raft's messages and queues end; upstream's limits unless given. */
  raftLimits?: Partial<RaftLimits>;
  initialElectionTickAdvance: boolean;
  /** Applied entries after which the state is snapshotted and the log cut, and entries that stay for slow followers. */
  snapshotCount: number;
  snapshotCatchUpEntries: number;
  /** Old files that are kept; 0 keeps all. */
  maxWals: number;
  maxSnapshots: number;
  unsafeNoFsync: boolean;
  /** Upstream's 64 MB unless given; tests that keep files in memory want less. */
  walSegmentSizeBytes?: number;
  /** What the log writes at once while the disk is quick; see `Wal`. Its default unless given. */
  walDirectBytes?: number;

  /** 0 stands for upstream's 2 GiB, a negative number for no quota. */
  quotaBackendBytes: number;
  backendBatchIntervalMs: number;
  backendBatchLimit: number;
  /** Defragment at start if that frees as much; 0: never. */
  bootstrapDefragThresholdMegabytes: number;
  /** Records that a compaction looks at in one go, and the pause after that; 1000 and 10 ms unless given. */
  compactionBatchRecords?: number;
  compactionPauseMs?: number;
  maxTxnOps: number;
  maxRequestBytes: number;
  /** Whether the remaining times of leases are logged, so that a new leader knows them; not unless given. */
  leaseCheckpoint?: boolean;
  /** Whether what is logged of them is also stored; not unless given. */
  leaseCheckpointPersist?: boolean;

  /** What users show once they have logged in; upstream's simple tokens unless given. They outlive the state machine. */
  tokens?: TokenProvider;
  /** The binary logarithm of the rounds of bcrypt; 10 unless given. */
  bcryptCost?: number;
  /** Whether the common name of a client's verified certificate names a user; not unless given. */
  clientCertAuth?: boolean;

  /** Certificates for peers with https URLs. */
  peerTls?: TlsFiles | undefined;
  log: Logger;
  /** The database cannot be written any more: the process must end. */
  onDatabaseFailure(error: Error): void;
  fs?: FileSystem;
  observe?: MemberObserver;
}

export type RaftLimits = Pick<
  RaftConfig,
  | 'maxSizePerMessageBytes'
  | 'maxInflightMessages'
  | 'maxInflightBytes'
  | 'maxCommittedBytesPerReady'
  | 'maxUnappliedBytes'
>;

/** Where durations are recorded, in seconds. */
export interface MemberObserver {
  peer?: Partial<PeerMetrics>;
  walFsync?(seconds: number): void;
  walWrite?(sizeBytes: number, seconds: number): void;
  backendCommit?(seconds: number): void;
  /** From the moment that a snapshot of the database shows to when it is closed. */
  backendSnapshot?(seconds: number): void;
  defragment?(seconds: number): void;
  snap?: SnapObserver;
  compaction?: CompactionObserver;
  hash?: HashObserver;
  /** An entry was applied; `version` says in which form it asked, `op` for what. */
  applied?(version: 'v2' | 'v3', op: string, success: boolean, seconds: number): void;
  /** A learner was made a voter here; or why not. */
  learnerPromoted?(refusal: string | undefined): void;
  leases?: LeaseObserver;
}

/** Where leases are counted. */
export interface LeaseObserver extends LessorObserver {
  /** A lease that had expired was revoked. */
  expired?(): void;
}

/** How long a request may wait for its result: 5 s for the disk, and time for an election on either side of it. */
export function requestTimeoutMs(config: Pick<MemberConfig, 'electionMs'>): number {
  return 5000 + 2 * config.electionMs;
}

/** The shortest time to live of a lease: it must survive an election (contract: api.md §2.6). */
export function minLeaseTtlSeconds({
  heartbeatMs,
  electionMs,
}: Pick<MemberConfig, 'heartbeatMs' | 'electionMs'>): number {
  const electionTicks = Math.trunc(electionMs / heartbeatMs);
  return Math.ceil((Math.trunc((3 * electionTicks) / 2) * heartbeatMs) / 1000);
}
