/**
 * Which pages are free, as a bitmap, and which become free once nobody needs them any more.
 *
 * A page freed by transaction N still belongs to the state before N: it may be reused when N is durable (until then a
 * crash leads back to that state) and no reader of N or an earlier state is left (contract: disk-and-peer §4.7).
 */
export class FreePages {
  private words: Uint32Array;
  private free = 0;
  /** Freed by each transaction, oldest first. */
  private waiting: { txid: number; pages: number[] }[] = [];
  private waitingCount = 0;
  /** Per run length, where a search may start: everything before is known not to have such a run. */
  private searchFrom = new Map<number, number>();

  /** @param pageCount pages that the bitmap has room for at first; it grows by itself */
  constructor(pageCount: number) {
    this.words = new Uint32Array((pageCount >>> 5) + 1);
  }

  /** Number of pages that may be used at once. */
  get count(): number {
    return this.free;
  }

  /** Number of pages that wait for a transaction to be durable or a reader to close. */
  get pending(): number {
    return this.waitingCount;
  }

  has(id: number): boolean {
    return (((this.words[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
  }

  /** Marks pages free at once. They must not be free already. */
  add(ids: Iterable<number>): void {
    for (const id of ids) {
      if (this.has(id)) throw new Error(`page ${id} is freed twice`);
      this.reserve(id);
      this.words[id >>> 5] = ((this.words[id >>> 5] as number) | (1 << (id & 31))) >>> 0;
      this.free++;
    }
    this.searchFrom.clear();
  }

  /** Remembers what transaction `txid` freed. Transactions come in order. */
  addPending(txid: number, pages: number[]): void {
    if (pages.length === 0) return;
    this.waiting.push({ txid, pages });
    this.waitingCount += pages.length;
  }

  /** Pages that are neither in use nor free yet. */
  *pendingPages(): Iterable<number> {
    for (const { pages } of this.waiting) yield* pages;
  }

  /** Frees what transactions up to `txid` have freed. */
  release(txid: number): void {
    let done = 0;
    for (const { txid: of, pages } of this.waiting) {
      if (of > txid) break;
      this.add(pages);
      this.waitingCount -= pages.length;
      done++;
    }
    if (done > 0) this.waiting = this.waiting.slice(done);
  }

  /**
   * Takes a run of pages, the lowest there is, which keeps the file compact.
   *
   * @returns the first page's id, or undefined when there is no such run
   */
  allocate(length: number): number | undefined {
    if (length > this.free) return undefined;
    const from = this.searchFrom.get(length) ?? 0;
    const start = this.findRun(length, from);
    this.searchFrom.set(length, start === undefined ? this.words.length * 32 : start + length);
    if (start === undefined) return undefined;
    for (let id = start; id < start + length; id++) {
      this.words[id >>> 5] = ((this.words[id >>> 5] as number) & ~(1 << (id & 31))) >>> 0;
    }
    this.free -= length;
    return start;
  }

  private findRun(length: number, from: number): number | undefined {
    const end = this.words.length * 32;
    let run = 0;
    for (let id = from; id < end; id++) {
      const word = this.words[id >>> 5] as number;
      if (word === 0) {
        run = 0;
        id |= 31;
      } else if (((word >>> (id & 31)) & 1) === 0) {
        run = 0;
      } else if (++run === length) {
        return id - length + 1;
      }
    }
    return undefined;
  }

  private reserve(id: number): void {
    if (id >>> 5 < this.words.length) return;
    const grown = new Uint32Array(Math.max((id >>> 5) + 1, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
  }
}
