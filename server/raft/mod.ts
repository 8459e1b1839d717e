/**
 * Consensus as a pure state machine: no clock, no I/O, no randomness of its own. It speaks the messages of
 * etcd-io/raft as etcd 3.5 uses it (contract: disk-and-peer §2.1, §9), so that both can sit in one cluster.
 *
 * Whoever runs a `RawNode` gives it ticks, messages, proposals, and does what its Readys say:
 *
 * 1. Send `messages` at once, whatever the disk is doing.
 * 2. Store `snapshot`, then `entries`, then `hardState`, Ready by Ready in their order; force them to disk if
 *    `mustSync`. The next Ready may be asked for before that is done, and several may be forced to disk together.
 * 3. When a Ready is durable, call `persisted` with it (or with the last of several), then send its
 *    `messagesAfterPersist`. A Ready with nothing to store is durable as soon as all before it are.
 * 4. Install the `snapshot` of a durable Ready into the state machine, and apply `committedEntries`, all in the order
 *    of the Readys. For each configuration change among them call `applyConfChange`; then `applied` with the index.
 * 5. Answer a read when the state machine has applied the index of its read state.
 * 6. Send with a MsgSnap the snapshot in it, or any newer one of the applied state. It must be a newer one when the
 *    configuration in it lacks the receiver, which would ignore it. Report what became of each (`reportSnapshot`), and
 *    which peers messages do not reach (`reportUnreachable`).
 *
 * `maxUnappliedBytes` bounds what a leader takes in, `maxInflightBytes` what it sends to each of the others before they
 * call it durable; the caller bounds the requests that wait for their results.
 */
export { decodeConfChange, isConfChange, singleChange } from './conf-change.ts';
export { ConfChangeError, ProposalDropped, RaftError, TooManyUnapplied } from './errors.ts';
export { RawNode } from './raw-node.ts';
export type {
  InitialState,
  LogLevel,
  ProgressState,
  ProgressStatus,
  RaftConfig,
  RaftState,
  ReadState,
  Ready,
  SoftState,
  Status,
} from './types.ts';
