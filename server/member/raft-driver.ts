/**
 * Drives the raft state machine: feeds it ticks, messages and proposals, and carries out what it makes ready in the
 * order that safety needs. What a Ready holds goes to the peers and to the WAL in the same turn; what must not be said
 * before it is durable waits for the WAL (Raft thesis §10.2.1; contract: disk-and-peer §1.7).
 */
import type { ConfChange, ConfState, Entry, Message, Snapshot } from '../proto/gen/raft.ts';
import { ProposalDropped, type RawNode, type Ready } from '../raft/mod.ts';
import type { Snapshotter } from '../snap/mod.ts';
import type { Wal } from '../wal/mod.ts';

export interface RaftHooks {
  /** Sends to peers; snapshots among them still need their database. */
  send(messages: Message[]): void;
  /** Applies entries that a quorum has, in log order. */
  apply(entries: Entry[]): void;
  /** Asked before anything is written about a snapshot. @throws Error when it could not be installed */
  checkSnapshot(snapshot: Snapshot): Promise<void>;
  /** Replaces the state machine by the one of a snapshot that is saved already. */
  install(snapshot: Snapshot): Promise<void>;
  leaderChanged(lead: bigint): void;
  /** Called with every tick. */
  ticked(): void;
  /** Called once in each turn before raft is asked what is ready: what it is told now goes out in this turn. */
  collect(): void;
  readIndex(context: Uint8Array, index: number): void;
  /** The member cannot go on: its disk failed, or an invariant is broken. */
  fatal(error: Error): void;
}

export interface RaftDriverOptions {
  node: RawNode;
  wal: Wal;
  snapshotter: Snapshotter;
  heartbeatMs: number;
  hooks: RaftHooks;
}

export class RaftDriver {
  readonly node: RawNode;
  private readonly wal: Wal;
  private readonly snapshotter: Snapshotter;
  private readonly heartbeatMs: number;
  private readonly hooks: RaftHooks;
  private ticker: NodeJS.Timeout | undefined;
  private scheduled = false;
  private installing = false;
  private stopped = false;
  /** WAL writes are ordered: this one ends after all before it. */
  private lastSave: Promise<void> = Promise.resolve();
  /** Settles when the snapshot received last is in its place, or is given up. */
  private lastInstall: Promise<void> = Promise.resolve();
  private lead = 0n;
  /** As of the last Ready. */
  term: number;
  commitIndex: number;

  constructor({ node, wal, snapshotter, heartbeatMs, hooks }: RaftDriverOptions) {
    this.node = node;
    this.wal = wal;
    this.snapshotter = snapshotter;
    this.heartbeatMs = heartbeatMs;
    this.hooks = hooks;
    const { term, commit } = node.status();
    this.term = term;
    this.commitIndex = commit;
  }

  start(): void {
    this.ticker = setInterval(() => {
      this.node.tick();
      this.hooks.ticked();
      this.wake();
    }, this.heartbeatMs);
    this.wake();
  }

  /** Lets `count` ticks pass at once, to come to the first election sooner. */
  advanceTicks(count: number): void {
    for (let i = 0; i < count; i++) this.node.tick();
    this.wake();
  }

  /** @throws ProposalDropped when there is no leader to take it */
  propose(data: Uint8Array): void {
    this.node.propose(data);
    this.wake();
  }

  /** As `propose`; see `RawNode.proposeConfChange` for why it may never be seen again. */
  proposeConfChange(change: ConfChange): void {
    this.node.proposeConfChange(change);
    this.wake();
  }

  step(message: Message): void {
    if (this.stopped) return;
    try {
      this.node.step(message);
    } catch (error) {
      // A forwarded proposal or read that reaches no leader is lost, as any message may be; its sender asks again.
      if (!(error instanceof ProposalDropped)) this.hooks.fatal(error as Error);
    }
    this.wake();
  }

  /** Hands a received snapshot to raft. @returns whether it takes the place of the log, and is to be installed */
  offerSnapshot(message: Message): boolean {
    // Only a snapshot that takes the log's place moves its beginning in this very step.
    const before = this.node.firstIndex();
    this.step(message);
    return this.node.firstIndex() !== before;
  }

  /** Resolves when no received snapshot is being put in its place; does not reject. */
  async installation(): Promise<void> {
    if (this.installing) await this.lastInstall;
  }

  /** Asks for a read index; without a leader the question is lost, and the caller asks again. */
  readIndex(context: Uint8Array): void {
    try {
      this.node.readIndex(context);
    } catch (error) {
      if (!(error instanceof ProposalDropped)) throw error;
    }
    this.wake();
  }

  transferLeader(to: bigint): void {
    this.node.transferLeader(to);
    this.wake();
  }

  reportUnreachable(id: bigint): void {
    if (this.stopped) return;
    this.node.reportUnreachable(id);
    this.wake();
  }

  reportSnapshot(id: bigint, ok: boolean): void {
    if (this.stopped) return;
    this.node.reportSnapshot(id, ok);
    this.wake();
  }

  /** Saves a snapshot of the applied state, from which a restarted member will begin. */
  async saveSnapshot(snapshot: Snapshot, confState: ConfState): Promise<void> {
    const { index, term } = snapshot.metadata as { index: number; term: number };
    await this.snapshotter.save(snapshot);
    await this.wal.saveSnapshot({ index, term, confState });
    if (this.stopped) return;
    this.wal.releaseTo(index);
    this.node.createSnapshot(index, confState, snapshot.data ?? new Uint8Array(0));
  }

  /** Forgets entries up to `index`, which a saved snapshot holds the effect of. */
  compact(index: number): void {
    if (!this.stopped && index >= this.node.firstIndex()) this.node.compact(index);
  }

  /**
   * Stops ticking and taking input; resolves when what was handed to the WAL is durable, and no received snapshot is
   * being put in its place any more.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.ticker);
    await this.lastInstall;
    await this.lastSave.catch(() => undefined);
  }

  /** Looks for something ready once the event loop has delivered all input of this turn, so that it goes out together. */
  wake(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    setImmediate(() => {
      try {
        this.hooks.collect();
        // Only now: what was collected is handled in this turn and needs none of its own.
        this.scheduled = false;
        while (!this.stopped && !this.installing && this.node.hasReady()) this.handle(this.node.ready());
      } catch (error) {
        this.hooks.fatal(error as Error);
      }
    });
  }

  private handle(ready: Ready): void {
    const { hooks } = this;
    if (ready.hardState !== undefined) {
      this.term = ready.hardState.term;
      this.commitIndex = ready.hardState.commit;
    }
    if (ready.softState !== undefined && ready.softState.lead !== this.lead) {
      this.lead = ready.softState.lead;
      hooks.leaderChanged(this.lead);
    }
    if (ready.messages.length > 0) hooks.send(ready.messages);
    if (ready.snapshot !== undefined) {
      this.installing = true;
      this.lastInstall = this.install(ready, ready.snapshot).catch((error: Error) => hooks.fatal(error));
      return;
    }
    this.persist(ready);
    for (const { context, index } of ready.readStates) hooks.readIndex(context, index);
    if (ready.committedEntries.length > 0) this.apply(ready.committedEntries);
  }

  private persist(ready: Ready): void {
    const saved = this.wal.save(ready.hardState, ready.entries, ready.mustSync);
    if (saved === undefined) {
      this.persisted(ready);
      return;
    }
    this.lastSave = saved;
    saved.then(
      () => this.afterPersist(ready),
      (error: Error) => this.hooks.fatal(error),
    );
  }

  private afterPersist(ready: Ready): void {
    if (this.stopped) return;
    this.persisted(ready);
    this.wake();
  }

  private persisted(ready: Ready): void {
    if (ready.messagesAfterPersist.length > 0) this.hooks.send(ready.messagesAfterPersist);
    this.node.persisted(ready);
  }

  private apply(entries: Entry[]): void {
    this.hooks.apply(entries);
    this.node.applied((entries.at(-1) as Entry).Index);
  }

  /** Order of contract: disk-and-peer §3.4; nothing else is made ready until the new state is in place. */
  private async install(ready: Ready, snapshot: Snapshot): Promise<void> {
    const { conf_state, index, term } = snapshot.metadata as NonNullable<Snapshot['metadata']>;
    await this.hooks.checkSnapshot(snapshot);
    await this.snapshotter.save(snapshot);
    await this.wal.saveSnapshot({ index, term, confState: conf_state as ConfState });
    await this.wal.save(ready.hardState, ready.entries, true);
    this.wal.releaseTo(index);
    this.afterPersist(ready);
    // A member that stops leaves it there: the next start puts it in its place.
    if (this.stopped) return;
    await this.hooks.install(snapshot);
    if (this.stopped) return;
    this.node.applied(index);
    this.installing = false;
    for (const state of ready.readStates) this.hooks.readIndex(state.context, state.index);
    if (ready.committedEntries.length > 0) this.apply(ready.committedEntries);
    this.wake();
  }
}
