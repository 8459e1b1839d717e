/** One member alone, spoken to by hand: for what a single message must lead to. */
import {
  ConfState,
  Entry,
  type HardState,
  Message,
  MessageType,
  Snapshot,
  SnapshotMetadata,
} from '../../proto/gen/raft.ts';
import { type InitialState, type RaftConfig, RawNode, type ReadState, type Ready } from '../mod.ts';

export interface Beginning {
  id?: bigint;
  voters?: bigint[];
  learners?: bigint[];
  hardState?: Partial<HardState>;
  /** The terms of the entries in its log, from index 1 on, or from behind the snapshot. */
  log?: number[];
  /** In place of `log`. */
  entries?: Entry[];
  snapshot?: { index: number; term: number };
  applied?: number;
  config?: Partial<RaftConfig>;
}

export function initialState(beginning: Beginning): InitialState {
  const { voters = [1n, 2n, 3n], learners = [], hardState, log = [], snapshot = { index: 0, term: 0 } } = beginning;
  const confState = ConfState.create({ voters, learners });
  return {
    hardState: { term: log.at(-1) ?? snapshot.term, vote: 0n, commit: snapshot.index, ...hardState },
    confState,
    snapshot: Snapshot.create({ metadata: SnapshotMetadata.create({ ...snapshot, conf_state: confState }) }),
    entries: beginning.entries ?? entriesOf(log, snapshot.index + 1),
    applied: beginning.applied ?? snapshot.index,
  };
}

/** Member 1 of voters 1, 2, 3 with an empty log, unless said otherwise. */
export function startNode(beginning: Beginning = {}): RawNode {
  const config = {
    id: beginning.id ?? 1n,
    electionTicks: 10,
    heartbeatTicks: 1,
    maxSizePerMessageBytes: 1024 * 1024,
    maxInflightMessages: 256,
    maxCommittedBytesPerReady: 1024 * 1024,
    checkQuorum: false,
    preVote: false,
    random: () => 0,
    ...beginning.config,
  };
  return new RawNode(config, initialState(beginning));
}

/** A leader that has committed and applied the empty entry of its term. */
export function startLeader(beginning: Beginning = {}): RawNode {
  const node = startNode(beginning);
  node.campaign();
  pump(node);
  const term = node.status().term;
  const others = initialState(beginning).confState.voters.filter((id) => id !== node.status().id);
  for (const from of others) receive(node, { type: MessageType.MsgVoteResp, from, term });
  pump(node);
  for (const from of others) receive(node, { type: MessageType.MsgAppResp, from, term, index: node.lastIndex() });
  pump(node);
  return node;
}

export function entriesOf(terms: readonly number[], firstIndex = 1): Entry[] {
  return terms.map((Term, i) => Entry.create({ Term, Index: firstIndex + i, Data: Buffer.from(`${firstIndex + i}`) }));
}

/** Steps a message to the node; what is left out is empty. */
export function receive(node: RawNode, message: Partial<Message>): void {
  node.step(Message.create({ to: node.status().id, ...message }));
}

export interface Pumped {
  /** In the order in which they were sent. */
  messages: Message[];
  committed: Entry[];
  reads: ReadState[];
  readys: Ready[];
}

/** Does what the node's Readys ask for, all of it and at once, until there is none. */
export function pump(node: RawNode): Pumped {
  const all: Pumped = { messages: [], committed: [], reads: [], readys: [] };
  while (node.hasReady()) {
    const ready = node.ready();
    node.persisted(ready);
    all.readys.push(ready);
    all.messages.push(...ready.messages, ...ready.messagesAfterPersist);
    all.committed.push(...ready.committedEntries);
    all.reads.push(...ready.readStates);
    const applied = ready.committedEntries.at(-1)?.Index ?? ready.snapshot?.metadata.index;
    if (applied !== undefined) node.applied(applied);
  }
  return all;
}

/** The messages of one type among those that the node sends now. */
export function sent(node: RawNode, type: MessageType): Message[] {
  return pump(node).messages.filter((message) => message.type === type);
}
