/** A member without raft, peers and clients: it writes its log, applies, snapshots and restarts as a real one does. */
import { Readable } from 'node:stream';
import type { FileSystem } from '../../base/file-system.ts';
import { silentLogger } from '../../base/logger.ts';
import { parseInitialCluster } from '../../membership/mod.ts';
import { ConfState, Entry, EntryType, Message, MessageType, type Snapshot } from '../../proto/gen/raft.ts';
import { InternalRaftRequest } from '../../proto/gen/raft_internal.ts';
import { PutRequest } from '../../proto/gen/rpc.ts';
import { encodeV2Store } from '../../snap/mod.ts';
import { type Bootstrapped, bootstrap } from '../bootstrap.ts';
import type { MemberConfig } from '../config.ts';
import { ReceivedSnapshots } from '../received-snapshots.ts';

/** Settings of member `m1`; a cluster of its own unless `more` says otherwise. */
export function memberConfig(fs: FileSystem, more: Partial<MemberConfig> = {}): MemberConfig {
  return {
    name: 'm1',
    dataDir: '/srv/etcd/m1',
    initialCluster: parseInitialCluster('m1=http://127.0.0.1:2380'),
    initialClusterToken: 'token',
    initialClusterState: 'new',
    forceNewCluster: false,
    strictReconfigCheck: true,
    initialAdvertisePeerUrls: ['http://127.0.0.1:2380'],
    advertiseClientUrls: ['http://127.0.0.1:2379'],
    heartbeatMs: 100,
    electionMs: 1000,
    preVote: true,
    initialElectionTickAdvance: true,
    snapshotCount: 10,
    snapshotCatchUpEntries: 5,
    maxWals: 5,
    maxSnapshots: 5,
    unsafeNoFsync: false,
    walSegmentSizeBytes: 64 * 1024,
    quotaBackendBytes: 0,
    bootstrapDefragThresholdMegabytes: 0,
    // Commits are asked for by the test, not by the clock.
    backendBatchIntervalMs: 3_600_000,
    backendBatchLimit: 10_000,
    maxTxnOps: 128,
    maxRequestBytes: 1_500_000,
    log: silentLogger,
    onDatabaseFailure: () => undefined,
    fs,
    ...more,
  };
}

/** The database of a member that is ahead, with the snapshot that describes it. */
export interface SentSnapshot {
  readonly snapshot: Snapshot;
  readonly database: readonly Uint8Array[];
}

export class BareMember {
  readonly boot: Bootstrapped;
  private readonly config: MemberConfig;
  private snapshotIndex = 0;
  private confState: ConfState;
  private lastIndex: number;
  private readonly term = 1;

  private constructor(boot: Bootstrapped, config: MemberConfig) {
    this.boot = boot;
    this.config = config;
    const { confState, entries, applied } = boot.initial;
    this.confState = confState;
    this.lastIndex = entries.at(-1)?.Index ?? applied;
    for (const entry of entries) if (entry.Index > applied) this.apply(entry);
  }

  /** Starts, and applies the whole log: what a member alone in its cluster does as soon as it has elected itself. */
  static async start(config: MemberConfig): Promise<BareMember> {
    return new BareMember(await bootstrap(config), config);
  }

  /** The keys in the store, in the order of their revisions. */
  keys(): string[] {
    const { kvs } = this.boot.machine.store.range(Buffer.of(0), Buffer.of(0), {
      revision: 0,
      limit: 0,
      countOnly: false,
    });
    kvs.sort((a, b) => a.mod_revision - b.mod_revision);
    return kvs.map(({ key }) => Buffer.from(key).toString());
  }

  /** Puts a key; when it resolves, the client has its answer. */
  async put(key: string): Promise<void> {
    const put = PutRequest.create({ key: Buffer.from(key), value: Buffer.alloc(700, key) });
    const Data = InternalRaftRequest.encode(InternalRaftRequest.create({ put }));
    const entry = Entry.create({ Type: EntryType.EntryNormal, Term: this.term, Index: ++this.lastIndex, Data });
    await this.boot.wal.save({ term: this.term, vote: this.boot.id, commit: entry.Index }, [entry], true);
    this.apply(entry);
  }

  /** Snapshots the state as `LogSnapshots` and `RaftDriver` do. */
  async takeSnapshot(): Promise<void> {
    const { wal, snapshotter, machine } = this.boot;
    const snapshot = this.describe();
    const { index, term } = snapshot.metadata;
    await machine.backend.commit();
    await snapshotter.save(snapshot);
    await wal.saveSnapshot({ index, term, confState: this.confState });
    wal.releaseTo(index);
    this.snapshotIndex = index;
  }

  /** What this member would send to one that is behind. */
  async send(): Promise<SentSnapshot> {
    const image = await this.boot.machine.backend.snapshot();
    const database: Uint8Array[] = [];
    for await (const chunk of image.chunks()) database.push(chunk.slice());
    image.close();
    return { snapshot: this.describe(), database };
  }

  /** Receives a snapshot and puts its state in the place of this one, as `Replica` and `RaftDriver` do. */
  async receive({ snapshot, database }: SentSnapshot): Promise<void> {
    const { boot, config } = this;
    const { wal, snapshotter, clusterId, databasePath, machine: old } = boot;
    const { index, term, conf_state: confState } = snapshot.metadata;
    const received = new ReceivedSnapshots({
      ...{ config, clusterId, snapshotter, log: config.log },
      commitIndex: () => this.lastIndex,
      offer: () => true,
      fatal: () => undefined,
    });
    const message = Message.create({ type: MessageType.MsgSnap, from: 2n, to: boot.id, term, snapshot });
    await received.receive(message, Readable.from(database));
    await received.check(snapshot);
    await snapshotter.save(snapshot);
    await wal.saveSnapshot({ index, term, confState });
    await wal.save({ term, vote: 0n, commit: index }, [], true);
    wal.releaseTo(index);
    const machine = received.take(index);
    await old.backend.keepFile();
    await machine.backend.renameTo(databasePath);
    boot.machine = machine;
    received.installed(index);
    machine.resume();
    const closed = old.store.close();
    old.backend.retire();
    await closed;
    this.confState = confState;
    this.lastIndex = index;
  }

  /** Removes what the newest snapshot has made useless, as `LogSnapshots` does. @returns the names */
  async purge(): Promise<string[]> {
    const { wal, snapshotter } = this.boot;
    return [
      ...(await wal.purge(1)),
      ...(await snapshotter.purge(1)),
      ...(await snapshotter.removeDatabasesBelow(this.snapshotIndex)),
    ];
  }

  async close(): Promise<void> {
    await this.boot.machine.store.close();
    await this.boot.machine.backend.close();
    await this.boot.wal.close();
  }

  private apply(entry: Entry): void {
    this.boot.machine.apply(entry, ({ node_id }) => {
      if (node_id !== 0n) this.confState = ConfState.create({ voters: [...this.confState.voters, node_id] });
      return this.confState;
    });
  }

  private describe(): Snapshot {
    const { appliedIndex: index, appliedTerm: term, cluster } = this.boot.machine;
    const data = encodeV2Store({ ...cluster.v2StoreInput(), index });
    return { data, metadata: { index, term, conf_state: this.confState } };
  }
}
