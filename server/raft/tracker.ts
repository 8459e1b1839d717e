import { type Configuration, sorted } from './conf-change.ts';
import type { InflightLimits } from './inflights.ts';
import { Progress } from './progress.ts';
import { committedIndex, quorumSize, type VoteResult, voteResult } from './quorum.ts';

/** The configuration in force, the progress of each of its members, and the votes of an election. */
export class Tracker {
  private readonly maxInflight: InflightLimits;
  private current: Configuration = { voters: new Set(), learners: new Set() };
  private members = new Map<bigint, Progress>();
  private readonly votes = new Map<bigint, boolean>();

  constructor(maxInflight: InflightLimits) {
    this.maxInflight = maxInflight;
  }

  get configuration(): Configuration {
    return this.current;
  }

  /** Members by ascending id. */
  get progress(): ReadonlyMap<bigint, Progress> {
    return this.members;
  }

  isVoter(id: bigint): boolean {
    return this.current.voters.has(id);
  }

  /** The only voter needs nobody's answer. */
  isOnlyVoter(id: bigint): boolean {
    return this.current.voters.size === 1 && this.current.voters.has(id);
  }

  /**
   * Puts a configuration in force. Members that stay keep their progress.
   *
   * @param next where to begin sending to members that are new
   */
  configure(configuration: Configuration, next: number): void {
    const members = new Map<bigint, Progress>();
    for (const id of sorted([...configuration.voters, ...configuration.learners])) {
      const isLearner = configuration.learners.has(id);
      const known = this.members.get(id);
      const progress = known ?? new Progress(next, this.maxInflight, isLearner);
      // A new member gets an election timeout to be heard from before its silence counts against the leader.
      if (known === undefined) progress.recentActive = true;
      progress.isLearner = isLearner;
      members.set(id, progress);
    }
    this.members = members;
    this.current = configuration;
  }

  /** The highest index that is durable on a majority of the voters. */
  committed(): number {
    const matches: number[] = [];
    for (const id of this.current.voters) matches.push(this.members.get(id)?.match ?? 0);
    return committedIndex(matches);
  }

  /** Whether a majority was heard from since the last call; begins the next period. */
  takeQuorumActive(self: bigint): boolean {
    let active = 0;
    for (const [id, progress] of this.members) {
      if (!progress.isLearner && (id === self || progress.recentActive)) active++;
      progress.recentActive = id === self;
    }
    return active >= quorumSize(this.current.voters.size);
  }

  hasQuorum(ids: ReadonlySet<bigint>): boolean {
    let count = 0;
    for (const id of this.current.voters) if (ids.has(id)) count++;
    return count >= quorumSize(this.current.voters.size);
  }

  resetVotes(): void {
    this.votes.clear();
  }

  /** The first answer of a member counts. */
  recordVote(id: bigint, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  hasVoted(id: bigint): boolean {
    return this.votes.has(id);
  }

  electionResult(): VoteResult {
    return voteResult(this.current.voters, this.votes);
  }
}
