/** Bytes that arrive in pieces and are taken out in other pieces. */
export class ByteQueue {
  private chunks: Buffer[] = [];
  /** Bytes of the first chunk that are taken already. */
  private taken = 0;
  /** Bytes that can be taken. */
  length = 0;

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.length += chunk.length;
  }

  /**
   * Takes the next `size` bytes: a view when they came in one piece, else one copy.
   *
   * @param size at most `length`
   */
  take(size: number): Buffer {
    if (size > this.length) throw new RangeError(`take ${size} of ${this.length} bytes`);
    if (size === 0) return Buffer.alloc(0);
    this.length -= size;
    const first = this.chunks[0] as Buffer;
    if (first.length - this.taken >= size) {
      const view = first.subarray(this.taken, this.taken + size);
      this.advance(size);
      return view;
    }
    const copy = Buffer.allocUnsafeSlow(size);
    for (let done = 0; done < size; ) {
      const chunk = this.chunks[0] as Buffer;
      const count = Math.min(chunk.length - this.taken, size - done);
      chunk.copy(copy, done, this.taken, this.taken + count);
      done += count;
      this.advance(count);
    }
    return copy;
  }

  private advance(count: number): void {
    this.taken += count;
    if (this.taken === this.chunks[0]?.length) {
      this.chunks.shift();
      this.taken = 0;
    }
  }
}
