/**
 * The sliding window of MsgApps under way to one peer: the last index of each, ascending, in a ring that grows up to
 * its limit as it is needed.
 */
export class Inflights {
  private readonly limit: number;
  private ring: number[] = [];
  private start = 0;
  private used = 0;

  /** @param limit messages under way at most */
  constructor(limit: number) {
    this.limit = limit;
  }

  get count(): number {
    return this.used;
  }

  isFull(): boolean {
    return this.used >= this.limit;
  }

  /** Takes up a message whose last entry is `lastIndex`. The window must not be full. */
  add(lastIndex: number): void {
    if (this.used === this.ring.length) this.grow();
    this.ring[(this.start + this.used) % this.ring.length] = lastIndex;
    this.used++;
  }

  /** Frees the messages that an acknowledgement of `index` covers. */
  freeUpTo(index: number): void {
    while (this.used > 0 && (this.ring[this.start] as number) <= index) this.freeFirst();
  }

  /** Frees the oldest message: room for a probe when the answers may have been lost. */
  freeFirst(): void {
    if (this.used === 0) return;
    this.start = (this.start + 1) % this.ring.length;
    this.used--;
  }

  clear(): void {
    this.start = 0;
    this.used = 0;
  }

  private grow(): void {
    const size = Math.min(Math.max(16, this.ring.length * 2), this.limit);
    const grown = new Array<number>(size).fill(0);
    for (let i = 0; i < this.used; i++) grown[i] = this.ring[(this.start + i) % this.ring.length] as number;
    this.ring = grown;
    this.start = 0;
  }
}
