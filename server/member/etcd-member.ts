/** What the API layers (`rpc/`, `http/`, metrics) ask of the running member. `member/` implements it. */

import type { X509Certificate } from 'node:crypto';
import type { BackendSnapshot } from '../backend/backend.ts';
import type { OperationCounts } from '../mvcc/operation-counts.ts';
import type { WatchHub, WatchStats } from '../mvcc/watch/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import type {
  AlarmMember,
  AlarmRequest,
  AlarmResponse,
  AuthenticateRequest,
  AuthenticateResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserChangePasswordRequest,
  AuthUserChangePasswordResponse,
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
import type { Status as RaftStatus } from '../raft/mod.ts';

/** Whoever sends a request, as far as it says who it is. */
export interface Caller {
  /** A header of the request by its lower-case name. */
  metadata(name: string): string | undefined;
  /** The client's verified certificate. */
  peerCertificate(): X509Certificate | undefined;
}

/** The member itself, which may do everything: for its own checks of health, never for anything that a client sent. */
export const asItself: Caller = { metadata: () => undefined, peerCertificate: () => undefined };

/** What is asked about users and roles in the words of the log. */
export type AccountKind = Extract<keyof InternalRaftRequest, `auth_${string}`>;

/** Logins, users and roles. */
export interface AccountMember {
  authenticate(request: AuthenticateRequest): Promise<AuthenticateResponse>;
  addUser(request: AuthUserAddRequest, caller?: Caller): Promise<AuthUserAddResponse>;
  changePassword(request: AuthUserChangePasswordRequest, caller?: Caller): Promise<AuthUserChangePasswordResponse>;
  /** Everything else; the log carries it as it is. */
  ask<T extends { header?: ResponseHeader | undefined }>(
    request: Pick<Partial<InternalRaftRequest>, AccountKind>,
    caller?: Caller,
  ): Promise<T>;
}

/**
 * Each method that answers a request rejects with an EtcdError when the request is refused, times out or meets no
 * leader. Requests are checked (sizes, empty keys, duplicate keys) by the method itself, not by its caller; so is who
 * sends them. Whoever leaves `caller` out is nobody, and gets nothing once authentication is on.
 */
export interface EtcdMember {
  readonly id: bigint;
  readonly clusterId: bigint;

  range(request: RangeRequest, caller?: Caller): Promise<RangeResponse>;
  /** As `range`; @returns a RangeResponse, encoded */
  rangeEncoded(request: RangeRequest, caller?: Caller): Promise<Uint8Array>;
  put(request: PutRequest, caller?: Caller): Promise<PutResponse>;
  deleteRange(request: DeleteRangeRequest, caller?: Caller): Promise<DeleteRangeResponse>;
  txn(request: TxnRequest, caller?: Caller): Promise<TxnResponse>;
  compact(request: CompactionRequest, caller?: Caller): Promise<CompactionResponse>;

  leaseGrant(request: LeaseGrantRequest, caller?: Caller): Promise<LeaseGrantResponse>;
  leaseRevoke(request: LeaseRevokeRequest, caller?: Caller): Promise<LeaseRevokeResponse>;
  /** @returns the time to live in seconds; 0 for a lease that is gone */
  leaseRenew(id: bigint, caller?: Caller): Promise<number>;
  leaseTimeToLive(request: LeaseTimeToLiveRequest, caller?: Caller): Promise<LeaseTimeToLiveResponse>;
  leaseLeases(caller?: Caller): Promise<LeaseLeasesResponse>;

  /** The watches of all clients. Whoever opens one asks `authorizeWatch` first. */
  readonly watches: WatchHub;
  /** @throws EtcdError when the caller may not read all of the range; empty `rangeEnd`: the key alone, `\0`: no end */
  authorizeWatch(key: Uint8Array, rangeEnd: Uint8Array, caller?: Caller): Promise<void>;
  readonly accounts: AccountMember;

  members(linearizable: boolean, caller?: Caller): Promise<Member[]>;
  /** These five change the membership; `reconfiguration.ts` has the rules. */
  memberAdd(
    peerURLs: readonly string[],
    isLearner: boolean,
    caller?: Caller,
  ): Promise<{ member: Member; members: Member[] }>;
  memberRemove(id: bigint, caller?: Caller): Promise<Member[]>;
  memberUpdate(id: bigint, peerURLs: readonly string[], caller?: Caller): Promise<Member[]>;
  memberPromote(id: bigint, caller?: Caller): Promise<Member[]>;
  moveLeader(to: bigint, caller?: Caller): Promise<void>;
  /** Lists, raises or clears alarms, through the log. */
  alarm(request: AlarmRequest, caller?: Caller): Promise<AlarmResponse>;
  /** Rewrites this member's database file without its free pages; requests are answered meanwhile. */
  defragment(caller?: Caller): Promise<void>;
  /** Checks, announces or withdraws that the cluster goes back to the release before. */
  downgrade(request: DowngradeRequest, caller?: Caller): Promise<DowngradeResponse>;
  hash(caller?: Caller): Promise<HashResponse>;
  hashKv(revision: number, caller?: Caller): Promise<HashKVResponse>;
  status(caller?: Caller): Promise<StatusResponse>;
  snapshot(caller?: Caller): Promise<BackendSnapshot>;
  /** Those that this member knows of, now. */
  alarms(): AlarmMember[];

  /** Ids and term of now; `revision` is the store's. */
  header(): ResponseHeader;
  /** The leader's id, 0 when this member knows none. */
  leader(): bigint;
  isLearner(): boolean;
  /** Such as `3.5.0`; undefined until the cluster has decided. */
  clusterVersion(): string | undefined;
  raftStatus(): RaftStatus;
  /** Figures for /metrics, read at scrape time. */
  gauges(): MemberGauges;
}

export interface MemberGauges extends WatchStats, OperationCounts {
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
  authRevision: number;
  openReads: number;
  /** 1 while it goes on, 0 otherwise. */
  defragmenting: number;
  applyingSnapshot: number;
}
