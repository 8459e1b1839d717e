/** A member as its clients see it: requests admitted, proposed or read, and answered with upstream's headers. */
import { admit, applyRange, applyTxn, isReadOnlyTxn, isSerializableTxn } from '../apply/mod.ts';
import type { BackendSnapshot } from '../backend/backend.ts';
import type { Logger } from '../base/logger.ts';
import { Code, type EtcdError } from '../errors/etcd-error.ts';
import { type Member as ClusterMember, leaseIdFrom } from '../membership/mod.ts';
import type { WatchHub } from '../mvcc/watch/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  type AlarmMember,
  type AlarmRequest,
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
  type RangeResponse,
  ResponseHeader,
  StatusResponse,
  type TxnRequest,
  type TxnResponse,
} from '../proto/gen/rpc.ts';
import type { MemberConfig } from './config.ts';
import { Downgrades } from './downgrade.ts';
import type { EtcdMember, MemberGauges } from './etcd-member.ts';
import type { Replica } from './replica.ts';
import { serverVersion } from './version.ts';

export class Member implements EtcdMember {
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly watches: WatchHub;
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
    this.downgrades = new Downgrades({
      cluster: () => replica.cluster,
      catchUp: () => replica.reads.wait(),
      propose: async (downgrade_info_set) => {
        const { error } = await replica.proposer.propose({ downgrade_info_set });
        if (error !== undefined) throw error;
      },
    });
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    this.admit({ range: request });
    if (!request.serializable) await this.replica.reads.wait();
    return this.withHeader(applyRange(this.replica.machine.store, request));
  }

  async put(request: PutRequest): Promise<PutResponse> {
    return this.write<PutResponse>({ put: request });
  }

  async deleteRange(request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
    return this.write<DeleteRangeResponse>({ delete_range: request });
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    if (!isReadOnlyTxn(request)) return this.write<TxnResponse>({ txn: request });
    this.admit({ txn: request });
    if (!isSerializableTxn(request)) await this.replica.reads.wait();
    return this.withHeader(applyTxn(this.replica.machine.store, request, { exists: () => false }));
  }

  async compact(request: CompactionRequest): Promise<CompactionResponse> {
    return this.write<CompactionResponse>({ compaction: request });
  }

  /** The id is chosen before logging, so that it is the same on every member. */
  async leaseGrant({ ID, TTL }: LeaseGrantRequest): Promise<LeaseGrantResponse> {
    const id = ID === 0n ? leaseIdFrom(this.replica.nextId()) : ID;
    return this.write<LeaseGrantResponse>({ lease_grant: { ID: id, TTL } });
  }

  async leaseRevoke(request: LeaseRevokeRequest): Promise<LeaseRevokeResponse> {
    return this.write<LeaseRevokeResponse>({ lease_revoke: request });
  }

  leaseRenew(id: bigint): Promise<number> {
    return ifGone(this.replica.leases.renew(id), () => 0);
  }

  async leaseTimeToLive({ ID, keys }: LeaseTimeToLiveRequest): Promise<LeaseTimeToLiveResponse> {
    const answer = this.replica.leases.timeToLive(ID, keys);
    const response = await ifGone(answer, () => LeaseTimeToLiveResponse.create({ ID, TTL: -1 }));
    return { ...response, header: this.header() };
  }

  leaseLeases(): LeaseLeasesResponse {
    const leases = this.replica.machine.lessor.list().map((ID) => ({ ID }));
    return LeaseLeasesResponse.create({ header: this.header(), leases });
  }

  async members(linearizable: boolean): Promise<MemberInfo[]> {
    if (linearizable) await this.replica.reads.wait();
    return this.replica.cluster.members().map(memberInfo);
  }

  async memberAdd(peerURLs: readonly string[], isLearner: boolean) {
    const { member, members } = await this.replica.reconfiguration.addMember(peerURLs, isLearner);
    return { member: memberInfo(member), members: members.map(memberInfo) };
  }

  async memberRemove(id: bigint): Promise<MemberInfo[]> {
    return (await this.replica.reconfiguration.removeMember(id)).map(memberInfo);
  }

  async memberUpdate(id: bigint, peerURLs: readonly string[]): Promise<MemberInfo[]> {
    return (await this.replica.reconfiguration.updateMember(id, peerURLs)).map(memberInfo);
  }

  async memberPromote(id: bigint): Promise<MemberInfo[]> {
    return (await this.replica.reconfiguration.promoteMember(id)).map(memberInfo);
  }

  moveLeader(to: bigint): Promise<void> {
    return this.replica.reconfiguration.moveLeader(to);
  }

  async alarm(request: AlarmRequest): Promise<AlarmResponse> {
    return this.write<AlarmResponse>({ alarm: request });
  }

  async defragment(): Promise<void> {
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

  async downgrade(request: DowngradeRequest): Promise<DowngradeResponse> {
    const version = await this.downgrades.run(request);
    return DowngradeResponse.create({ header: this.header(), version });
  }

  async hash(): Promise<HashResponse> {
    return { header: this.header(), hash: await this.replica.hashes.database() };
  }

  async hashKv(revision: number): Promise<HashKVResponse> {
    const { hash, compactRevision } = await this.replica.hashes.kv(revision);
    return { header: this.header(), hash, compact_revision: compactRevision };
  }

  status(): StatusResponse {
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

  snapshot(): Promise<BackendSnapshot> {
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

  isLearner(): boolean {
    return this.replica.cluster.member(this.id)?.isLearner ?? false;
  }

  clusterVersion(): string | undefined {
    return this.replica.cluster.version();
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
      ...this.watches.stats(),
    };
  }

  /** Proposes a write and answers with what applying it came to. */
  private async write<T extends { header?: ResponseHeader | undefined }>(
    request: Partial<InternalRaftRequest>,
  ): Promise<T> {
    this.admit(request);
    const { response, error, compacted } = await this.replica.proposer.propose(request);
    if (error !== undefined) throw error;
    if (request.compaction?.physical) await compacted;
    return this.withHeader(response as T);
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
    const { cluster_id, member_id, raft_term, revision } = this.header();
    response.header = { cluster_id, member_id, raft_term, revision: response.header?.revision ?? revision };
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

function memberInfo({ id, ...rest }: ClusterMember): MemberInfo {
  return { ID: id, ...rest };
}
