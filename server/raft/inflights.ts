/** What may be under way before the window is full. */
export interface InflightLimits {
  readonly messages: number;
  /** A message more may go out as long as the others together are below it. */
  readonly bytes: number;
}

interface Inflight {
  lastIndex: number;
  sizeBytes: number;
}

/**
 * The sliding window of MsgApps under way to one peer: the last index of each, ascending, in a ring that grows up to
 * its limit as it is needed.
 */
export class Inflights {
  private readonly limits: InflightLimits;
  private ring: Inflight[] = [];
  private start = 0;
  private used = 0;
  private usedBytes = 0;

  constructor(limits: InflightLimits) {
    this.limits = limits;
  }

  get count(): number {
    return this.used;
  }

  isFull(): boolean {
    return this.used >= this.limits.messages || this.usedBytes >= this.limits.bytes;
  }

  /** Takes up a message whose last entry is `lastIndex`. The window must not be full. */
  add(lastIndex: number, sizeBytes: number): void {
    if (this.used === this.ring.length) this.grow();
    const slot = this.at(this.used);
    slot.lastIndex = lastIndex;
    slot.sizeBytes = sizeBytes;
    this.used++;
    this.usedBytes += sizeBytes;
  }

  /** Frees the messages that an acknowledgement of `index` covers. */
  freeUpTo(index: number): void {
    while (this.used > 0 && this.at(0).lastIndex <= index) this.freeFirst();
  }

  /** Frees the oldest message: room for a probe when the answers may have been lost. */
  freeFirst(): void {
    if (this.used === 0) return;
    this.usedBytes -= this.at(0).sizeBytes;
    this.start = (this.start + 1) % this.ring.length;
    this.used--;
  }

  clear(): void {
    this.start = 0;
    this.used = 0;
    this.usedBytes = 0;
  }

  private at(position: number): Inflight {
    return this.ring[(this.start + position) % this.ring.length] as Inflight;
  }

  private grow(): void {
    const size = Math.min(Math.max(16, this.ring.length * 2), this.limits.messages);
    const grown = Array.from({ length: size }, (_, i) => (i < this.used ? this.at(i) : { lastIndex: 0, sizeBytes: 0 }));
    this.ring = grown;
    this.start = 0;
  }
}
