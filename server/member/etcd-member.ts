/** What the API layers (`rpc/`, `http/`, metrics) ask of the running member. `member/` implements it. */

import type { BackendSnapshot } from '../backend/backend.ts';
import type { WatchHub, WatchStats } from '../mvcc/watch/mod.ts';
import type {
  AlarmMember,
  AlarmRequest,
  AlarmResponse,
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  DowngradeRequest,
  DowngradeResponse,
  HashKVResponse,
  HashResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  Member,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  StatusResponse,
  TxnRequest,
  TxnResponse,
} from '../proto/gen/rpc.ts';

/**
 * Each method that answers a request rejects with an EtcdError when the request is refused, times out or meets no
 * leader. Requests are checked (sizes, empty keys, duplicate keys) by the method itself, not by its caller.
 */
export interface EtcdMember {
  readonly id: bigint;
  readonly clusterId: bigint;

  range(request: RangeRequest): Promise<RangeResponse>;
  put(request: PutRequest): Promise<PutResponse>;
  deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  compact(request: CompactionRequest): Promise<CompactionResponse>;

  leaseGrant(request: LeaseGrantRequest): Promise<LeaseGrantResponse>;
  leaseRevoke(request: LeaseRevokeRequest): Promise<LeaseRevokeResponse>;
  /** @returns the time to live in seconds; 0 for a lease that is gone */
  leaseRenew(id: bigint): Promise<number>;
  leaseTimeToLive(request: LeaseTimeToLiveRequest): Promise<LeaseTimeToLiveResponse>;
  leaseLeases(): LeaseLeasesResponse;

  /** The watches of all clients. */
  readonly watches: WatchHub;

  members(linearizable: boolean): Promise<Member[]>;
  /** These five change the membership; `reconfiguration.ts` has the rules. */
  memberAdd(peerURLs: readonly string[], isLearner: boolean): Promise<{ member: Member; members: Member[] }>;
  memberRemove(id: bigint): Promise<Member[]>;
  memberUpdate(id: bigint, peerURLs: readonly string[]): Promise<Member[]>;
  memberPromote(id: bigint): Promise<Member[]>;
  moveLeader(to: bigint): Promise<void>;
  /** Lists, raises or clears alarms, through the log. */
  alarm(request: AlarmRequest): Promise<AlarmResponse>;
  /** Rewrites this member's database file without its free pages; requests are answered meanwhile. */
  defragment(): Promise<void>;
  /** Checks, announces or withdraws that the cluster goes back to the release before. */
  downgrade(request: DowngradeRequest): Promise<DowngradeResponse>;
  hash(): Promise<HashResponse>;
  hashKv(revision: number): Promise<HashKVResponse>;
  status(): StatusResponse;
  snapshot(): Promise<BackendSnapshot>;
  /** Those that this member knows of, now. */
  alarms(): AlarmMember[];

  /** Ids and term of now; `revision` is the store's. */
  header(): ResponseHeader;
  /** The leader's id, 0 when this member knows none. */
  leader(): bigint;
  isLearner(): boolean;
  /** Such as `3.5.0`; undefined until the cluster has decided. */
  clusterVersion(): string | undefined;
  /** Figures for /metrics, read at scrape time. */
  gauges(): MemberGauges;
}

export interface MemberGauges extends WatchStats {
  leaderChanges: number;
  proposalsCommitted: number;
  proposalsApplied: number;
  proposalsPending: number;
  proposalsFailed: number;
  slowApplies: number;
  readIndexesFailed: number;
  slowReadIndexes: number;
  heartbeatSendFailures: number;
  quotaBackendBytes: number;
  dbSizeBytes: number;
  dbSizeInUseBytes: number;
  currentRevision: number;
  compactRevision: number;
  keys: number;
}
