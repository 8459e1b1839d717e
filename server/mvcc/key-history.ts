/**
 * The revisions of one key, oldest first.
 *
 * Upstream keeps a list of generations, one per life of the key. Only the newest life's creation and version are ever
 * asked for, and where lives end the tombstones tell, so one flat list does: the newest revision lies in the object,
 * older ones (there are none until a key is changed again, and none after a compaction) in pairs in an array.
 */
export class KeyHistory {
  private main = 0;
  /** Sub number times two, plus one for a tombstone. */
  private mark = 0;
  private created = 0;
  private versions = 0;
  /** main, mark, main, mark ... of all but the newest revision. */
  private older: number[] | undefined = undefined;

  /** Records a put at a revision newer than all before. */
  put(main: number, sub: number): void {
    const created = this.isAlive ? this.created : main;
    this.restore(main, sub, created, this.versions + 1);
  }

  /** Records a put whose creation and version are known, as they are when the index is rebuilt from the records. */
  restore(main: number, sub: number, created: number, version: number): void {
    this.append(main, sub * 2);
    this.created = created;
    this.versions = version;
  }

  /** Records a deletion at a revision newer than all before. */
  tombstone(main: number, sub: number): void {
    this.append(main, sub * 2 + 1);
    this.created = 0;
    this.versions = 0;
  }

  /** Whether the key exists at its newest revision. */
  get isAlive(): boolean {
    return this.main !== 0 && (this.mark & 1) === 0;
  }

  /** The main revision of the first put since the last deletion; 0 when the key does not exist. */
  get createRevision(): number {
    return this.created;
  }

  /** How often the key was put since the last deletion; 0 when it does not exist. */
  get version(): number {
    return this.versions;
  }

  /** How many revisions are recorded. */
  get length(): number {
    if (this.main === 0) return 0;
    return 1 + (this.older === undefined ? 0 : this.older.length / 2);
  }

  mainAt(position: number): number {
    return position === this.length - 1 ? this.main : (this.older?.[position * 2] as number);
  }

  subAt(position: number): number {
    return Math.floor(this.markAt(position) / 2);
  }

  isTombstoneAt(position: number): boolean {
    return this.markAt(position) % 2 === 1;
  }

  /** @returns the position of the newest revision that is not after `revision`, tombstone or not; -1 if there is none */
  newest(revision: number): number {
    const { older } = this;
    if (this.main <= revision) return this.length - 1;
    if (older === undefined) return -1;
    let low = 0;
    let high = older.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((older[middle * 2] as number) <= revision) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** @returns the position of the value that a reader at `revision` sees; -1 when the key does not exist there */
  visible(revision: number): number {
    const position = this.newest(revision);
    return position >= 0 && this.isTombstoneAt(position) ? -1 : position;
  }

  /**
   * @returns the position of the one revision, of those up to `revision`, that a compaction at `revision` retains: the
   * newest, unless it is a tombstone; but a tombstone exactly there stays (contract: disk-and-peer §5.2). -1 for none
   */
  retained(revision: number): number {
    const position = this.newest(revision);
    if (position < 0 || !this.isTombstoneAt(position) || this.mainAt(position) === revision) return position;
    return -1;
  }

  /** Forgets what a compaction at `revision` does not retain. @returns whether nothing is left */
  compact(revision: number): boolean {
    const retained = this.retained(revision);
    const first = retained >= 0 ? retained : this.newest(revision) + 1;
    if (first >= this.length) return true;
    if (this.older !== undefined && first > 0) {
      this.older = first * 2 >= this.older.length ? undefined : this.older.slice(first * 2);
    }
    return false;
  }

  private markAt(position: number): number {
    return position === this.length - 1 ? this.mark : (this.older?.[position * 2 + 1] as number);
  }

  private append(main: number, mark: number): void {
    if (this.main !== 0) {
      // A push on a small array reserves room for 17 elements; most keys have fewer revisions than that.
      if (this.older === undefined) this.older = [this.main, this.mark];
      else if (this.older.length < 16) this.older = this.older.concat(this.main, this.mark);
      else this.older.push(this.main, this.mark);
    }
    this.main = main;
    this.mark = mark;
  }
}
