/** An allowance that comes back with time: what a client may do often, but not without end. */
export class Budget {
  private readonly burst: number;
  private readonly perMs: number;
  private left: number;
  private lastMs: number;

  /** @param perSecond what comes back, up to `burst` */
  constructor(burst: number, perSecond: number, nowMs: number) {
    this.burst = burst;
    this.perMs = perSecond / 1000;
    this.left = burst;
    this.lastMs = nowMs;
  }

  /** @returns false when it is used up */
  spend(nowMs: number): boolean {
    if (this.left < 1) {
      this.left = Math.min(this.burst, this.left + (nowMs - this.lastMs) * this.perMs);
      this.lastMs = nowMs;
    }
    this.left--;
    return this.left >= 0;
  }
}
