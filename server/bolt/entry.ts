/**
 * A pair on its way into a page: where its bytes lie now, a page or memory of a transaction. The value follows the
 * key directly, as it does in a page, so an entry is written by one copy.
 */
export class Entry {
  readonly bytes: Buffer;
  readonly start: number;
  readonly keySize: number;
  readonly valueSize: number;
  /** Flags of a leaf's element. */
  readonly flags: number;
  /** Page below a branch's element. */
  readonly child: number;
  /** In a set of changes: the key is to go. */
  readonly deleted: boolean;

  private constructor(
    bytes: Buffer,
    start: number,
    keySize: number,
    valueSize: number,
    flags: number,
    child: number,
    deleted: boolean,
  ) {
    this.bytes = bytes;
    this.start = start;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.flags = flags;
    this.child = child;
    this.deleted = deleted;
  }

  static leaf(bytes: Buffer, start: number, keySize: number, valueSize: number, flags: number): Entry {
    return new Entry(bytes, start, keySize, valueSize, flags, 0, false);
  }

  static branch(bytes: Buffer, start: number, keySize: number, child: number): Entry {
    return new Entry(bytes, start, keySize, 0, 0, child, false);
  }

  static deletion(bytes: Buffer, start: number, keySize: number): Entry {
    return new Entry(bytes, start, keySize, 0, 0, 0, true);
  }

  key(): Buffer {
    return this.bytes.subarray(this.start, this.start + this.keySize);
  }

  value(): Buffer {
    const start = this.start + this.keySize;
    return this.bytes.subarray(start, start + this.valueSize);
  }
}
