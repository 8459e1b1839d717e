/** A member as its clients see it: requests admitted, proposed or read, and answered with upstream's headers. */
import {
  admit,
  applyTxn,
  authorizeLease,
  authorizeTxn,
  encodeRange,
  isReadOnlyTxn,
  isSerializableTxn,
  rangesOf,
} from '../apply/mod.ts';
import {
  type Asker,
  type AuthStore,
  isRoot,
  requireCurrent,
  requireRead,
  requireRoot,
  requireUser,
} from '../auth/mod.ts';
import type { BackendSnapshot } from '../backend/backend.ts';
import type { Logger } from '../base/logger.ts';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { type Member as ClusterMember, leaseIdFrom } from '../membership/mod.ts';
import { keyBytes } from '../mvcc/mod.ts';
import type { WatchHub } from '../mvcc/watch/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  type AlarmMember,
  type AlarmRequest,
  AlarmRequest_AlarmAction,
  type AlarmResponse,
  AlarmType,
  type CompactionRequest,
  type CompactionResponse,
  type DeleteRangeRequest,
  type DeleteRangeResponse,
  type DowngradeRequest,
  DowngradeResponse,
  type HashKVResponse,
  type HashResponse,
  type LeaseGrantRequest,
  type LeaseGrantResponse,
  LeaseLeasesResponse,
  type LeaseRevokeRequest,
  type LeaseRevokeResponse,
  type LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  type Member as MemberInfo,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  RangeResponse,
  ResponseHeader,
  StatusResponse,
  type TxnRequest,
  type TxnResponse,
} from '../proto/gen/rpc.ts';
import { Accounts } from './accounts.ts';
import type { MemberConfig } from './config.ts';
import { Downgrades } from './downgrade.ts';
import type { Caller, EtcdMember, MemberGauges } from './etcd-member.ts';
import { headerOf } from './gatekeeper.ts';
import { checkedUrls } from './reconfiguration.ts';
import type { Replica } from './replica.ts';
import { serverVersion } from './version.ts';

export class Member implements EtcdMember {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly watches: WatchHub;
  readonly accounts: Accounts;
  private readonly replica: Replica;
  private readonly downgrades: Downgrades;
  private readonly config: Pick<MemberConfig, 'maxTxnOps'>;
  private readonly log: Logger;

  constructor(replica: Replica, config: Pick<MemberConfig, 'maxTxnOps' | 'log'>) {
    this.replica = replica;
    this.config = config;
    this.log = config.log.at('member/member');
    this.id = replica.id;
    this.clusterId = replica.clusterId;
    this.watches = replica.watches;
    this.accounts = new Accounts({
      auth: () => replica.machine.auth,
      passwords: replica.passwords,
      bcryptCost: replica.bcryptCost,
      catchUp: () => replica.reads.wait(),
      write: (request, caller) => this.write(request, caller),
      log: this.log,
    });
    this.downgrades = new Downgrades({
      cluster: () => replica.cluster,
      catchUp: () => replica.reads.wait(),
      propose: async (downgrade_info_set) => {
        const { error } = await replica.proposer.propose({ downgrade_info_set });
        if (error !== undefined) throw error;
      },
    });
  }

  async range(request: RangeRequest, caller?: Caller): Promise<RangeResponse> {
    return RangeResponse.decode(await this.rangeEncoded(request, caller));
  }

  async rangeEncoded(request: RangeRequest, caller?: Caller): Promise<Uint8Array> {
    this.admit({ range: request });
    if (!request.serializable) await this.replica.reads.wait();
    const identity = this.identify(caller);
    const asker = identity && (await identity);
    requireRead(this.auth, asker, request.key, request.range_end);
    return encodeRange(this.replica.machine.store, request, this.header());
  }

  async put(request: PutRequest, caller?: Caller): Promise<PutResponse> {
    return this.write<PutResponse>({ put: request }, caller);
  }

  async deleteRange(request: DeleteRangeRequest, caller?: Caller): Promise<DeleteRangeResponse> {
    return this.write<DeleteRangeResponse>({ delete_range: request }, caller);
  }

  async txn(request: TxnRequest, caller?: Caller): Promise<TxnResponse> {
    if (!isReadOnlyTxn(request)) return this.writeTxn(request, caller);
    this.admit({ txn: request });
    if (!isSerializableTxn(request)) await this.replica.reads.wait();
    const asker = await this.identify(caller);
    const { lessor, store } = this.replica.machine;
    authorizeTxn(this.auth, lessor, asker, request);
    requireCurrent(this.auth, asker);
    return this.withHeader(applyTxn(store, request, { exists: () => false }));
  }

  /**
   * Upstream's members before 3.7 leave the ranges out of a transaction that another member was asked for, and carry out
   * one that only its ranges forbid. So that members do not come to differ, such a one must not come into the log.
   */
  private async writeTxn(request: TxnRequest, caller?: Caller): Promise<TxnResponse> {
    this.admit({ txn: request });
    const ranges = rangesOf(request);
    const readsRevisions = ranges.some(({ revision }) => revision !== 0);
    if (!readsRevisions && (!this.auth.enabled || ranges.length === 0)) return this.write({ txn: request }, caller);
    const check = (asker: Asker): void => this.replica.machine.applier.checkTxn(request, asker);
    // This member may be behind: nobody is refused for what is no longer so.
    if (readsRevisions || !passes(check, await this.identify(caller))) await this.replica.reads.wait();
    return this.write({ txn: request }, caller, check);
  }

  async compact(request: CompactionRequest, caller?: Caller): Promise<CompactionResponse> {
    await this.requireRoot(caller);
    return this.write<CompactionResponse>({ compaction: request }, caller);
  }

  /** The id is chosen before logging, so that it is the same on every member. */
  async leaseGrant({ ID, TTL }: LeaseGrantRequest, caller?: Caller): Promise<LeaseGrantResponse> {
    await this.requireUser(caller);
    const id = ID === 0n ? leaseIdFrom(this.replica.nextId()) : ID;
    return this.write<LeaseGrantResponse>({ lease_grant: { ID: id, TTL } }, caller);
  }

  async leaseRevoke(request: LeaseRevokeRequest, caller?: Caller): Promise<LeaseRevokeResponse> {
    await this.requireUser(caller);
    return this.write<LeaseRevokeResponse>({ lease_revoke: request }, caller);
  }

  async leaseRenew(id: bigint, caller?: Caller): Promise<number> {
    const asker = await this.requireUser(caller);
    authorizeLease(this.auth, this.replica.machine.lessor, asker, id);
    return ifGone(this.replica.leases.renew(id), () => 0);
  }

  async leaseTimeToLive({ ID, keys }: LeaseTimeToLiveRequest, caller?: Caller): Promise<LeaseTimeToLiveResponse> {
    const asker = await this.requireUser(caller);
    const answer = this.replica.leases.timeToLive(ID, keys);
    const response = await ifGone(answer, () => LeaseTimeToLiveResponse.create({ ID, TTL: -1 }));
    // Now, since only now they are known: they are the leader's, and users may have changed meanwhile.
    for (const key of response.keys) requireRead(this.auth, asker, key);
    return { ...response, header: this.header() };
  }

  async leaseLeases(caller?: Caller): Promise<LeaseLeasesResponse> {
    const asker = await this.requireUser(caller);
    const { lessor } = this.replica.machine;
    const ids = lessor.list();
    if (!isRoot(this.auth, asker)) {
      for (const id of ids) for (const key of lessor.keysOf(id)) requireRead(this.auth, asker, keyBytes(key));
    }
    return LeaseLeasesResponse.create({ header: this.header(), leases: ids.map((ID) => ({ ID })) });
  }

  async authorizeWatch(key: Uint8Array, rangeEnd: Uint8Array, caller?: Caller): Promise<void> {
    const asker = await this.identify(caller);
    requireRead(this.auth, asker, key, rangeEnd);
  }

  async members(linearizable: boolean, caller?: Caller): Promise<MemberInfo[]> {
    await this.requireUser(caller);
    if (linearizable) await this.replica.reads.wait();
    return this.replica.cluster.members().map(memberInfo);
  }

  async memberAdd(peerURLs: readonly string[], isLearner: boolean, caller?: Caller) {
    checkedUrls(peerURLs);
    await this.requireRoot(caller);
    const { member, members } = await this.replica.reconfiguration.addMember(peerURLs, isLearner);
    return { member: memberInfo(member), members: members.map(memberInfo) };
  }

  async memberRemove(id: bigint, caller?: Caller): Promise<MemberInfo[]> {
    await this.requireRoot(caller);
    return (await this.replica.reconfiguration.removeMember(id)).map(memberInfo);
  }

  async memberUpdate(id: bigint, peerURLs: readonly string[], caller?: Caller): Promise<MemberInfo[]> {
    await this.requireRoot(caller);
    return (await this.replica.reconfiguration.updateMember(id, peerURLs)).map(memberInfo);
  }

  async memberPromote(id: bigint, caller?: Caller): Promise<MemberInfo[]> {
    await this.requireRoot(caller);
    return (await this.replica.reconfiguration.promoteMember(id)).map(memberInfo);
  }

  async moveLeader(to: bigint, caller?: Caller): Promise<void> {
    await this.requireRoot(caller);
    return this.replica.reconfiguration.moveLeader(to);
  }

  async alarm(request: AlarmRequest, caller?: Caller): Promise<AlarmResponse> {
    const isQuestion = request.action === AlarmRequest_AlarmAction.GET;
    await (isQuestion ? this.requireUser(caller) : this.requireRoot(caller));
    return this.write<AlarmResponse>({ alarm: request }, caller);
  }

  async defragment(caller?: Caller): Promise<void> {
    await this.requireRoot(caller).catch(inWordsOfAuth);
    await this.replica.withState(async ({ backend }) => {
      const before = {
        'current-db-size-bytes': backend.sizeBytes(),
        'current-db-size-in-use-bytes': backend.sizeInUseBytes(),
      };
      this.log.info('defragmenting', before);
      await backend.defragment();
      this.log.info('finished defragmenting', { ...before, 'new-db-size-bytes': backend.sizeBytes() });
    });
  }

  async downgrade(request: DowngradeRequest, caller?: Caller): Promise<DowngradeResponse> {
    await this.requireRoot(caller);
    const version = await this.downgrades.run(request);
    return DowngradeResponse.create({ header: this.header(), version });
  }

  async hash(caller?: Caller): Promise<HashResponse> {
    await this.requireRoot(caller).catch(inWordsOfAuth);
    const { hash, currentRevision } = await this.replica.hashes.database();
    return { header: { ...this.header(), revision: currentRevision }, hash };
  }

  async hashKv(revision: number, caller?: Caller): Promise<HashKVResponse> {
    await this.requireRoot(caller).catch(inWordsOfAuth);
    const { hash, compactRevision, currentRevision } = await this.replica.hashes.kv(revision);
    return { header: { ...this.header(), revision: currentRevision }, hash, compact_revision: compactRevision };
  }

  async status(caller?: Caller): Promise<StatusResponse> {
    await this.requireRoot(caller);
    const { backend } = this.replica.machine;
    const errors = this.replica.lead === 0n ? ['etcdserver: no leader'] : [];
    for (const { memberID, alarm } of this.alarms()) {
      const name = Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? String(alarm);
      errors.push(`memberID:${memberID} alarm:${name} `);
    }
    return StatusResponse.create({
      header: this.header(),
      version: serverVersion,
      dbSize: backend.sizeBytes(),
      dbSizeInUse: backend.sizeInUseBytes(),
      leader: this.replica.lead,
      raftIndex: this.replica.driver.commitIndex,
      raftTerm: this.replica.driver.term,
      raftAppliedIndex: this.replica.machine.appliedIndex,
      errors,
      isLearner: this.isLearner(),
    });
  }

  async snapshot(caller?: Caller): Promise<BackendSnapshot> {
    await this.requireRoot(caller).catch(inWordsOfAuth);
    return this.replica.withState(({ backend }) => backend.snapshot());
  }

  alarms(): AlarmMember[] {
    return this.replica.machine.alarms.list(AlarmType.NONE);
  }

  header(): ResponseHeader {
    return ResponseHeader.create({
      cluster_id: this.clusterId,
      member_id: this.id,
      revision: this.replica.machine.store.currentRevision,
      raft_term: this.replica.driver.term,
    });
  }

  leader(): bigint {
    return this.replica.lead;
  }

  isAuthEnabled(): boolean {
    return this.auth.enabled;
  }

  isLearner(): boolean {
    return this.replica.cluster.member(this.id)?.isLearner ?? false;
  }

  clusterVersion(): string | undefined {
    return this.replica.cluster.version();
  }

  raftStatus() {
    return this.replica.driver.node.status();
  }

  gauges(): MemberGauges {
    const { store, backend, quota, appliedIndex } = this.replica.machine;
    return {
      leaderChanges: this.replica.leadership.changes,
      proposalsCommitted: this.replica.driver.commitIndex,
      proposalsApplied: appliedIndex,
      proposalsPending: this.replica.proposer.pendingCount,
      proposalsFailed: this.replica.proposer.failed,
      slowApplies: this.replica.slowApplies.count,
      readIndexesFailed: this.replica.failedReadIndexes,
      slowReadIndexes: this.replica.slowReadIndexes,
      heartbeatSendFailures: this.replica.lateHeartbeats.count,
      quotaBackendBytes: Number.isFinite(quota.limitBytes) ? quota.limitBytes : 0,
      dbSizeBytes: backend.sizeBytes(),
      dbSizeInUseBytes: backend.sizeInUseBytes(),
      currentRevision: store.currentRevision,
      compactRevision: store.compactRevision,
      keys: store.keyCount,
      authRevision: this.auth.revision,
      openReads: backend.openReaderCount(),
      defragmenting: Number(backend.isDefragmenting),
      applyingSnapshot: Number(this.replica.isApplyingSnapshot),
      ...store.counts,
      ...this.watches.stats(),
    };
  }

  /** Proposes a write in the name of whoever sends it, and answers with what applying it came to. */
  private async write<T extends { header?: ResponseHeader | undefined }>(
    request: Partial<InternalRaftRequest>,
    caller: Caller | undefined,
    check?: (asker: Asker) => void,
  ): Promise<T> {
    this.admit(request);
    const identity = this.identify(caller);
    const asker = identity && (await identity);
    // At once before it is proposed: what the check counts on is as of the revision of users that the header names.
    check?.(asker);
    const { response, error, compacted } = await this.replica.proposer.propose({ ...request, ...headerOf(asker) });
    if (error !== undefined) throw error;
    if (request.compaction?.physical) await compacted;
    return this.withHeader(response as T);
  }

  private get auth(): AuthStore {
    return this.replica.machine.auth;
  }

  private identify(caller: Caller | undefined): Promise<Asker> | undefined {
    return this.replica.gatekeeper.identify(caller);
  }

  private async requireUser(caller: Caller | undefined): Promise<Asker> {
    const asker = await this.identify(caller);
    requireUser(this.auth, asker);
    return asker;
  }

  private async requireRoot(caller: Caller | undefined): Promise<void> {
    const asker = await this.identify(caller);
    requireRoot(this.auth, asker);
  }

  private admit(request: Partial<InternalRaftRequest>): void {
    try {
      admit(request, { quota: this.replica.machine.quota, maxTxnOps: this.config.maxTxnOps });
    } catch (error) {
      if ((error as EtcdError).code === Code.ResourceExhausted) this.replica.raiseNoSpace();
      throw error;
    }
  }

  private withHeader<T extends { header?: ResponseHeader | undefined }>(response: T): T {
    const { clusterId, id, replica } = this;
    const revision = response.header?.revision ?? replica.machine.store.currentRevision;
    response.header = { cluster_id: clusterId, member_id: id, revision, raft_term: replica.driver.term };
    return response;
  }
}

/** That a lease is gone is no error for whoever asks about it (contract: api.md §8, trap 4). */
function ifGone<T>(answer: Promise<T>, otherwise: () => T): Promise<T> {
  return answer.catch((error: EtcdError) => {
    if (error.code === Code.NotFound) return otherwise();
    throw error;
  });
}

/**
 * Four of the maintenance methods pass these errors on as upstream's auth store has them, without a code. That this
 * member cannot say just now who asks is none of them: by its code, clients try again.
 */
function inWordsOfAuth(error: unknown): never {
  if (!(error instanceof EtcdError) || error.code === Code.Unavailable) throw error;
  const words = error.message.replace(/^etcdserver: /, 'auth: ').replace('user name not found', 'user not found');
  throw new EtcdError(Code.Unknown, words);
}

function memberInfo({ id, ...rest }: ClusterMember): MemberInfo {
  return { ID: id, ...rest };
}

function passes(check: (asker: Asker) => void, asker: Asker): boolean {
  try {
    check(asker);
    return true;
  } catch (error) {
    if (error instanceof EtcdError) return false;
    throw error;
  }
}
