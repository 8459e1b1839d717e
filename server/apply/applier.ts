import type { Asker, AuthStore } from '../auth/mod.ts';
import { EtcdError, errCorrupt, errNoSpace } from '../errors/etcd-error.ts';
import type { Lessor } from '../lease/mod.ts';
import type { MvccStore } from '../mvcc/mod.ts';
import type {
  ClusterMemberAttrSetRequest,
  ClusterVersionSetRequest,
  DowngradeInfoSetRequest,
} from '../proto/gen/membership.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmResponse,
  AlarmType,
  type CompactionRequest,
  CompactionResponse,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type LeaseCheckpointResponse,
  type LeaseGrantResponse,
  type LeaseRevokeResponse,
  type PutRequest,
  type PutResponse,
  type RangeResponse,
  ResponseHeader,
  type TxnRequest,
  type TxnResponse,
} from '../proto/gen/rpc.ts';
import type { AlarmStore } from './alarm-store.ts';
import { type AuthResponse, applyAuth } from './auth.ts';
import { authorize, authorizeTxn } from './authorize.ts';
import { applyLeaseCheckpoint, applyLeaseGrant, applyLeaseRevoke } from './lease.ts';
import { type Quota, quotaCost } from './quota.ts';
import { applyRange } from './range.ts';
import { applyTxn, checkedPath, rangesOf } from './txn.ts';
import { applyDeleteRange, applyPut, requireKey, requireLease } from './write.ts';

/** Takes the changes to the cluster's membership that travel as requests. Must not throw. */
export interface MembershipHandler {
  setClusterVersion(request: ClusterVersionSetRequest): void;
  setMemberAttributes(request: ClusterMemberAttrSetRequest): void;
  setDowngradeInfo(request: DowngradeInfoSetRequest): void;
}

export interface ApplierParts {
  readonly store: MvccStore;
  readonly alarms: AlarmStore;
  readonly quota: Quota;
  readonly membership: MembershipHandler;
  /** Must hear of every change of `store`, so that it knows which keys go with a lease. */
  readonly leases: Lessor;
  readonly auth: AuthStore;
}

export type ApplyResponse =
  | AuthResponse
  | RangeResponse
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | CompactionResponse
  | LeaseGrantResponse
  | LeaseRevokeResponse
  | LeaseCheckpointResponse
  | AlarmResponse;

export interface ApplyResult {
  /** Its header carries the revision only; ids and term are for whoever answers the client. */
  readonly response?: ApplyResponse;
  /**
   * What the client gets instead of the response. With NOSPACE and a response both there, the request has taken effect
   * and the database is over its quota (contract: api.md §8, trap 52): this member is to raise the NOSPACE alarm.
   */
  readonly error?: EtcdError;
  /** Of a compaction: settles when its deletions are durable, which a physical one waits for. */
  readonly compacted?: Promise<void>;
}

/**
 * The replicated state machine: applies committed requests one after the other. The same requests on the same data give
 * the same data on every member, whatever the responses. A request that cannot be carried out changes nothing and is
 * answered with an error; what is thrown means that this member's data is damaged, and it must stop.
 */
export class Applier {
  private readonly store: MvccStore;
  private readonly alarms: AlarmStore;
  private readonly quota: Quota;
  private readonly membership: MembershipHandler;
  private readonly leases: Lessor;
  private readonly auth: AuthStore;

  constructor({ store, alarms, quota, membership, leases, auth }: ApplierParts) {
    this.store = store;
    this.alarms = alarms;
    this.quota = quota;
    this.membership = membership;
    this.leases = leases;
    this.auth = auth;
  }

  /** @param appliedIndex of the last entry that was applied before this request's */
  apply(request: InternalRaftRequest, appliedIndex: number): ApplyResult {
    try {
      this.refuseUnderAlarm(request);
      authorize(this.auth, this.leases, request);
      const isWithinQuota = this.quota.admits(quotaCost(request));
      const result = this.dispatch(request, appliedIndex);
      return isWithinQuota ? result : { ...result, error: errNoSpace() };
    } catch (error) {
      if (error instanceof EtcdError) return { error };
      throw error;
    }
  }

  /**
   * What would keep a transaction from being carried out now, as far as its ranges have a part in it.
   *
   * @throws EtcdError
   */
  checkTxn(request: TxnRequest, asker: Asker): void {
    // Under an alarm it is refused as a whole, by every member alike.
    if (alarmTypes.some((type) => this.alarms.isRaised(type))) return;
    if (this.auth.enabled) authorizeTxn(this.auth, this.leases, asker, request);
    if (rangesOf(request).some(({ revision }) => revision !== 0)) checkedPath(this.store, request, this.leases);
  }

  /** An alarm of any member stops every member (contract: api.md §2.4). */
  private refuseUnderAlarm(request: InternalRaftRequest): void {
    const { range, put, delete_range, txn, compaction, lease_grant, lease_revoke } = request;
    if (this.alarms.isRaised(AlarmType.CORRUPT)) {
      if (range ?? put ?? delete_range ?? txn ?? compaction ?? lease_grant ?? lease_revoke) throw errCorrupt();
    }
    if (this.alarms.isRaised(AlarmType.NOSPACE) && quotaCost(request) > 0) throw errNoSpace();
  }

  private dispatch(request: InternalRaftRequest, appliedIndex: number): ApplyResult {
    if (request.put !== undefined) return { response: this.put(request.put) };
    if (request.txn !== undefined) return { response: applyTxn(this.store, request.txn, this.leases) };
    if (request.delete_range !== undefined) return { response: this.deleteRange(request.delete_range) };
    if (request.range !== undefined) return { response: applyRange(this.store, request.range) };
    if (request.compaction !== undefined) return this.compact(request.compaction);
    if (request.alarm !== undefined) return { response: this.alarm(request.alarm) };
    return this.applyToLeases(request) ?? this.applyToAuth(request, appliedIndex) ?? this.applyToMembership(request);
  }

  private applyToLeases(request: InternalRaftRequest): ApplyResult | undefined {
    const { store, leases } = this;
    const { lease_grant, lease_revoke, lease_checkpoint } = request;
    if (lease_grant !== undefined) return { response: applyLeaseGrant(store, leases, lease_grant) };
    if (lease_revoke !== undefined) return { response: applyLeaseRevoke(store, leases, lease_revoke) };
    if (lease_checkpoint !== undefined) return { response: applyLeaseCheckpoint(store, leases, lease_checkpoint) };
    return undefined;
  }

  private applyToAuth(request: InternalRaftRequest, appliedIndex: number): ApplyResult | undefined {
    const response = applyAuth(this.auth, request, appliedIndex, () => this.header());
    return response && { response };
  }

  private put(request: PutRequest): PutResponse {
    requireLease(request, this.leases);
    requireKey(request, this.store);
    const txn = this.store.beginWrite();
    const response = applyPut(txn, request);
    txn.end();
    return response;
  }

  private deleteRange(request: DeleteRangeRequest): DeleteRangeResponse {
    const txn = this.store.beginWrite();
    const response = applyDeleteRange(txn, request);
    txn.end();
    return response;
  }

  private compact(request: CompactionRequest): ApplyResult {
    const { done } = this.store.compact(request.revision);
    return { response: CompactionResponse.create({ header: this.header() }), compacted: done };
  }

  private alarm(request: AlarmRequest): AlarmResponse {
    const { action, memberID, alarm: type } = request;
    const response = AlarmResponse.create({ header: this.header() });
    switch (action) {
      case AlarmRequest_AlarmAction.GET:
        response.alarms = this.alarms.list(type);
        break;
      case AlarmRequest_AlarmAction.ACTIVATE:
        // NONE, and types of later releases, have no effect that could be raised.
        if (type === AlarmType.NOSPACE || type === AlarmType.CORRUPT) {
          response.alarms = [this.alarms.activate(memberID, type)];
        }
        break;
      case AlarmRequest_AlarmAction.DEACTIVATE: {
        const cleared = this.alarms.deactivate(memberID, type);
        if (cleared !== undefined) response.alarms = [cleared];
        break;
      }
    }
    return response;
  }

  private applyToMembership(request: InternalRaftRequest): ApplyResult {
    if (request.cluster_version_set !== undefined) {
      this.membership.setClusterVersion(request.cluster_version_set);
    } else if (request.cluster_member_attr_set !== undefined) {
      this.membership.setMemberAttributes(request.cluster_member_attr_set);
    } else if (request.downgrade_info_set !== undefined) {
      this.membership.setDowngradeInfo(request.downgrade_info_set);
    } else {
      const asked = Object.entries(request).find(([name, value]) => !envelope.has(name) && value !== undefined);
      const what = asked === undefined ? 'a request of a kind it does not know' : asked[0];
      // Going on without its effect would make this member's data differ from the others' for good.
      throw new Error(`the log holds ${what}, which this server does not implement: run this member on upstream etcd`);
    }
    return {};
  }

  private header(): ResponseHeader {
    return ResponseHeader.create({ revision: this.store.currentRevision });
  }
}

const alarmTypes = [AlarmType.NOSPACE, AlarmType.CORRUPT];

/** The fields of a request that say who asks, not what for. */
const envelope = new Set(['ID', 'header']);
