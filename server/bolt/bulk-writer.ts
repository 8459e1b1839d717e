/**
 * Writes a whole database from sorted pairs, front to back, compactly (contract: disk-and-peer §4.6): for defrag,
 * restore, and new files. Memory stays at a few pages, whatever the size.
 */
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { type Bucket, bucketNameBytes, encodeBucket, inlineBucket, mayBeInline } from './bucket.ts';
import { compareEntry, Slab } from './change-set.ts';
import { Entry } from './entry.ts';
import {
  bucketElementFlag,
  defaultPageSize,
  encodeMetaPage,
  maxKeyBytes,
  maxValueBytes,
  pageHeaderBytes,
} from './format.ts';
import { encodePage, entryBytes, imageBytes } from './page-writer.ts';

export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** A bucket's name (see `bucketName`) and its pairs in ascending order of keys, each key once. */
export interface BulkBucket {
  readonly name: string;
  readonly pairs: Iterable<Pair> | AsyncIterable<Pair>;
}

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

/** Pages are gathered into writes of this size. */
const bufferBytes = 1024 * 1024;

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
    for (const { name, pairs } of buckets) {
      const bucket = await writeBucket(new TreeWriter(path, pages, fill), pages, pairs);
      root.add(bucketNameBytes(name), encodeBucket(bucket), bucketElementFlag);
    }
    const rootId = root.finish();
    await pages.flush();
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

async function writeBucket(tree: TreeWriter, pages: PageStream, pairs: BulkBucket['pairs']): Promise<Bucket> {
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
  return tree.finishBucket();
}

/** Gives pages out one after the other and writes them in large pieces. */
class PageStream {
  readonly pageSize: number;
  nextId = 2;
  private readonly file: StorageFile;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;

  constructor(file: StorageFile, pageSize: number) {
    this.file = file;
    this.pageSize = pageSize;
  }

  get isFull(): boolean {
    return this.waitingBytes >= bufferBytes;
  }

  /** Writes entries `0 <= i < to` to the next page. @returns its id */
  append(entries: readonly Entry[], isLeaf: boolean, to: number): number {
    const id = this.nextId;
    const pageCount = Math.ceil(imageBytes(entries, 0, to) / this.pageSize);
    const bytes = Buffer.alloc(pageCount * this.pageSize);
    encodePage(bytes, id, isLeaf, pageCount - 1, entries, 0, to);
    this.nextId += pageCount;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    return id;
  }

  async flush(): Promise<void> {
    const { waiting } = this;
    const position = this.nextId * this.pageSize - this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
    if (waiting.length > 0) await this.file.write(waiting, position);
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

  constructor(path: string, pages: PageStream, fill: number) {
    this.path = path;
    this.pages = pages;
    this.branchRoom = pages.pageSize - pageHeaderBytes;
    this.leafRoom = Math.floor(this.branchRoom * fill);
  }

  add(key: Uint8Array, value: Uint8Array, flags: number): void {
    this.check(key, value);
    const { bytes, start } = this.slab.copy(key, value);
    const entry = Entry.leaf(bytes, start, key.length, value.length, flags);
    const leaf = this.levels[0] as Level;
    if (leaf.entries.length > 0 && leaf.sizeBytes + entryBytes(entry) > this.leafRoom) {
      this.cut(0, leaf.entries.length);
    }
    leaf.entries.push(entry);
    leaf.sizeBytes += entryBytes(entry);
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

  private check(key: Uint8Array, value: Uint8Array): void {
    const fail = (code: BoltCode, reason: string): never => {
      throw new BoltError(code, this.path, reason);
    };
    if (key.length === 0 || key.length > maxKeyBytes) fail(BoltCode.KeySize, `a key of ${key.length} bytes`);
    if (value.length > maxValueBytes) fail(BoltCode.ValueSize, `a value of ${value.length} bytes`);
    const previous = this.levels[0]?.entries.at(-1);
    if (previous !== undefined && compareEntry(previous, key) >= 0) {
      fail(BoltCode.Order, `key ${Buffer.from(key).toString('hex')} does not come after the one before it`);
    }
  }
}
