/** Samples, and what is said about them. */

/** Numbers that only grow in count; kept out of the heap's objects, since there may be millions. */
export class Samples {
  private values = new Float64Array(4096);
  private size = 0;

  get count(): number {
    return this.size;
  }

  add(value: number): void {
    if (this.size === this.values.length) {
      const larger = new Float64Array(2 * this.size);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.size++] = value;
  }

  clear(): void {
    this.size = 0;
  }

  /**
   * The nearest rank: a value that was measured, with so much of all samples at or below it.
   *
   * @param share from 0 to 1 each
   * @returns NaN for each when there are no samples
   */
  percentiles(...shares: number[]): number[] {
    const sorted = this.values.subarray(0, this.size).toSorted();
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  }
}

/** What came of a load that went on for a while. */
export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were counted. */
  readonly count: number;
}
