/**
 * One page of the tree, read in place (contract: disk-and-peer §4.1, §4.3). A page is checked once, when it is made
 * from bytes; after that every position in it is known to lie within it.
 */

import { Entry } from './entry.ts';
import { elementBytes, maxKeyBytes, PageFlag, pageHeaderBytes } from './format.ts';

/**
 * Orders two byte strings. A loop beats Buffer.compare on keys as short as etcd's.
 *
 * @returns negative, 0 or positive
 */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aSize: number,
  b: Uint8Array,
  bStart: number,
  bSize: number,
): number {
  const common = Math.min(aSize, bSize);
  for (let i = 0; i < common; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aSize - bSize;
}

export class Page {
  /** 0 for the page image of an inline bucket. */
  readonly id: number;
  readonly bytes: Buffer;
  readonly isLeaf: boolean;
  readonly count: number;
  private readonly view: DataView;

  /** Use `parsePage` for bytes that come from a file. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.id = pageIdOf(this.view, 0);
    this.isLeaf = this.view.getUint16(8, true) === PageFlag.Leaf;
    this.count = this.view.getUint16(10, true);
  }

  /** The same page in memory of its own. */
  copy(): Page {
    return new Page(Buffer.from(this.bytes));
  }

  flags(index: number): number {
    return this.view.getUint32(pageHeaderBytes + index * elementBytes, true);
  }

  /** Offset of the key in `bytes`; in a leaf the value follows it. */
  keyStart(index: number): number {
    const element = pageHeaderBytes + index * elementBytes;
    return element + this.view.getUint32(this.isLeaf ? element + 4 : element, true);
  }

  keySize(index: number): number {
    const element = pageHeaderBytes + index * elementBytes;
    return this.view.getUint32(this.isLeaf ? element + 8 : element + 4, true);
  }

  valueSize(index: number): number {
    return this.view.getUint32(pageHeaderBytes + index * elementBytes + 12, true);
  }

  /** Page id below a branch's element. */
  child(index: number): number {
    return pageIdOf(this.view, pageHeaderBytes + index * elementBytes + 8);
  }

  key(index: number): Buffer {
    const start = this.keyStart(index);
    return this.bytes.subarray(start, start + this.keySize(index));
  }

  value(index: number): Buffer {
    const start = this.keyStart(index) + this.keySize(index);
    return this.bytes.subarray(start, start + this.valueSize(index));
  }

  entry(index: number): Entry {
    const { bytes } = this;
    if (!this.isLeaf) return Entry.branch(bytes, this.keyStart(index), this.keySize(index), this.child(index));
    return Entry.leaf(bytes, this.keyStart(index), this.keySize(index), this.valueSize(index), this.flags(index));
  }

  /** @returns the order of element `index`'s key against the given one */
  compareKey(index: number, key: Uint8Array, keyStart: number, keySize: number): number {
    return compareBytes(this.bytes, this.keyStart(index), this.keySize(index), key, keyStart, keySize);
  }

  /** @returns the first index at or behind `from` whose key is not less than the given one, or `count` */
  lowerBound(key: Uint8Array, keyStart: number, keySize: number, from = 0): number {
    let low = from;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compareKey(middle, key, keyStart, keySize) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns the index of the branch element under which the key belongs */
  childFor(key: Uint8Array, keyStart: number, keySize: number): number {
    const at = this.lowerBound(key, keyStart, keySize);
    if (at < this.count && this.compareKey(at, key, keyStart, keySize) === 0) return at;
    return at === 0 ? 0 : at - 1;
  }
}

function pageIdOf(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * 2 ** 32;
}

/** What a page's header says. */
export interface PageHeader {
  readonly id: number;
  readonly flags: number;
  readonly count: number;
  readonly overflow: number;
}

export function readPageHeader(bytes: Buffer): PageHeader {
  return {
    id: Number(bytes.readBigUInt64LE(0)),
    flags: bytes.readUInt16LE(8),
    count: bytes.readUInt16LE(10),
    overflow: bytes.readUInt32LE(12),
  };
}

/**
 * Makes a page of bytes from a file, checking all that needs no other page, except the order of keys.
 *
 * @param bytes the page with its overflow, or the image in an inline bucket's value
 * @param highWater children must be below it
 * @returns the page, or what is wrong with it
 */
export function parsePage(bytes: Buffer, highWater: number): Page | string {
  if (bytes.length < pageHeaderBytes) return `${bytes.length} bytes are too few for a page`;
  const { flags, count } = readPageHeader(bytes);
  if (flags !== PageFlag.Branch && flags !== PageFlag.Leaf) {
    return `flags 0x${flags.toString(16)} instead of a branch's or a leaf's`;
  }
  if (flags === PageFlag.Branch && count === 0) return 'a branch without children';
  const tableEnd = pageHeaderBytes + count * elementBytes;
  if (tableEnd > bytes.length) return `${count} elements do not fit ${bytes.length} bytes`;
  const page = new Page(bytes);
  for (let i = 0; i < count; i++) {
    const keyStart = page.keyStart(i);
    const keySize = page.keySize(i);
    const end = keyStart + keySize + (page.isLeaf ? page.valueSize(i) : 0);
    if (keySize === 0 || keySize > maxKeyBytes) return `element ${i} has a key of ${keySize} bytes`;
    if (keyStart < tableEnd || end > bytes.length) return `element ${i} lies outside of the page`;
    if (!page.isLeaf && (page.child(i) < 2 || page.child(i) >= highWater)) {
      return `element ${i} points to page ${page.child(i)} of ${highWater}`;
    }
  }
  return page;
}
