/** Beyond either the disk is not waited for: the mean of recent syncs, and a single one: a tenth of a heartbeat. */
const slowMeanMs = 1;
const slowSyncMs = 10;
/** How many of the latest syncs the mean is about. */
const window = 16;
/** After a slow one, so many syncs in a row must have gone by before the next is waited for. */
const pauseSyncs = 100;

/**
 * Whether a disk is so quick that waiting for it takes less time than asking a thread of the pool to. A disk cannot say
 * beforehand that it is going to be slow: that holds up at most one sync in a hundred, and none as long as each takes
 * longer than 10 ms. Only syncs count. Raft saves far more often than it syncs, and a save without one, which takes no
 * time however slow the disk is, would make the mean look good and end the pause early.
 */
export class DiskPace {
  private meanMs = 0;
  private pause = 0;

  get isQuick(): boolean {
    return this.pause === 0;
  }

  /** A write with its sync was waited for. */
  waited(durationMs: number): void {
    this.meanMs = Math.min(slowMeanMs, this.meanMs + (durationMs - this.meanMs) / window);
    if (this.meanMs >= slowMeanMs || durationMs > slowSyncMs) this.pause = pauseSyncs;
  }

  /**
   * The pool has made a sync. Not by the mean's measure: what the event loop did before it got to the answer is in the
   * time as well, and on a busy member that alone is more than a millisecond.
   */
  passed(durationMs: number): void {
    if (this.pause > 0) this.pause = durationMs > slowSyncMs ? pauseSyncs : this.pause - 1;
  }
}
