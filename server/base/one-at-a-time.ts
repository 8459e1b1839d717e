/** Runs pieces of work one after the other, and refuses what would have to wait too long. */
export class OneAtATime {
  private readonly maxWaiting: number;
  private last: Promise<unknown> = Promise.resolve();
  private unfinished = 0;

  /** @param maxWaiting how many may wait for the one that runs */
  constructor(maxWaiting: number) {
    this.maxWaiting = maxWaiting;
  }

  /** Whether one more would be refused. */
  get isFull(): boolean {
    return this.unfinished > this.maxWaiting;
  }

  /**
   * @param refuse makes the error when too many wait already
   * @returns what `work` does, once all before it have ended
   */
  async run<T>(work: () => Promise<T>, refuse: () => Error): Promise<T> {
    if (this.isFull) throw refuse();
    this.unfinished++;
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.unfinished--;
    }
  }
}
