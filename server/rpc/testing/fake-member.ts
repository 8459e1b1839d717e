/** A member of one, in memory: just enough state to see that requests arrive and answers leave as they are. */
import type { BackendSnapshot } from '../../backend/backend.ts';
import { MemoryBackend } from '../../backend/testing/memory-backend.ts';
import { errEmptyKey, errLeaseExists, errLeaseNotFound, errNoLeader, errNotLeader } from '../../errors/etcd-error.ts';
import type { AccountMember, EtcdMember, MemberGauges } from '../../member/etcd-member.ts';
import { serverVersion } from '../../member/version.ts';
import { open } from '../../mvcc/testing/drive.ts';
import { WatchHub } from '../../mvcc/watch/mod.ts';
import { KeyValue } from '../../proto/gen/kv.ts';
import {
  type AlarmMember,
  type AlarmRequest,
  AlarmResponse,
  AuthenticateResponse,
  CompactionResponse,
  DeleteRangeResponse,
  DowngradeResponse,
  HashKVResponse,
  HashResponse,
  LeaseGrantResponse,
  LeaseLeasesResponse,
  LeaseRevokeResponse,
  LeaseTimeToLiveResponse,
  Member,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  StatusResponse,
  TxnResponse,
} from '../../proto/gen/rpc.ts';
import type { ProgressStatus, Status as RaftStatus } from '../../raft/mod.ts';

export class FakeMember implements EtcdMember {
  readonly id = 0xbf9071f4639c75ccn;
  readonly clusterId = 0x8925027a7a2e1c5n;
  leaderId = this.id;
  learner = false;
  revision = 1;
  raisedAlarms: AlarmMember[] = [];
  version: string | undefined = '3.5.0';
  snapshotBytes = Buffer.alloc(0);
  openSnapshots = 0;
  /** What `alarm` was called with. */
  alarmRequests: AlarmRequest[] = [];
  defragmentations = 0;
  readonly store = new Map<string, Buffer>();
  /** What is watched; written to by tests that watch. */
  readonly mvcc = open(new MemoryBackend(), { onChange: (revision, events) => this.watches.changed(revision, events) });
  readonly watches = new WatchHub(this.mvcc, { defer: setImmediate });
  /** Times to live by lease. */
  readonly leases = new Map<bigint, number>();

  range: EtcdMember['range'] = async ({ key }) => {
    const value = this.store.get(Buffer.from(key).toString());
    const kvs = value === undefined ? [] : [KeyValue.create({ key, value, mod_revision: this.revision, version: 1 })];
    return RangeResponse.create({ header: this.header(), kvs, count: kvs.length });
  };

  rangeEncoded: EtcdMember['rangeEncoded'] = async (...asked) => RangeResponse.encode(await this.range(...asked));

  put: EtcdMember['put'] = async ({ key, value }) => {
    if (key.length === 0) throw errEmptyKey();
    this.store.set(Buffer.from(key).toString(), Buffer.from(value));
    this.revision++;
    return PutResponse.create({ header: this.header() });
  };

  deleteRange: EtcdMember['deleteRange'] = async ({ key }) => {
    const deleted = Number(this.store.delete(Buffer.from(key).toString()));
    return DeleteRangeResponse.create({ header: this.header(), deleted });
  };

  txn: EtcdMember['txn'] = async () => TxnResponse.create({ header: this.header(), succeeded: true });
  compact: EtcdMember['compact'] = async () => CompactionResponse.create({ header: this.header() });

  leaseGrant: EtcdMember['leaseGrant'] = async ({ ID, TTL }) => {
    if (this.leases.has(ID)) throw errLeaseExists();
    this.leases.set(ID, TTL);
    return LeaseGrantResponse.create({ header: this.header(), ID, TTL });
  };

  leaseRevoke: EtcdMember['leaseRevoke'] = async ({ ID }) => {
    if (!this.leases.delete(ID)) throw errLeaseNotFound();
    return LeaseRevokeResponse.create({ header: this.header() });
  };

  leaseRenew: EtcdMember['leaseRenew'] = async (id) => {
    if (this.leaderId === 0n) throw errNoLeader();
    return this.leases.get(id) ?? 0;
  };

  leaseTimeToLive: EtcdMember['leaseTimeToLive'] = async ({ ID }) => {
    const ttl = this.leases.get(ID);
    const [TTL, grantedTTL] = ttl === undefined ? [-1, 0] : [ttl - 1, ttl];
    return LeaseTimeToLiveResponse.create({ header: this.header(), ID, TTL, grantedTTL });
  };

  leaseLeases: EtcdMember['leaseLeases'] = async () =>
    LeaseLeasesResponse.create({ header: this.header(), leases: [...this.leases.keys()].map((ID) => ({ ID })) });

  /** What `authorizeWatch` refuses with, once set. */
  watchRefusal: Error | undefined;
  authorizeWatch: EtcdMember['authorizeWatch'] = async () => {
    if (this.watchRefusal !== undefined) throw this.watchRefusal;
  };

  /** What `accounts` was asked. */
  accountRequests: unknown[] = [];
  readonly accounts: AccountMember = {
    authenticate: async () => AuthenticateResponse.create({ header: this.header(), token: 'token' }),
    addUser: async (request) => this.askedOfAccounts(request),
    changePassword: async (request) => this.askedOfAccounts(request),
    ask: async <T>(request: unknown) => this.askedOfAccounts<T>(request),
  };

  members: EtcdMember['members'] = async () => [
    Member.create({ ID: this.id, name: 'm1', peerURLs: ['http://m1:2380'], clientURLs: ['http://m1:2379'] }),
  ];

  memberAdd: EtcdMember['memberAdd'] = async (peerURLs, isLearner) => {
    const member = Member.create({ ID: 2n, peerURLs: [...peerURLs], isLearner });
    return { member, members: [...(await this.members(false)), member] };
  };

  memberRemove: EtcdMember['memberRemove'] = async (id) => this.membersBut(id);
  memberUpdate: EtcdMember['memberUpdate'] = async (id, peerURLs) => [
    ...(await this.membersBut(id)),
    Member.create({ ID: id, peerURLs: [...peerURLs] }),
  ];
  memberPromote: EtcdMember['memberPromote'] = async (id) => [
    ...(await this.membersBut(id)),
    Member.create({ ID: id }),
  ];

  moveLeader: EtcdMember['moveLeader'] = async (to) => {
    if (this.leaderId !== this.id) throw errNotLeader();
    this.leaderId = to;
  };

  alarm: EtcdMember['alarm'] = async (request) => {
    this.alarmRequests.push(request);
    return AlarmResponse.create({ header: this.header(), alarms: this.raisedAlarms });
  };

  defragment: EtcdMember['defragment'] = async () => {
    this.defragmentations++;
  };

  downgrade: EtcdMember['downgrade'] = async () =>
    DowngradeResponse.create({ header: this.header(), version: this.version ?? '' });

  hash: EtcdMember['hash'] = async () => HashResponse.create({ header: this.header(), hash: 7 });

  hashKv: EtcdMember['hashKv'] = async (revision) =>
    HashKVResponse.create({ header: this.header(), hash: 8, compact_revision: revision });

  status: EtcdMember['status'] = async () =>
    StatusResponse.create({
      ...{ header: this.header(), version: serverVersion, dbSize: 4096, leader: this.leaderId },
      isLearner: this.learner,
    });

  snapshot: EtcdMember['snapshot'] = async (): Promise<BackendSnapshot> => {
    const bytes = this.snapshotBytes;
    this.openSnapshots++;
    return {
      sizeBytes: bytes.length,
      async *chunks() {
        // Sizes that fit no blob, so that chunks have to be cut and joined.
        for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
      },
      close: () => this.openSnapshots--,
    };
  };

  alarms(): AlarmMember[] {
    return this.raisedAlarms;
  }

  header(): ResponseHeader {
    return ResponseHeader.create({
      ...{ cluster_id: this.clusterId, member_id: this.id, revision: this.revision, raft_term: 2 },
    });
  }

  leader(): bigint {
    return this.leaderId;
  }

  isLearner(): boolean {
    return this.learner;
  }

  /** Of a leader with one follower. */
  raftStatus(): RaftStatus {
    const own: ProgressStatus = {
      ...{ match: 7, next: 8, state: 'replicate', recentActive: true, isLearner: false, inflight: 0 },
    };
    const other: ProgressStatus = { ...own, match: 2, next: 3, state: 'probe' };
    return {
      ...{ id: 10n, term: 3, vote: 10n, commit: 7, applied: 6, lead: 10n, state: 'leader', lastIndex: 7 },
      leadTransferee: 0n,
      progress: new Map([
        [10n, own],
        [0xabcn, other],
      ]),
    };
  }

  clusterVersion(): string | undefined {
    return this.version;
  }

  gauges(): MemberGauges {
    return {
      ...{ leaderChanges: 1, proposalsCommitted: 11, proposalsApplied: 10, proposalsPending: 1, proposalsFailed: 2 },
      ...{ slowApplies: 3, readIndexesFailed: 4, slowReadIndexes: 5, heartbeatSendFailures: 6 },
      ...{ quotaBackendBytes: 2147483648, dbSizeBytes: 4096, dbSizeInUseBytes: 2048 },
      ...{ currentRevision: this.revision, compactRevision: -1, keys: this.store.size, authRevision: 1 },
      ...{ openReads: 0, defragmenting: 0, applyingSnapshot: 0 },
      ...this.mvcc.counts,
      ...this.watches.stats(),
    };
  }

  private askedOfAccounts<T>(request: unknown): T {
    this.accountRequests.push(request);
    return { header: this.header(), roles: [], users: [], perm: [] } as T;
  }

  private async membersBut(id: bigint): Promise<Member[]> {
    return (await this.members(false)).filter(({ ID }) => ID !== id);
  }
}
