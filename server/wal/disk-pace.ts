/** Beyond either the disk is not waited for: the mean of recent writes, and a single one: a tenth of a heartbeat. */
const slowMeanMs = 1;
const slowWriteMs = 10;
/** How many of the latest writes the mean is about. */
const window = 16;
/** After a slow one, so many writes go by before the next is waited for. */
const pauseWrites = 100;

/**
 * Whether a disk is so quick that waiting for it takes less time than asking a thread of the pool to. A disk cannot say
 * beforehand that it is going to be slow: that holds up at most one write in a hundred.
 */
export class DiskPace {
  private meanMs = 0;
  private pause = 0;

  get isQuick(): boolean {
    return this.pause === 0;
  }

  /** A write was waited for. */
  waited(durationMs: number): void {
    this.meanMs = Math.min(slowMeanMs, this.meanMs + (durationMs - this.meanMs) / window);
    if (this.meanMs >= slowMeanMs || durationMs > slowWriteMs) this.pause = pauseWrites;
  }

  /** A write has gone to the pool. */
  passed(): void {
    if (this.pause > 0) this.pause--;
  }
}
