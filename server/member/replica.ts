/**
 * One member of the cluster from the inside: log, raft, peers and state machine joined together. Requests come in
 * through `proposer` and `reads`; `member.ts` answers clients with them.
 */
import { BcryptPool, defaultBcryptCost, type PasswordHasher, rootName } from '../auth/mod.ts';
import { Code } from '../errors/etcd-error.ts';
import { idToHex, type MembershipChange, RequestIdGenerator } from '../membership/mod.ts';
import { WatchHub } from '../mvcc/watch/mod.ts';
import { PeerClient, type Transport } from '../peer/mod.ts';
import { type ConfState, type Entry, type Message, MessageType, type Snapshot } from '../proto/gen/raft.ts';
import { AlarmType } from '../proto/gen/rpc.ts';
import { type Bootstrapped, bootstrap } from './bootstrap.ts';
import { ClusterVersionMonitor } from './cluster-version.ts';
import { type MemberConfig, requestTimeoutMs } from './config.ts';
import { Gatekeeper, headerOf } from './gatekeeper.ts';
import { Hashes } from './hashes.ts';
import { Leadership } from './leadership.ts';
import type { MemberLeases } from './leases.ts';
import { Leasing } from './leasing.ts';
import { LogSnapshots } from './log-snapshots.ts';
import { MemberPeers } from './member-peers.ts';
import { openTransport } from './member-transport.ts';
import { AppliedIndexWaiters } from './pending.ts';
import { withoutUnreadable } from './proposal-check.ts';
import { Proposer } from './proposer.ts';
import { Publication } from './publication.ts';
import { RaftDriver } from './raft-driver.ts';
import { electionTicks, openRaftNode } from './raft-node.ts';
import { ReadIndex } from './read-index.ts';
import { ReceivedSnapshots } from './received-snapshots.ts';
import { Reconfiguration } from './reconfiguration.ts';
import { LateHeartbeats, SlowApplies } from './slowness.ts';
import { SpaceAlarm } from './space-alarm.ts';
import type { StateMachine } from './state-machine.ts';

const readIndexRetryMs = 500;
/** How long an answer about leases waits for what is committed; upstream's limit. */
const applyTimeoutMs = 1000;
/** Upstream's, unless the configuration has another. */
const defaultWarningApplyMs = 100;

export interface ReplicaEvents {
  /** The member cannot go on: a disk failed or an invariant is broken. Called once; the process must end. */
  onFatal(error: Error): void;
  /** The cluster has removed this member: the process must end. Called once. */
  onRemoved(): void;
}

/** See the file's head. Whoever uses it answers clients; it answers the cluster. */
export class Replica {
  readonly id: bigint;
  readonly clusterId: bigint;
  /** What serves the peer port. */
  readonly transport: Transport;
  private readonly config: MemberConfig;
  private readonly events: ReplicaEvents;
  private readonly boot: Bootstrapped;
  /** Makes an id that no other member makes. */
  readonly nextId: () => bigint;
  readonly driver: RaftDriver;
  readonly proposer: Proposer;
  readonly reads: ReadIndex;
  readonly reconfiguration: Reconfiguration;
  private readonly peerClient: PeerClient;
  private readonly leasing: Leasing;
  readonly hashes: Hashes;
  /** Whether the state of a received snapshot is being put in place. */
  isApplyingSnapshot = false;
  private readonly snapshots: LogSnapshots;
  private readonly received: ReceivedSnapshots;
  private readonly versions: ClusterVersionMonitor;
  private readonly applied: AppliedIndexWaiters;
  readonly gatekeeper: Gatekeeper;
  readonly bcryptCost: number;
  readonly passwords: PasswordHasher;
  /** The watches of clients: they outlive the state machine. */
  readonly watches: WatchHub;
  /** Another one after a snapshot was installed. */
  machine: StateMachine;
  private confState: ConfState;
  readonly leadership: Leadership;
  readonly slowApplies: SlowApplies;
  readonly lateHeartbeats: LateHeartbeats;
  private readonly peers: MemberPeers;
  private readonly publication: Publication;
  private readonly space: SpaceAlarm;
  slowReadIndexes = 0;
  failedReadIndexes = 0;
  private ended = false;

  /** Opens the data directory, or makes a new one, without talking to any client yet. */
  static async open(config: MemberConfig, events: ReplicaEvents): Promise<Replica> {
    return new Replica(config, events, await bootstrap(config));
  }

  private constructor(config: MemberConfig, events: ReplicaEvents, boot: Bootstrapped) {
    const { log } = config;
    this.config = config;
    this.events = events;
    this.boot = boot;
    this.id = boot.id;
    this.clusterId = boot.clusterId;
    this.machine = boot.machine;
    this.hashes = new Hashes((work) => this.withState(work), config.observe?.hash);
    this.watches = new WatchHub(this.machine.store, { defer: setImmediate });
    this.machine.onChange = (revision, events) => this.watches.changed(revision, events);
    this.confState = boot.initial.confState;
    this.applied = new AppliedIndexWaiters(boot.initial.applied);
    const ids = new RequestIdGenerator(boot.id, Date.now());
    this.nextId = () => ids.next();
    const timeoutMs = requestTimeoutMs(config);
    this.bcryptCost = config.bcryptCost ?? defaultBcryptCost;
    this.passwords = new BcryptPool({ cost: this.bcryptCost });
    this.gatekeeper = new Gatekeeper({
      auth: () => this.machine.auth,
      applied: this.applied,
      timeoutMs,
      clientCertAuth: config.clientCertAuth ?? false,
      log: log.at('member/gatekeeper'),
    });

    this.transport = openTransport(
      boot,
      {
        process: (message) => this.receive(message),
        isRemoved: (id) => this.machine.cluster.isRemoved(id),
        reportUnreachable: (id) => this.driver.reportUnreachable(id),
        reportSnapshot: (id, ok) => {
          this.snapshots.transferEnded();
          this.driver.reportSnapshot(id, ok);
        },
        receiveSnapshot: (message, chunks) => this.received.receive(message, chunks),
        removedFromCluster: () => this.removed(),
      },
      config,
      log.at('rafthttp'),
    );
    this.driver = new RaftDriver({
      node: openRaftNode(boot.id, boot.initial, config, log.at('raft')),
      wal: boot.wal,
      snapshotter: boot.snapshotter,
      heartbeatMs: config.heartbeatMs,
      hooks: {
        send: (messages) => this.send(messages),
        apply: (entries) => this.apply(entries),
        checkSnapshot: (snapshot) => this.received.check(snapshot),
        install: (snapshot) => this.install(snapshot),
        leaderChanged: (lead) => this.leaderChanged(lead),
        // While leadership is being handed over, proposals wait without a change of leader that would end the wait.
        ticked: () => this.retryParked(),
        collect: () => this.reads.begin(),
        readIndex: (context, index) => this.reads.answer(context, index),
        fatal: (error) => this.fatal(error),
      },
    });
    this.leadership = new Leadership({
      localId: boot.id,
      electionMs: config.electionMs,
      cluster: () => this.cluster,
      activeSince: (id) => this.transport.activeSince(id),
      transferLeader: (to) => this.driver.transferLeader(to),
      now: monotonicMs,
    });
    this.slowApplies = new SlowApplies(config.warningApplyDurationMs ?? defaultWarningApplyMs, log.at('member/apply'));
    this.lateHeartbeats = new LateHeartbeats(config.heartbeatMs, monotonicMs, log.at('member/raft'));
    this.peers = new MemberPeers({ localId: boot.id, transport: this.transport, cluster: () => this.cluster, log });
    this.proposer = new Proposer({
      nextId: () => ids.next(),
      propose: (data) => this.driver.propose(data),
      applyGap: () => this.driver.commitIndex - this.machine.appliedIndex,
      timeoutMs,
      maxRequestBytes: config.maxRequestBytes,
      timeoutError: (startedMs) => this.leadership.timeoutError(startedMs),
    });
    this.space = new SpaceAlarm({
      localId: boot.id,
      isRaised: () => this.machine.alarms.list(AlarmType.NOSPACE).some(({ memberID }) => memberID === boot.id),
      proposer: this.proposer,
      log,
    });
    this.publication = new Publication({
      localId: boot.id,
      name: config.name,
      clientURLs: config.advertiseClientUrls,
      cluster: () => this.cluster,
      propose: (cluster_member_attr_set) => this.proposer.propose({ cluster_member_attr_set }),
      hasEnded: () => this.ended,
      log,
    });
    this.reads = new ReadIndex({
      nextId: () => ids.next(),
      request: (context) => this.driver.readIndex(context),
      wake: () => this.driver.wake(),
      applied: this.applied,
      timeoutMs,
      retryMs: readIndexRetryMs,
      onFailed: () => this.failedReadIndexes++,
      onSlow: () => this.slowReadIndexes++,
    });
    this.peerClient = new PeerClient({ ...(config.peerTls && { tls: config.peerTls }), timeoutMs });
    this.reconfiguration = new Reconfiguration({
      localId: boot.id,
      strict: config.strictReconfigCheck,
      timeoutMs,
      electionMs: config.electionMs,
      pollMs: config.heartbeatMs,
      catchUp: () => this.reads.wait(),
      cluster: () => this.cluster,
      lead: () => this.lead,
      status: () => this.driver.node.status(),
      activeSince: (id) => this.transport.activeSince(id),
      nextId: () => ids.next(),
      propose: (change) => this.driver.proposeConfChange(change),
      transferLeader: (to) => this.driver.transferLeader(to),
      onPromotion: (refusal) => config.observe?.learnerPromoted?.(refusal),
      promoteAt: (url, id) => this.peerClient.promoteMember(url, id),
      now: monotonicMs,
      unixSeconds: () => Math.floor(Date.now() / 1000),
      timeoutError: (startedMs) => this.leadership.timeoutError(startedMs),
      log: log.at('member/reconfiguration'),
    });
    this.leasing = new Leasing({
      localId: boot.id,
      config,
      lessor: () => this.machine.lessor,
      cluster: () => this.cluster,
      lead: () => this.lead,
      isLeader: () => this.driver.node.status().state === 'leader',
      waitApplied: () => this.applied.wait(this.driver.commitIndex, applyTimeoutMs),
      proposer: this.proposer,
      revoke: (request) => this.proposer.propose({ ...request, ...this.asRoot() }, false),
      now: monotonicMs,
    });
    this.snapshots = new LogSnapshots({
      config,
      driver: this.driver,
      wal: boot.wal,
      snapshotter: boot.snapshotter,
      machine: () => this.machine,
      confState: () => this.confState,
      send: (message, database) => this.transport.sendSnapshot(message, database),
      fatal: (error) => this.fatal(error),
      log: log.at('member/log-snapshots'),
      snapshotIndex: boot.initial.applied,
    });
    this.received = new ReceivedSnapshots({
      config,
      clusterId: boot.clusterId,
      snapshotter: boot.snapshotter,
      commitIndex: () => this.driver.node.status().commit,
      offer: (message) => this.driver.offerSnapshot(message),
      fatal: (error) => this.fatal(error),
      log: log.at('member/received-snapshots'),
    });
    this.versions = new ClusterVersionMonitor({
      localId: boot.id,
      cluster: () => this.machine.cluster,
      isLeader: () => this.leadership.isLocal,
      propose: (ver) => this.proposer.propose({ cluster_version_set: { ver } }),
      withdrawDowngrade: () => this.proposer.propose({ downgrade_info_set: { enabled: false, ver: '' } }),
      tls: config.peerTls,
      log: log.at('member/cluster-version'),
    });
  }

  /** The leader's id; 0 when none is known. */
  get lead(): bigint {
    return this.leadership.lead;
  }

  get leases(): MemberLeases {
    return this.leasing.answers;
  }

  /** The members as this one knows them. */
  get cluster(): StateMachine['cluster'] {
    return this.machine.cluster;
  }

  /**
   * Does something that takes a while with the state. When it fails because a snapshot has replaced that state, or is
   * about to, it is done once more, with the other one.
   */
  async withState<T>(work: (state: StateMachine) => Promise<T>): Promise<T> {
    const state = this.machine;
    try {
      return await work(state);
    } catch (error) {
      await this.driver.installation();
      if (this.machine === state) throw error;
      return work(this.machine);
    }
  }

  /** Begins to take part in the cluster. The peer port must be served already. */
  start(): void {
    if (this.cluster.isRemoved(this.id)) {
      this.removed();
      return;
    }
    this.peers.connectAll();
    this.driver.start();
    this.leasing.start();
    this.snapshots.start();
    this.versions.start();
    // A fresh member has heard of no leader for longer than it can remember: one tick more, and it may campaign.
    if (this.config.initialElectionTickAdvance) this.driver.advanceTicks(electionTicks(this.config) - 1);
  }

  /**
   * Makes this member's name and client URLs known through the log, which takes a leader: clients may be served then.
   *
   * @throws the signal's reason when it fires before that
   */
  publish(signal: AbortSignal): Promise<void> {
    return this.publication.run(signal);
  }

  /** Hands leadership on, if this member has it, so that the cluster need not wait for a timeout. */
  async handOver(): Promise<void> {
    if (!this.leadership.isLocal || (await this.leadership.handOver())) return;
    this.config.log.info('skipped leadership transfer for single voting member cluster');
  }

  /** Stops taking part, makes durable what was accepted, and closes every file. */
  async close(): Promise<void> {
    this.ended = true;
    this.watches.close();
    this.proposer.stop();
    this.reads.stop();
    this.reconfiguration.stop();
    this.leasing.stop();
    this.peerClient.close();
    this.versions.stop();
    this.applied.stop();
    await this.snapshots.stop();
    await this.passwords.close();
    await this.driver.stop();
    await this.transport.close();
    await this.received.close();
    await this.machine.store.close();
    await this.boot.wal.close();
    await this.machine.backend.close();
  }

  /** Tells the cluster that this member's disk quota is used up. */
  raiseNoSpace(): void {
    this.space.raise();
  }

  private receive(message: Message): void {
    const readable = withoutUnreadable(message, this.config.log.at('member/proposal-check'));
    if (readable !== undefined) this.driver.step(readable);
  }

  /** What a member does with the keys of a lease that has expired, it does as root. */
  private asRoot(): ReturnType<typeof headerOf> {
    const { enabled, revision } = this.machine.auth;
    return enabled ? headerOf({ username: rootName, revision }) : {};
  }

  private send(messages: Message[]): void {
    this.lateHeartbeats.sent(messages);
    if (!messages.some((message) => message.type === MessageType.MsgSnap)) {
      this.transport.send(messages);
      return;
    }
    for (const message of messages) if (message.type === MessageType.MsgSnap) this.snapshots.sendTo(message);
    this.transport.send(messages.filter((message) => message.type !== MessageType.MsgSnap));
  }

  private apply(entries: Entry[]): void {
    for (const entry of entries) this.applyEntry(entry);
    const last = entries.at(-1) as Entry;
    this.applied.advance(last.Index);
    this.snapshots.appliedTo(last.Index);
  }

  private applyEntry(entry: Entry): void {
    const startedMs = performance.now();
    const outcome = this.machine.apply(entry, (change) => this.driver.node.applyConfChange(change));
    this.slowApplies.took(performance.now() - startedMs, entry.Index);
    if (outcome.kind === 'request') {
      const { response, error } = outcome.result;
      // Applied although over the quota: this member says so (api.md §8, trap 52).
      if (response !== undefined && error?.code === Code.ResourceExhausted) this.raiseNoSpace();
      this.proposer.applied(outcome.id, outcome.result);
    } else if (outcome.kind === 'conf-change') {
      this.confState = outcome.confState;
      if (outcome.change !== undefined) this.membershipChanged(outcome.change);
      this.reconfiguration.applied(outcome.id, { members: this.cluster.members(), error: outcome.error });
    }
    // A leader's first entry of its term: from now on it may speak for the cluster.
    if (entry.Term === this.driver.term && this.leadership.isLocal && outcome.kind === 'none') {
      this.leasing.expiry.promote(entry.Term);
      void this.versions.check();
    }
  }

  private membershipChanged(change: MembershipChange): void {
    if (change.kind !== 'removed') this.peers.connect(change.member.id, change.member.peerURLs);
    else if (change.id === this.id) this.removed();
    else this.transport.removePeer(change.id);
  }

  private retryParked(): void {
    this.proposer.retryParked();
    this.reconfiguration.retryParked();
  }

  /**
   * Puts the state of a received snapshot in the place of the present one. Whoever reads the present one goes on until
   * the other has its name, and finishes what was begun.
   */
  private async install(snapshot: Snapshot): Promise<void> {
    const { log } = this.config;
    const { index, conf_state } = snapshot.metadata as { index: number; conf_state: ConfState };
    const { store, backend, appliedIndex } = this.machine;
    log.info('applying snapshot', { 'incoming-snapshot-index': index, 'applied-index': appliedIndex });
    const next = this.received.take(index);
    this.isApplyingSnapshot = true;
    await backend.keepFile();
    await next.backend.renameTo(this.boot.databasePath);
    this.machine = next;
    this.received.installed(index);
    next.resume();
    this.confState = conf_state;
    this.peers.connectAll();
    next.onChange = (revision, events) => this.watches.changed(revision, events);
    this.watches.restore(next.store);
    const closed = store.close();
    // At once: what can no longer be written to the old file is no reason to stop.
    backend.retire();
    await closed;
    this.snapshots.installed(index);
    this.publication.installed();
    this.applied.advance(index);
    this.isApplyingSnapshot = false;
    log.info('applied snapshot', { 'snapshot-index': index, revision: next.store.currentRevision });
  }

  private leaderChanged(lead: bigint): void {
    this.config.log.info(lead === 0n ? 'lost leader' : 'elected leader', { 'leader-id': idToHex(lead) });
    this.leadership.changed(lead);
    this.lateHeartbeats.reset();
    if (!this.leadership.isLocal) this.leasing.expiry.demote();
    if (lead === 0n) return;
    this.reads.leaderChanged();
    this.retryParked();
  }

  private removed(): void {
    if (this.ended) return;
    this.ended = true;
    const { dataDir, log } = this.config;
    log.warn('the member has been permanently removed from the cluster', { 'local-member-id': idToHex(this.id) });
    log.warn('data-dir used by this member must be removed', { 'data-dir': dataDir });
    this.events.onRemoved();
  }

  private fatal(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.events.onFatal(error);
  }
}

/** For durations and deadlines: nobody sets this clock while the member runs. */
function monotonicMs(): number {
  return performance.now();
}
