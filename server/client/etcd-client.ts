/** The etcd v3 API, one method per RPC. */

import { Code } from '../errors/etcd-error.ts';
import {
  type AlarmRequest,
  type AlarmResponse,
  ClusterService,
  type CompactionRequest,
  type CompactionResponse,
  type DefragmentRequest,
  type DefragmentResponse,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type DowngradeRequest,
  type DowngradeResponse,
  type HashKVRequest,
  type HashKVResponse,
  type HashRequest,
  type HashResponse,
  KVService,
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  type LeaseKeepAliveResponse,
  type LeaseLeasesRequest,
  type LeaseLeasesResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  LeaseService,
  type LeaseTimeToLiveRequest,
  type LeaseTimeToLiveResponse,
  MaintenanceService,
  type MemberAddRequest,
  type MemberAddResponse,
  type MemberListRequest,
  type MemberListResponse,
  type MemberPromoteRequest,
  type MemberPromoteResponse,
  type MemberRemoveRequest,
  type MemberRemoveResponse,
  type MemberUpdateRequest,
  type MemberUpdateResponse,
  type MoveLeaderRequest,
  type MoveLeaderResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type SnapshotResponse,
  type StatusRequest,
  type StatusResponse,
  type TxnRequest,
  type TxnResponse,
  WatchCreateRequest,
  WatchRequest,
  type WatchResponse,
  WatchService,
} from '../proto/gen/rpc.ts';
import { AuthClient } from './auth-client.ts';
import { Caller } from './caller.ts';
import type { CallOptions, EtcdClientOptions } from './client-options.ts';
import { keepAlive } from './lease-keep-alive.ts';
import { ResumingWatch, type ResumingWatchOptions } from './resuming-watch.ts';
import { RpcError } from './rpc-error.ts';
import { messagesWithLogin } from './streams.ts';
import { watchNeedsNewToken } from './token-refusal.ts';

/**
 * A client of one cluster over gRPC. It connects at the first call, goes round all endpoints that are connected, and
 * reconnects by itself. Every method rejects with an RpcError.
 *
 * A read that a member could not answer is asked again, of another one where there is one. A write is sent once: when
 * it fails with Unavailable or DeadlineExceeded it may or may not have been done, unless the error's `neverSent` is set.
 */
export class EtcdClient {
  readonly endpoints: readonly string[];
  /** The RPCs of users, roles and authentication. */
  readonly auth: AuthClient;
  private readonly caller: Caller;

  /** @throws Error when an endpoint or a certificate cannot be read, or there is no endpoint */
  constructor(options: EtcdClientOptions) {
    this.endpoints = [...options.endpoints];
    this.caller = new Caller(options);
    this.auth = new AuthClient(this.caller);
  }

  range(request: Partial<RangeRequest>, options?: CallOptions): Promise<RangeResponse> {
    const method = KVService.Range;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  put(request: Partial<PutRequest>, options?: CallOptions): Promise<PutResponse> {
    const method = KVService.Put;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  deleteRange(request: Partial<DeleteRangeRequest>, options?: CallOptions): Promise<DeleteRangeResponse> {
    const method = KVService.DeleteRange;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  txn(request: Partial<TxnRequest>, options?: CallOptions): Promise<TxnResponse> {
    const method = KVService.Txn;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  compact(request: Partial<CompactionRequest>, options?: CallOptions): Promise<CompactionResponse> {
    const method = KVService.Compact;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  leaseGrant(request: Partial<LeaseGrantRequest>, options?: CallOptions): Promise<LeaseGrantResponse> {
    const method = LeaseService.LeaseGrant;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  leaseRevoke(request: Partial<LeaseRevokeRequest>, options?: CallOptions): Promise<LeaseRevokeResponse> {
    const method = LeaseService.LeaseRevoke;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  leaseTimeToLive(request: Partial<LeaseTimeToLiveRequest>, options?: CallOptions): Promise<LeaseTimeToLiveResponse> {
    const method = LeaseService.LeaseTimeToLive;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  /** RPC LeaseLeases. */
  leases(request: Partial<LeaseLeasesRequest> = {}, options?: CallOptions): Promise<LeaseLeasesResponse> {
    const method = LeaseService.LeaseLeases;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  memberAdd(request: Partial<MemberAddRequest>, options?: CallOptions): Promise<MemberAddResponse> {
    const method = ClusterService.MemberAdd;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  memberRemove(request: Partial<MemberRemoveRequest>, options?: CallOptions): Promise<MemberRemoveResponse> {
    const method = ClusterService.MemberRemove;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  memberUpdate(request: Partial<MemberUpdateRequest>, options?: CallOptions): Promise<MemberUpdateResponse> {
    const method = ClusterService.MemberUpdate;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  memberList(request: Partial<MemberListRequest> = {}, options?: CallOptions): Promise<MemberListResponse> {
    const method = ClusterService.MemberList;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  memberPromote(request: Partial<MemberPromoteRequest>, options?: CallOptions): Promise<MemberPromoteResponse> {
    const method = ClusterService.MemberPromote;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  /** Lists alarms when `action` is GET (the default), raises or clears one otherwise. */
  alarm(request: Partial<AlarmRequest> = {}, options?: CallOptions): Promise<AlarmResponse> {
    const method = MaintenanceService.Alarm;
    return this.caller.unary(
      method,
      method.request.create(request),
      request.action === undefined || request.action === 0 ? 'read' : 'write',
      options,
    );
  }

  /** What one member says of itself. Name an endpoint, or any member answers. */
  status(request: Partial<StatusRequest> = {}, options?: CallOptions): Promise<StatusResponse> {
    const method = MaintenanceService.Status;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  /** Rewrites one member's database file; the member serves nothing meanwhile. Name an endpoint. */
  defragment(request: Partial<DefragmentRequest> = {}, options?: CallOptions): Promise<DefragmentResponse> {
    const method = MaintenanceService.Defragment;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  hash(request: Partial<HashRequest> = {}, options?: CallOptions): Promise<HashResponse> {
    const method = MaintenanceService.Hash;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  /** CRC-32C over all live revisions up to `revision` (0: all). Name an endpoint: members are compared by it. */
  hashKv(request: Partial<HashKVRequest> = {}, options?: CallOptions): Promise<HashKVResponse> {
    const method = MaintenanceService.HashKV;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  moveLeader(request: Partial<MoveLeaderRequest>, options?: CallOptions): Promise<MoveLeaderResponse> {
    const method = MaintenanceService.MoveLeader;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  downgrade(request: Partial<DowngradeRequest>, options?: CallOptions): Promise<DowngradeResponse> {
    const method = MaintenanceService.Downgrade;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  /** The backend of one member, as a stream of pieces; `saveSnapshot` writes it to a file. */
  snapshot(options?: CallOptions): AsyncGenerator<SnapshotResponse, void, undefined> {
    const method = MaintenanceService.Snapshot;
    const open = () => this.caller.serverStream(method, method.request.create(), options);
    return messagesWithLogin(open, method.response.decode);
  }

  /**
   * One watch on a stream of its own. The first response has `created` set; the last one `canceled`, when the server
   * ends it. Ends with an RpcError when the connection breaks: resume at the last revision seen + 1.
   */
  async *watch(
    create: Partial<WatchCreateRequest>,
    options?: CallOptions,
  ): AsyncGenerator<WatchResponse, void, undefined> {
    const { path, response } = WatchService.Watch;
    const request = WatchRequest.create({ create_request: WatchCreateRequest.create(create) });
    const open = () => this.openWith(path, WatchRequest.encode(request), options);
    for await (const message of messagesWithLogin(open, response.decode, watchNeedsNewToken)) {
      yield message;
      if (message.canceled) return;
    }
  }

  /**
   * A watch that lives through broken connections and members that end. Iterate over it to open it; leave the loop, or
   * fire the signal, to close it.
   */
  resumingWatch(create: Partial<WatchCreateRequest>, options?: ResumingWatchOptions): ResumingWatch {
    const { path } = WatchService.Watch;
    return new ResumingWatch((signal) => this.caller.duplex(path, { signal }, true), create, options);
  }

  /** Renews a lease once. `TTL` is 0 when the lease has expired or never was. */
  async leaseKeepAliveOnce(id: bigint, options?: CallOptions): Promise<LeaseKeepAliveResponse> {
    const { path, request, response } = LeaseService.LeaseKeepAlive;
    const open = () => this.openWith(path, request.encode(request.create({ ID: id })), options);
    for await (const message of messagesWithLogin(open, response.decode)) return message;
    throw new RpcError(Code.Unknown, 'the server ended the stream without an answer');
  }

  /**
   * Keeps a lease alive: renews it at once, then whenever a third of its time to live has passed. Renewals that fail are
   * tried again, with other members too, until the lease must have expired.
   *
   * @returns each renewal; ends when the lease has expired or was revoked
   */
  leaseKeepAlive(id: bigint, options?: CallOptions): AsyncGenerator<LeaseKeepAliveResponse, void, undefined> {
    return keepAlive((timeoutMs) => this.leaseKeepAliveOnce(id, { ...options, timeoutMs }), options?.signal);
  }

  /**
   * Logs in now instead of at the first call, to tell a refused login from a refused call. Does nothing without a user.
   *
   * @throws RpcError `etcdserver: authentication failed, invalid user ID or password`
   */
  logIn(options?: CallOptions): Promise<void> {
    return this.caller.logIn(options);
  }

  /** Takes no more calls; connections end when those under way have ended. */
  close(): void {
    this.caller.close();
  }

  /** Opens a stream in both directions and sends the first request. */
  private async openWith(path: string, request: Uint8Array, options: CallOptions | undefined) {
    const opened = await this.caller.duplex(path, options, true);
    opened.stream.send(request);
    return opened;
  }
}
