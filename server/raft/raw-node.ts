import {
  ConfChange,
  type ConfChangeV2,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
} from '../proto/gen/raft.ts';
import { Core } from './core.ts';
import { campaign, countOwnVote } from './election.ts';
import { RaftError } from './errors.ts';
import { acknowledgeOwn, flushAppends, handleSnapshotStatus, handleUnreachable } from './leader.ts';
import { applyConfChange } from './membership.ts';
import { requestRead } from './reads.ts';
import { propose, requestTransfer, step, tick } from './step.ts';
import type { InitialState, RaftConfig, Ready, SoftState, Status } from './types.ts';

/** One member's part in the consensus. See `mod.ts` for what its caller owes it. */
export class RawNode {
  private readonly core: Core;
  private sequence = 0;
  private persistedSequence = 0;
  private lastSoftState: SoftState;
  private lastHardState: HardState;
  /** Terms and votes handed out that are not yet durable. */
  private readonly pendingHardStates: { sequence: number; hardState: HardState }[] = [];

  /**
   * @throws RaftError when the initial state contradicts itself
   * @throws ConfChangeError when its configuration is a joint one
   */
  constructor(config: RaftConfig, initial: InitialState) {
    checkConfig(config);
    this.core = new Core(config, initial);
    this.lastSoftState = this.softState();
    this.lastHardState = this.core.hardState();
  }

  /** One tick has passed: heartbeats, elections, and the checks for a quorum count in it. */
  tick(): void {
    tick(this.core);
  }

  /** Stands for election at once, if this member may lead. */
  campaign(): void {
    campaign(this.core, 'timeout');
  }

  /**
   * Proposes data for the log; a follower forwards it to the leader. That it was taken up does not say that it will
   * be committed: wait for it to appear among the committed entries. The bytes must not be changed afterwards.
   *
   * @throws ProposalDropped without a leader, during a transfer of leadership, and on a removed member
   */
  propose(data: Uint8Array): void {
    propose(this.core, [{ Type: EntryType.EntryNormal, Data: data }]);
  }

  /**
   * As `propose`. While an earlier change may be unapplied, the leader puts an empty entry in its place (upstream's
   * rule); the caller must expect never to see its change.
   *
   * @throws ProposalDropped
   */
  proposeConfChange(change: ConfChange): void {
    propose(this.core, [{ Type: EntryType.EntryConfChange, Data: ConfChange.encode(change) }]);
  }

  /**
   * Puts a committed configuration change in force. To be called for each, in order, before `applied` of its entry.
   * Node id 0 marks a change that was found invalid: it changes nothing.
   *
   * @returns the configuration from now on
   * @throws ConfChangeError for joint changes, and if no voter would be left
   */
  applyConfChange(change: ConfChange | ConfChangeV2): ConfState {
    return applyConfChange(this.core, change);
  }

  /**
   * Takes a message from another member. Messages that no member sends are ignored.
   *
   * @throws RaftError when the message shows that this member has lost what it acknowledged
   */
  step(message: Message): void {
    step(this.core, message);
  }

  /**
   * Asks for a read index. The answer comes as a read state with the same context; it may never come, for instance
   * when the leader changes: repeat it then. Contexts must be unique in the cluster and not empty.
   *
   * @throws ProposalDropped without a leader, and when too many reads wait
   */
  readIndex(context: Uint8Array): void {
    if (context.length === 0) throw new RangeError('the context of a read index must not be empty');
    requestRead(this.core, context);
  }

  /** Hands leadership to a voter, within an election timeout or not at all; a follower asks the leader to. */
  transferLeader(to: bigint): void {
    requestTransfer(this.core, to);
  }

  /** Messages to that member were lost. */
  reportUnreachable(id: bigint): void {
    if (this.core.state === 'leader') handleUnreachable(this.core, id);
  }

  /** The MsgSnap to that member was delivered, or failed. Every MsgSnap must be reported on. */
  reportSnapshot(id: bigint, ok: boolean): void {
    if (this.core.state === 'leader') handleSnapshotStatus(this.core, id, ok);
  }

  hasReady(): boolean {
    const { core } = this;
    return (
      core.messages.length > 0 ||
      core.messagesAfterPersist.length > 0 ||
      core.appendDue.size > 0 ||
      core.log.hasUnoffered() ||
      core.log.hasUnappliedCommitted() ||
      core.readStates.length > 0 ||
      this.changedHardState() !== undefined ||
      this.changedSoftState() !== undefined
    );
  }

  /** What is to be done now. Each thing is handed out once; earlier Readys need not be done with. */
  ready(): Ready {
    const { core } = this;
    flushAppends(core);
    const sequence = ++this.sequence;
    const { entries, snapshot } = core.log.offer(sequence);
    const hardState = this.changedHardState();
    const softState = this.changedSoftState();
    const isElectionState =
      hardState !== undefined &&
      (hardState.term !== this.lastHardState.term || hardState.vote !== this.lastHardState.vote);
    if (isElectionState) this.pendingHardStates.push({ sequence, hardState });
    if (hardState !== undefined) this.lastHardState = hardState;
    if (softState !== undefined) this.lastSoftState = softState;
    const ready: Ready = {
      sequence,
      ...(softState && { softState }),
      ...(hardState && { hardState }),
      ...(snapshot && { snapshot }),
      entries,
      mustSync: entries.length > 0 || snapshot !== undefined || isElectionState,
      messages: core.messages,
      messagesAfterPersist: core.messagesAfterPersist,
      committedEntries: core.log.takeCommitted(core.config.maxCommittedBytesPerReady),
      readStates: core.readStates,
    };
    core.messages = [];
    core.messagesAfterPersist = [];
    core.readStates = [];
    return ready;
  }

  /**
   * What that Ready and all before it had to store is durable. Only now do the member's own vote and its own copies of
   * entries count.
   *
   * @throws RaftError for a Ready that was not handed out
   */
  persisted(ready: Pick<Ready, 'sequence'>): void {
    const { sequence } = ready;
    if (sequence > this.sequence) throw new RaftError(`Ready ${sequence} was never handed out`);
    if (sequence <= this.persistedSequence) return;
    this.persistedSequence = sequence;
    this.core.log.stored(sequence);
    let durable: HardState | undefined;
    while (this.pendingHardStates[0] !== undefined && this.pendingHardStates[0].sequence <= sequence) {
      durable = this.pendingHardStates.shift()?.hardState;
    }
    if (durable !== undefined) countOwnVote(this.core, durable.term, durable.vote);
    if (this.core.state === 'leader') acknowledgeOwn(this.core);
  }

  /**
   * The state machine has applied everything up to `index`.
   *
   * @throws RaftError for entries that were never handed out
   */
  applied(index: number): void {
    this.core.log.appliedTo(index);
  }

  /**
   * Remembers a snapshot of the state machine, to be sent to members that lack entries which were compacted. One is
   * kept: the newest.
   *
   * @param index applied, and not yet compacted
   * @param confState the configuration as of `index`
   * @throws RaftError for another index
   */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): void {
    const { log } = this.core;
    if (index <= log.snapshot.metadata.index) return;
    const term = log.term(index);
    if (index > log.applied || term === undefined) {
      throw new RaftError(
        `no snapshot can be made at ${index}: entries ${log.firstIndex} to ${log.applied} are applied`,
      );
    }
    log.remember({ data, metadata: { conf_state: confState, index, term } });
  }

  /**
   * Drops entries up to `index` from memory.
   *
   * @throws RaftError when they are not all applied
   */
  compact(index: number): void {
    this.core.log.compact(index);
  }

  status(): Status {
    const { core } = this;
    const progress: Status['progress'] = new Map();
    if (core.state === 'leader') for (const [id, peer] of core.tracker.progress) progress.set(id, peer.status());
    return {
      id: core.id,
      term: core.term,
      vote: core.vote,
      commit: core.log.committed,
      applied: core.log.applied,
      lead: core.lead,
      state: core.state,
      lastIndex: core.log.lastIndex,
      leadTransferee: core.leadTransferee,
      progress,
    };
  }

  /** @returns the term of an entry; undefined when it was compacted or does not exist */
  term(index: number): number | undefined {
    return this.core.log.term(index);
  }

  /** The bytes of all entries that were applied since the start. */
  appliedBytes(): number {
    return this.core.log.appliedBytes;
  }

  /** @returns the index behind which the entries in memory take at most `maxBytes` */
  indexToFit(maxBytes: number): number {
    return this.core.log.indexToFit(maxBytes);
  }

  /** The first entry in memory. */
  firstIndex(): number {
    return this.core.log.firstIndex;
  }

  lastIndex(): number {
    return this.core.log.lastIndex;
  }

  /**
   * Entries with `from <= index < to`, as many as fit `maxBytes`, but at least one.
   *
   * @throws RaftError outside of [firstIndex, lastIndex + 1)
   */
  entries(from: number, to: number, maxBytes: number): Entry[] {
    return this.core.log.slice(from, to, maxBytes);
  }

  private softState(): SoftState {
    return { lead: this.core.lead, state: this.core.state };
  }

  private changedSoftState(): SoftState | undefined {
    const { lead, state } = this.lastSoftState;
    return lead === this.core.lead && state === this.core.state ? undefined : this.softState();
  }

  private changedHardState(): HardState | undefined {
    const { term, vote, commit } = this.lastHardState;
    const { core } = this;
    return term === core.term && vote === core.vote && commit === core.log.committed ? undefined : core.hardState();
  }
}

/** @throws RangeError for a configuration that cannot work */
function checkConfig(config: RaftConfig): void {
  if (config.id === 0n) throw new RangeError('raft: id 0 is reserved for "nobody"');
  if (config.heartbeatTicks < 1) throw new RangeError('raft: heartbeatTicks must be at least 1');
  if (config.electionTicks <= config.heartbeatTicks) {
    throw new RangeError('raft: electionTicks must be larger than heartbeatTicks');
  }
  if (config.maxInflightMessages < 1) throw new RangeError('raft: maxInflightMessages must be at least 1');
}
