/**
 * The state that all roles share, the way between terms, and the outgoing messages. What a role does with it is in
 * `election.ts`, `leader.ts`, `follower.ts`, `reads.ts` and `membership.ts`; `step.ts` decides who is to act.
 */
import type { HardState } from '../proto/gen/raft.ts';
import { Message, MessageType } from '../proto/gen/raft.ts';
import { configurationOf } from './conf-change.ts';
import { RaftLog } from './log.ts';
import { ReadQueue } from './read-queue.ts';
import { Tracker } from './tracker.ts';
import type { InitialState, LogLevel, RaftConfig, RaftState, ReadState } from './types.ts';

export class Core {
  readonly config: RaftConfig;
  readonly id: bigint;
  readonly log: RaftLog;
  readonly tracker: Tracker;
  readonly reads = new ReadQueue();

  term: number;
  vote: bigint;
  state: RaftState = 'follower';
  /** 0 when no leader is known. */
  lead = 0n;
  /** Whom leadership is being transferred to; 0 for nobody. */
  leadTransferee = 0n;
  /** No configuration change is taken up before the entry of this index is applied. */
  pendingConfIndex = 0;
  /** The entry, if any, that takes away one of only two voters; see `proposeAsLeader`. */
  pairEndsAt = 0;
  /** Ticks since the leader was heard from or voted for; on a leader, since its last check for a quorum. */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  /** This term's election timeout in ticks. */
  electionTimeout = 0;

  /** What the next Ready will carry. */
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];
  /** Peers that are due a MsgApp, and whether even without entries: it may carry a commit index or probe. */
  readonly appendDue = new Map<bigint, boolean>();

  /** @throws RaftError, ConfChangeError for a state that cannot be continued */
  constructor(config: RaftConfig, initial: InitialState) {
    this.config = config;
    this.id = config.id;
    this.log = new RaftLog(initial);
    this.tracker = new Tracker({
      messages: config.maxInflightMessages,
      bytes: config.maxInflightBytes ?? Number.POSITIVE_INFINITY,
    });
    this.tracker.configure(configurationOf(initial.confState), this.log.lastIndex + 1);
    this.term = initial.hardState.term;
    this.vote = initial.hardState.vote;
    this.drawElectionTimeout();
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** Whether this member may lead: a voter that does not wait for a snapshot to be stored. */
  isPromotable(): boolean {
    return this.tracker.isVoter(this.id) && !this.log.hasUnsavedSnapshot();
  }

  becomeFollower(term: number, lead: bigint): void {
    if (this.state !== 'follower' || this.term !== term || this.lead !== lead) {
      this.trace('debug', 'became follower', { term, lead });
    }
    this.reset(term);
    this.state = 'follower';
    this.lead = lead;
  }

  /** Begins a term, or begins it anew: no leader, no votes, nothing known of the others. */
  reset(term: number): void {
    if (term !== this.term) {
      this.term = term;
      this.vote = 0n;
    }
    this.lead = 0n;
    this.leadTransferee = 0n;
    this.pendingConfIndex = 0;
    this.pairEndsAt = 0;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.drawElectionTimeout();
    this.tracker.resetVotes();
    for (const progress of this.tracker.progress.values()) progress.reset(this.log.lastIndex + 1);
    this.reads.clear();
    this.appendDue.clear();
  }

  /**
   * Queues a message from this member in its term, unless `init` says otherwise. Whatever promises something to others
   * (a vote, an acknowledged entry, a candidacy) waits until that is durable.
   */
  send(init: Partial<Message> & Pick<Message, 'type' | 'to'>): void {
    const message = Message.create({ from: this.id, term: this.term, ...init });
    switch (message.type) {
      case MessageType.MsgAppResp:
      case MessageType.MsgVote:
      case MessageType.MsgVoteResp:
      case MessageType.MsgPreVoteResp:
        this.messagesAfterPersist.push(message);
        break;
      default:
        this.messages.push(message);
    }
  }

  trace(level: LogLevel, message: string, fields: Record<string, unknown>): void {
    this.config.log?.(level, message, fields);
  }

  private drawElectionTimeout(): void {
    const { electionTicks, random } = this.config;
    this.electionTimeout = electionTicks + Math.floor(random() * electionTicks);
  }
}
