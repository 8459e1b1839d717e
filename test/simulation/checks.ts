/**
 * What must hold at all times in a simulated world, looked at from outside of the members: their raft's state, the
 * Readys that it hands out, and what of them is applied. The properties of Raft itself are those of its own room.
 */
import { crc32c } from '../../server/base/crc32c.ts';
import { type EntryOutcome, StateMachine } from '../../server/member/state-machine.ts';
import { Entry } from '../../server/proto/gen/raft.ts';
import { isConfChange, type RawNode, type Ready } from '../../server/raft/mod.ts';
import { type CheckedHost, Checker } from '../../server/raft/testing/checker.ts';
import { DurableLog } from './durable-log.ts';
import { ElectionChecks } from './election-checks.ts';
import type { Settings } from './host.ts';

/** The whole state is compared after every so many entries. */
const hashEvery = 8;

/** A machine as the checks know it. */
interface Watched extends CheckedHost {
  readonly disk: DurableLog;
  node: RawNode;
  isUp: boolean;
  /** The voters that it led with last; undefined when a change of the members has been applied since. */
  voters: string | undefined;
}

export class Checks {
  readonly raft = new Checker();
  /** Called with each Ready that a member's raft hands out. */
  onReady: (id: bigint, ready: Ready) => void = () => undefined;
  private readonly hosts = new Map<bigint, Watched>();
  private readonly machines = new WeakMap<StateMachine, bigint>();
  private readonly entries: number[] = [];
  private readonly states: string[] = [];
  private readonly askedContexts = new Set<string>();
  private readonly applyEntry = StateMachine.prototype.apply;
  private readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
    const checks = this;
    const { applyEntry } = this;
    StateMachine.prototype.apply = function (this: StateMachine, entry, applyConfChange): EntryOutcome {
      const isReplayed = entry.Index <= this.appliedIndex;
      const outcome = applyEntry.call(this, entry, applyConfChange);
      if (!isReplayed) checks.applied(this, entry);
      return outcome;
    };
  }

  /** Takes the observers out again. */
  close(): void {
    StateMachine.prototype.apply = this.applyEntry;
  }

  /** @param count entries that a new cluster's log begins with */
  bootstrapped(count: number): void {
    this.raft.bootstrapped(count);
  }

  /** A member has opened its files and is about to take part. */
  started(id: bigint, node: RawNode): void {
    const known = this.hosts.get(id);
    const disk = known?.disk ?? new DurableLog();
    disk.recovered(node);
    const host: Watched = { id, disk, node, isUp: true, voters: undefined };
    this.hosts.set(id, host);
    this.observe(host);
    this.raft.restarted(host);
    this.check(id);
  }

  stopped(id: bigint): void {
    const host = this.hosts.get(id);
    if (host !== undefined) host.isUp = false;
  }

  /** To be called when something has happened on that machine. */
  check(id: bigint): void {
    const host = this.hosts.get(id);
    if (!host?.isUp) return;
    this.raft.check(host, this.hosts);
    this.checkVoters(host);
  }

  /** Whose state machine it is, for messages. */
  owns(id: bigint, machine: StateMachine): void {
    this.machines.set(machine, id);
  }

  private observe(host: Watched): void {
    const { node, disk, id } = host;
    const { electionMs, heartbeatMs, preVote } = this.settings;
    const elections = new ElectionChecks(id, node, Math.round(electionMs / heartbeatMs), preVote);
    const { ready, persisted, applyConfChange, readIndex } = node;
    node.ready = () => {
      const made = ready.call(node);
      disk.offered(made);
      this.raft.offered(host, made);
      elections.offered(made);
      if (made.snapshot !== undefined) host.voters = undefined;
      if (made.entries.some(isConfChange)) this.checkChanges(host);
      for (const read of made.readStates) this.raft.read(host, read);
      for (const entry of made.committedEntries) this.committed(host, entry);
      this.onReady(id, made);
      return made;
    };
    node.persisted = (made) => {
      disk.persisted(made.sequence);
      persisted.call(node, made);
    };
    node.applyConfChange = (change) => {
      // Before it changes who is to hold what is committed.
      this.check(id);
      host.voters = undefined;
      return applyConfChange.call(node, change);
    };
    node.readIndex = (context) => {
      this.asked(context);
      readIndex.call(node, context);
    };
  }

  /** A change of the members is in force when it is applied, and not before. */
  private checkVoters(host: Watched): void {
    const { state, progress } = host.node.status();
    if (state !== 'leader') return;
    const voters = [...progress].flatMap(([id, { isLearner }]) => (isLearner ? [] : [hex(id)])).join();
    if (host.voters !== undefined && host.voters !== voters) {
      throw new Error(`members: ${hex(host.id)} leads [${voters}] instead of [${host.voters}], and applied no change`);
    }
    host.voters = voters;
  }

  /** One change of the members at a time: no log holds two that are not committed (thesis §4.1). */
  private checkChanges({ id, node }: Watched): void {
    const { commit, lastIndex } = node.status();
    const open = node.entries(commit + 1, lastIndex + 1, Number.POSITIVE_INFINITY).filter(isConfChange);
    if (open.length <= 1) return;
    throw new Error(
      `members: ${hex(id)} holds ${open.length} changes that are not committed, from ${open[0]?.Index} on`,
    );
  }

  /** A question that is asked again may still be answered as it was asked first. */
  private asked(context: Uint8Array): void {
    const key = Buffer.from(context).toString('hex');
    if (this.askedContexts.has(key)) return;
    this.askedContexts.add(key);
    this.raft.asked(context);
  }

  /** State machine safety: what is handed out to be applied at an index is the same everywhere. */
  private committed({ id, disk }: Watched, entry: Entry): void {
    if (!disk.holds(entry.Index, entry.Term)) {
      throw new Error(`durability: member ${hex(id)} is to apply entry ${entry.Index}, which its disk may not have`);
    }
    const fingerprint = crc32c(Entry.encode(entry));
    const known = this.entries[entry.Index];
    this.entries[entry.Index] ??= fingerprint;
    if (known !== undefined && known !== fingerprint) {
      throw new Error(`state machine safety: member ${hex(id)} is to apply another entry at index ${entry.Index}`);
    }
  }

  private applied(machine: StateMachine, entry: Entry): void {
    if (entry.Index % hashEvery !== 0) return;
    const { hash, compactRevision, currentRevision } = machine.store.hashKv(0);
    // One that joins has been told of members that its log is yet to add.
    const applied = machine.cluster.v2StoreInput().members;
    const members = applied.map(({ id, isLearner }) => `${hex(id)}${isLearner ? '?' : ''}`);
    const state = `hash ${hash}, revision ${currentRevision}, compacted ${compactRevision}, members ${members}`;
    const known = this.states[entry.Index];
    this.states[entry.Index] ??= state;
    if (known === undefined || known === state) return;
    const id = this.machines.get(machine);
    throw new Error(
      `state machine safety: at index ${entry.Index} member ${id === undefined ? '?' : hex(id)} has ${state}; ` +
        `another had ${known}`,
    );
  }
}

function hex(id: bigint): string {
  return id.toString(16);
}
