import {
  ConfChange,
  ConfChangeType,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type Snapshot,
} from '../../proto/gen/raft.ts';
import { type RaftConfig, RawNode, type ReadState, type Ready } from '../mod.ts';
import { SimulatedDisk } from './disk.ts';
import type { Prng } from './prng.ts';
import { StateMachine } from './state-machine.ts';

export interface HostOptions {
  config: RaftConfig;
  send: (messages: readonly Message[]) => void;
  /**
   * Believes that a write is durable as soon as it is asked for, as a member without fdatasync would. Only to show
   * that the checks notice.
   */
  skipsSync?: boolean;
}

/** What is watched of a host. */
export interface HostObserver {
  offered(host: SimulatedHost, ready: Ready): void;
  applied(host: SimulatedHost): void;
  read(host: SimulatedHost, read: ReadState): void;
}

/** A machine with one member on it: its disk survives crashes, all else does not. Each of its parts is driven alone. */
export class SimulatedHost {
  readonly id: bigint;
  readonly disk = new SimulatedDisk();
  /** The state machine in memory, and what of it would be there after a crash. */
  machine = new StateMachine();
  private durableMachine = new StateMachine();
  private running: RawNode | undefined;
  private readonly options: HostOptions;
  private readonly observer: HostObserver;
  /** Handed out by raft and not yet durable. */
  private unwritten: Ready[] = [];
  private unapplied: (Entry | Snapshot)[] = [];

  constructor(options: HostOptions, observer: HostObserver) {
    this.id = options.config.id;
    this.options = options;
    this.observer = observer;
  }

  get isUp(): boolean {
    return this.running !== undefined;
  }

  /** The member. @throws Error when it is down */
  get node(): RawNode {
    if (this.running === undefined) throw new Error(`member ${this.id} is down`);
    return this.running;
  }

  get unwrittenReadys(): number {
    return this.unwritten.length;
  }

  get hasUnapplied(): boolean {
    return this.unapplied.length > 0;
  }

  get isIdle(): boolean {
    return !this.node.hasReady() && this.unwritten.length === 0 && this.unapplied.length === 0;
  }

  /** Writes the first entries of a new cluster, as etcd does (contract: disk-and-peer §2.5). */
  bootstrap(voters: readonly bigint[]): void {
    const entries = voters.map((node_id, i) => ({
      Type: EntryType.EntryConfChange,
      Term: 1,
      Index: i + 1,
      Data: ConfChange.encode(ConfChange.create({ type: ConfChangeType.ConfChangeAddNode, node_id })),
    }));
    this.disk.prepare({ term: 1, vote: 0n, commit: entries.length }, entries);
  }

  start(): void {
    this.machine = this.durableMachine.copy();
    const snapshot = this.disk.newestSnapshot;
    if (snapshot.metadata.index > this.machine.index) this.machine.install(snapshot);
    this.running = new RawNode(this.options.config, this.disk.read(this.machine.index, this.machine.confState));
  }

  /** Power fails: of the writes under way, some of the first have arrived, and part of the next. */
  crash(prng: Prng): void {
    const arrived = prng.int(this.unwritten.length + 1);
    for (const ready of this.unwritten.slice(0, arrived)) this.disk.write(ready);
    const torn = this.unwritten[arrived];
    if (torn !== undefined) this.disk.tear(torn, prng.int(torn.entries.length + 1));
    this.unwritten = [];
    this.unapplied = [];
    this.running = undefined;
  }

  /** Takes a Ready; its writes are under way from now on. */
  takeReady(): void {
    const ready = this.node.ready();
    this.observer.offered(this, ready);
    this.unwritten.push(ready);
    this.options.send(ready.messages.map((message) => this.withUsefulSnapshot(message)));
    for (const read of ready.readStates) this.observer.read(this, read);
    this.unapplied.push(...ready.committedEntries);
    if (this.options.skipsSync) this.believeDurable([ready]);
  }

  /** The disk finishes the oldest `count` writes. */
  write(count: number): void {
    const done = this.unwritten.splice(0, count);
    for (const ready of done) this.disk.write(ready);
    if (!this.options.skipsSync) this.believeDurable(done);
  }

  /** Applies up to `count` entries or snapshots. */
  apply(count: number): void {
    for (const item of this.unapplied.splice(0, count)) {
      if ('Index' in item) this.machine.apply(item, this.node);
      else this.machine.install(item);
      this.node.applied(this.machine.index);
      this.observer.applied(this);
    }
  }

  /** Makes the state machine durable, as a backend's commit does. */
  checkpoint(): void {
    this.durableMachine = this.machine.copy();
  }

  /** Makes a snapshot, and forgets entries but for the last `keep`. */
  snapshot(keep: number): void {
    const { index, confState } = this.machine;
    const term = this.node.term(index);
    if (index <= this.disk.newestSnapshot.metadata.index || term === undefined || !this.disk.holds(index, term)) return;
    this.checkpoint();
    const data = this.machine.snapshotData();
    this.disk.saveSnapshot({ data, metadata: { conf_state: confState, index, term } });
    this.node.createSnapshot(index, confState, data);
    this.node.compact(Math.max(0, index - keep));
  }

  /** A snapshot from before the receiver joined is replaced by one of the present, as etcd always does. */
  private withUsefulSnapshot(message: Message): Message {
    if (message.type !== MessageType.MsgSnap || message.snapshot === undefined) return message;
    const { voters, learners } = message.snapshot.metadata.conf_state;
    if (voters.includes(message.to) || learners.includes(message.to)) return message;
    const { index, confState } = this.machine;
    const metadata = { conf_state: confState, index, term: this.node.term(index) as number };
    return { ...message, snapshot: { data: this.machine.snapshotData(), metadata } };
  }

  private believeDurable(done: readonly Ready[]): void {
    const last = done.at(-1);
    if (last === undefined) return;
    this.node.persisted(last);
    for (const ready of done) {
      this.options.send(ready.messagesAfterPersist);
      if (ready.snapshot !== undefined) this.unapplied.push(ready.snapshot);
    }
  }
}
