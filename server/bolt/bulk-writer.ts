/**
 * Writes a whole database from sorted pairs, front to back, compactly (contract: disk-and-peer §4.6): for defrag,
 * restore, and new files. Memory stays at a few pages, whatever the size.
 */
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import { WriteBehind, writeBytes } from '../base/write-behind.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { type Bucket, bucketNameBytes, encodeBucket, inlineBucket, mayBeInline } from './bucket.ts';
import { Slab } from './change-set.ts';
import { Entry } from './entry.ts';
import {
  bucketElementFlag,
  defaultPageSize,
  elementBytes,
  encodeMetaPage,
  maxKeyBytes,
  maxValueBytes,
  pageHeaderBytes,
} from './format.ts';
import { compareBytes, type Page } from './page.ts';
import { encodePage, entryBytes, imageBytes } from './page-writer.ts';

export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** A bucket's name (see `bucketName`) and its pairs in ascending order of keys, each key once. */
export type BulkBucket = {
  readonly name: string;
} & (
  | { readonly pairs: Iterable<Pair> | AsyncIterable<Pair> }
  /** Of another database. Each is read before the next is asked for. */
  | { readonly leaves: Iterable<Page> }
);

export interface BulkOptions {
  fs?: FileSystem;
  pageSize?: number;
  /** Of the state that the file holds. An odd one is raised by one, so that it lies in page 0 by the usual rule. */
  txid?: number;
  /** How full a leaf is made, 0 to 1. */
  fill?: number;
  /** False: leave syncing to the caller. */
  sync?: boolean;
}

/** Most leaves are no larger. */
const initialLeafBytes = 64 * 1024;

/**
 * Creates or replaces the file. It is complete and durable (its name is not: sync the directory) when this resolves;
 * until then its meta pages are zero, and nothing opens it.
 *
 * @param buckets in ascending order of names
 * @throws BoltError BOLT_ORDER, BOLT_KEY_SIZE, BOLT_VALUE_SIZE; errors of the file system as they come. The file
 *   stays behind then
 */
export async function writeDatabase(
  path: string,
  buckets: Iterable<BulkBucket>,
  options: BulkOptions = {},
): Promise<void> {
  const { fs = nodeFileSystem, pageSize = defaultPageSize, txid = 2, fill = 0.9, sync = true } = options;
  const file = await fs.open(path, 'create');
  try {
    const pages = new PageStream(file, pageSize);
    const root = new TreeWriter(path, pages, 1);
    for (const bucket of buckets) {
      const tree = new TreeWriter(path, pages, fill);
      if ('leaves' in bucket) await copyLeaves(tree, pages, bucket.leaves);
      else await writePairs(tree, pages, bucket.pairs);
      root.add(bucketNameBytes(bucket.name), encodeBucket(tree.finishBucket()), bucketElementFlag);
    }
    const rootId = root.finish();
    await pages.finish();
    if (sync) await file.datasync();
    const even = txid + (txid % 2);
    const meta = { pageSize, root: rootId, freeList: undefined, highWater: pages.nextId, txid: even };
    const earlier = { ...meta, txid: Math.max(0, even - 1) };
    await file.write([encodeMetaPage(meta, 0), encodeMetaPage(earlier, 1)], 0);
    if (sync) await file.datasync();
  } finally {
    await file.close();
  }
}

async function copyLeaves(tree: TreeWriter, pages: PageStream, leaves: Iterable<Page>): Promise<void> {
  for (const leaf of leaves) {
    for (let i = 0; i < leaf.count; i++) {
      tree.addBytes(leaf.bytes, leaf.keyStart(i), leaf.keySize(i), leaf.valueSize(i), leaf.flags(i));
    }
    if (pages.isFull) await pages.flush();
  }
}

async function writePairs(
  tree: TreeWriter,
  pages: PageStream,
  pairs: Iterable<Pair> | AsyncIterable<Pair>,
): Promise<void> {
  if (Symbol.asyncIterator in pairs) {
    for await (const [key, value] of pairs) {
      tree.add(key, value, 0);
      if (pages.isFull) await pages.flush();
    }
  } else {
    // Apart, because waiting for each pair of millions takes longer than writing them.
    for (const [key, value] of pairs) {
      tree.add(key, value, 0);
      if (pages.isFull) await pages.flush();
    }
  }
}

/** Gives pages out one after the other and writes them in large pieces. */
class PageStream {
  readonly pageSize: number;
  nextId = 2;
  private readonly writer: WriteBehind;
  /** Pages lie in one while the other is written. */
  private block = Buffer.allocUnsafeSlow(writeBytes);
  private other = Buffer.allocUnsafeSlow(writeBytes);
  private used = 0;

  constructor(file: StorageFile, pageSize: number) {
    this.writer = new WriteBehind(file, 2 * pageSize);
    this.pageSize = pageSize;
  }

  get isFull(): boolean {
    return this.writer.isFull;
  }

  /** Writes entries `0 <= i < to` to the next page. @returns its id */
  append(entries: readonly Entry[], isLeaf: boolean, to: number): number {
    const id = this.nextId;
    const pageCount = Math.ceil(imageBytes(entries, 0, to) / this.pageSize);
    const bytes = this.take(pageCount * this.pageSize);
    encodePage(bytes, id, isLeaf, pageCount - 1, entries, 0, to);
    this.nextId += pageCount;
    this.writer.add(bytes);
    return id;
  }

  async flush(): Promise<void> {
    await this.writer.flush();
    [this.block, this.other] = [this.other, this.block];
    this.used = 0;
  }

  finish(): Promise<void> {
    return this.writer.finish();
  }

  /** @returns zeroed memory: of the block, as long as there is room in it */
  private take(sizeBytes: number): Buffer {
    const end = this.used + sizeBytes;
    if (end > this.block.length) return Buffer.alloc(sizeBytes);
    const bytes = this.block.subarray(this.used, end);
    this.used = end;
    return bytes.fill(0);
  }
}

/** Entries of one level of a tree that are on no page yet. */
interface Level {
  entries: Entry[];
  sizeBytes: number;
}

/** Builds one tree from ascending pairs: leaves as they fill up, and the branches above them as those do. */
class TreeWriter {
  private readonly path: string;
  private readonly pages: PageStream;
  private readonly leafRoom: number;
  private readonly branchRoom: number;
  private readonly levels: Level[] = [{ entries: [], sizeBytes: 0 }];
  private readonly slab = new Slab();
  /** Pairs of the leaf under way, whose memory the next leaf uses again. */
  private leafBytes = Buffer.allocUnsafeSlow(initialLeafBytes);
  private leafUsed = 0;

  constructor(path: string, pages: PageStream, fill: number) {
    this.path = path;
    this.pages = pages;
    this.branchRoom = pages.pageSize - pageHeaderBytes;
    this.leafRoom = Math.floor(this.branchRoom * fill);
  }

  add(key: Uint8Array, value: Uint8Array, flags: number): void {
    this.prepare(key, 0, key.length, value.length);
    const start = this.reserve(key.length + value.length);
    this.leafBytes.set(key, start);
    this.leafBytes.set(value, start + key.length);
    this.push(start, key.length, value.length, flags);
  }

  /** As `add`, for a value that follows on its key. */
  addBytes(bytes: Buffer, from: number, keySize: number, valueSize: number, flags: number): void {
    this.prepare(bytes, from, keySize, valueSize);
    const start = this.reserve(keySize + valueSize);
    bytes.copy(this.leafBytes, start, from, from + keySize + valueSize);
    this.push(start, keySize, valueSize, flags);
  }

  /** @returns the bucket, inline when it is small enough */
  finishBucket(): Bucket {
    const { entries } = this.levels[0] as Level;
    if (this.levels.length === 1 && mayBeInline(entries, this.pages.pageSize)) return inlineBucket(entries, 0n);
    return { rootId: this.finish(), inline: undefined, sequence: 0n };
  }

  /** Writes what is left of all levels. @returns the root's page id */
  finish(): number {
    for (let level = 0; ; level++) {
      const { entries } = this.levels[level] as Level;
      const isTop = level === this.levels.length - 1;
      if (isTop) return this.pages.append(entries, level === 0, entries.length);
      this.cut(level, entries.length);
    }
  }

  /** Puts the first `to` entries of a level on a page, and the page into the level above. */
  private cut(level: number, to: number): void {
    const from = this.levels[level] as Level;
    const first = from.entries[0] as Entry;
    const id = this.pages.append(from.entries, level === 0, to);
    from.entries = from.entries.slice(to);
    from.sizeBytes = imageBytes(from.entries) - pageHeaderBytes;
    // A copy, since the entry would keep the whole page in memory.
    const { bytes, start } = this.slab.copy(first.key(), undefined);
    this.addBranch(level + 1, Entry.branch(bytes, start, first.keySize, id));
  }

  private addBranch(level: number, entry: Entry): void {
    this.levels[level] ??= { entries: [], sizeBytes: 0 };
    const above = this.levels[level];
    above.entries.push(entry);
    above.sizeBytes += entryBytes(entry);
    // Two stay behind, so that the last page of the level has at least two children as well.
    if (above.sizeBytes > this.branchRoom && above.entries.length >= 4) this.cut(level, above.entries.length - 2);
  }

  /** Checks a pair, and ends the leaf under way when the pair has no room in it. */
  private prepare(bytes: Uint8Array, start: number, keySize: number, valueSize: number): void {
    const fail = (code: BoltCode, reason: string): never => {
      throw new BoltError(code, this.path, reason);
    };
    if (keySize === 0 || keySize > maxKeyBytes) fail(BoltCode.KeySize, `a key of ${keySize} bytes`);
    if (valueSize > maxValueBytes) fail(BoltCode.ValueSize, `a value of ${valueSize} bytes`);
    const leaf = this.levels[0] as Level;
    const previous = leaf.entries.at(-1);
    if (previous === undefined) return;
    if (compareBytes(previous.bytes, previous.start, previous.keySize, bytes, start, keySize) >= 0) {
      const key = Buffer.from(bytes.subarray(start, start + keySize)).toString('hex');
      fail(BoltCode.Order, `key ${key} does not come after the one before it`);
    }
    if (leaf.sizeBytes + elementBytes + keySize + valueSize <= this.leafRoom) return;
    this.cut(0, leaf.entries.length);
    this.leafUsed = 0;
  }

  /** @returns where in `leafBytes` there is room */
  private reserve(sizeBytes: number): number {
    if (this.leafUsed + sizeBytes > this.leafBytes.length) {
      // Entries of this leaf keep the memory that they lie in.
      this.leafBytes = Buffer.allocUnsafeSlow(Math.max(2 * this.leafBytes.length, sizeBytes));
      this.leafUsed = 0;
    }
    const start = this.leafUsed;
    this.leafUsed += sizeBytes;
    return start;
  }

  private push(start: number, keySize: number, valueSize: number, flags: number): void {
    const leaf = this.levels[0] as Level;
    const entry = Entry.leaf(this.leafBytes, start, keySize, valueSize, flags);
    leaf.entries.push(entry);
    leaf.sizeBytes += entryBytes(entry);
  }
}
