/** How much a peer may send ahead, and when to allow it more (RFC 9113 §5.2). */
export class ReceiveWindow {
  private readonly sizeBytes: number;
  private leftBytes: number;
  private consumedBytes = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.leftBytes = sizeBytes;
  }

  /** @returns false when the peer has sent more than it may */
  take(bytes: number): boolean {
    this.leftBytes -= bytes;
    return this.leftBytes >= 0;
  }

  /**
   * Bytes that were taken are out of the way.
   *
   * @returns by how much the window is to be opened now; 0 until half of it is used, so that updates are few
   */
  give(bytes: number): number {
    this.consumedBytes += bytes;
    if (this.consumedBytes * 2 < this.sizeBytes) return 0;
    const increment = this.consumedBytes;
    this.leftBytes += increment;
    this.consumedBytes = 0;
    return increment;
  }
}
