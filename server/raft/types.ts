/** What goes into the state machine and what comes out. */
import type { ConfState, Entry, HardState, Message, Snapshot } from '../proto/gen/raft.ts';

export type RaftState = 'follower' | 'pre-candidate' | 'candidate' | 'leader';
export type LogLevel = 'debug' | 'info' | 'warn';

export interface RaftConfig {
  id: bigint;
  /** Ticks without a leader until a member campaigns; the timeout is drawn from [electionTicks, 2 * electionTicks). */
  electionTicks: number;
  /** Ticks between a leader's heartbeats. */
  heartbeatTicks: number;
  /** Entries in one MsgApp, in bytes; one entry is sent however large it is. */
  maxSizePerMessageBytes: number;
  /** MsgApps under way to one peer before the leader waits for an answer. */
  maxInflightMessages: number;
  /** Entries in them, in bytes; one MsgApp is sent however large it is. No limit unless given. */
  maxInflightBytes?: number;
  /**
   * Entries behind the applied ones, in bytes, with which a leader takes up no more proposals; one is taken up however
   * large it is. No limit unless given.
   */
  maxUnappliedBytes?: number;
  /** Committed entries in one Ready, in bytes; one entry is handed out however large it is. */
  maxCommittedBytesPerReady: number;
  /** A leader steps down when it has not heard from a quorum for an election timeout; voters protect a live leader. */
  checkQuorum: boolean;
  /** Ask whether an election could be won before disturbing anyone with a new term (thesis §9.6). */
  preVote: boolean;
  /** In [0, 1). */
  random: () => number;
  log?: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
}

/** What was found on disk. All of it is durable. */
export interface InitialState {
  hardState: HardState;
  /** The configuration as of `applied`. */
  confState: ConfState;
  /** The newest snapshot; index 0 says that there is none. */
  snapshot: Snapshot;
  /** Contiguous, from `snapshot.metadata.index + 1`. */
  entries: Entry[];
  /** The state machine has applied everything up to here; the next committed entry handed out is the one behind it. */
  applied: number;
}

export interface SoftState {
  /** 0 when no leader is known. */
  lead: bigint;
  state: RaftState;
}

/** A read asked for with `context` may be answered as soon as the state machine has applied `index`. */
export interface ReadState {
  index: number;
  context: Uint8Array;
}

/** What is to be done now. See `mod.ts` for the order in which to do it. */
export interface Ready {
  /** 1 for the first Ready, and one more for each. */
  readonly sequence: number;
  /** When it changed. Not to be stored. */
  softState?: SoftState;
  /** When it changed. */
  hardState?: HardState;
  /** To append to the log file; they replace entries of the same and higher indexes that are there. */
  entries: Entry[];
  /** Received from the leader: to store in place of the whole log, and to install before anything later is applied. */
  snapshot?: Snapshot;
  /** Whether what is to be stored must be forced to disk: entries, a snapshot, or a new term or vote. */
  mustSync: boolean;
  /** To send at once. */
  messages: Message[];
  /** To send only when this Ready and all before it are durable. */
  messagesAfterPersist: Message[];
  /** To apply, in order. They are durable here and on a quorum. */
  committedEntries: Entry[];
  readStates: ReadState[];
}

export interface ProgressStatus {
  /** The highest index known to be durable on the peer. */
  match: number;
  /** The index of the next entry to send. */
  next: number;
  state: ProgressState;
  recentActive: boolean;
  isLearner: boolean;
  /** MsgApps under way. */
  inflight: number;
}

/** What the leader does about a peer's log: find out where it ends, stream to it, or wait for a snapshot to arrive. */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export interface Status {
  id: bigint;
  term: number;
  vote: bigint;
  commit: number;
  applied: number;
  lead: bigint;
  state: RaftState;
  lastIndex: number;
  /** 0 when leadership is not being transferred. */
  leadTransferee: bigint;
  /** Voters and learners with the leader itself among them; empty on the others. */
  progress: Map<bigint, ProgressStatus>;
}
