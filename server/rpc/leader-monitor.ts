/**
 * Cuts open streams whose client asked for a member that has a leader (`hasleader: true`), once the member has seen
 * none for three election timeouts in a row (contract: api.md §2.1).
 */

/** Looks in a row without a leader, after which streams are cut. */
const maxLeaderlessLooks = 3;

export class LeaderMonitor {
  private readonly hasLeader: () => boolean;
  private readonly electionTimeoutMs: number;
  private readonly cuts = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private leaderlessLooks = 0;

  constructor(hasLeader: () => boolean, electionTimeoutMs: number) {
    this.hasLeader = hasLeader;
    this.electionTimeoutMs = electionTimeoutMs;
  }

  /**
   * @param cut ends the stream; called at most once
   * @returns to be called when the stream has ended otherwise
   */
  watch(cut: () => void): () => void {
    this.cuts.add(cut);
    if (this.timer === undefined) {
      this.leaderlessLooks = 0;
      this.timer = setInterval(() => this.look(), this.electionTimeoutMs);
      this.timer.unref();
    }
    return () => {
      this.cuts.delete(cut);
      this.stopWhenIdle();
    };
  }

  private look(): void {
    this.leaderlessLooks = this.hasLeader() ? 0 : this.leaderlessLooks + 1;
    if (this.leaderlessLooks < maxLeaderlessLooks) return;
    this.leaderlessLooks = 0;
    const cuts = [...this.cuts];
    this.cuts.clear();
    for (const cut of cuts) cut();
    this.stopWhenIdle();
  }

  private stopWhenIdle(): void {
    if (this.cuts.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
