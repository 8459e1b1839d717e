/** Turns a transaction's changes into the pages that make the next state of the database. */
import { type Bucket, bucketNameBytes, emptyBucket, encodeBucket } from './bucket.ts';
import { ChangeSet, Slab } from './change-set.ts';
import { Entry } from './entry.ts';
import { bucketElementFlag } from './format.ts';
import type { FreePages } from './free-pages.ts';
import { Page } from './page.ts';
import { encodePage, imageBytes } from './page-writer.ts';
import { type PageSpace, rewriteBucket, rewriteRoot } from './rewrite.ts';
import { State } from './state.ts';

/** A transaction that is complete but not in the file yet. */
export interface SealedTransaction {
  readonly state: State;
  /** The pages to write, by ascending id. */
  readonly pages: readonly Page[];
  /** Ids that the new state does not use any more. */
  readonly freed: number[];
}

/**
 * @param from the state that the changes apply to
 * @param changes by bucket name; a bucket that `from` does not have is created
 */
export function seal(from: State, changes: ReadonlyMap<string, ChangeSet>, freePages: FreePages): SealedTransaction {
  const space = new NewPages(from, freePages);
  const buckets = new Map(from.buckets);
  const headers = new ChangeSet();
  const slab = new Slab();
  for (const [name, set] of changes) {
    const before = from.buckets.get(name);
    const after: Bucket = rewriteBucket(space, before ?? emptyBucket, set.sorted());
    if (after === before) continue;
    buckets.set(name, after);
    const key = bucketNameBytes(name);
    const value = encodeBucket(after);
    const { bytes, start } = slab.copy(key, value);
    headers.set(Entry.leaf(bytes, start, key.length, value.length, bucketElementFlag));
  }
  const root = rewriteRoot(space, from.meta.root, headers.sorted());
  if (from.meta.freeList !== undefined) space.freeRun(from.meta.freeList);
  const { pageSize, txid } = from.meta;
  const meta = { pageSize, root, freeList: undefined, highWater: space.highWater, txid: txid + 1 };
  const pages = [...space.written.values()].sort((a, b) => a.id - b.id);
  return { state: new State(from.pager, meta, buckets), pages, freed: space.freed };
}

class NewPages implements PageSpace {
  readonly pageSize: number;
  highWater: number;
  readonly written = new Map<number, Page>();
  readonly freed: number[] = [];
  private readonly from: State;
  private readonly freePages: FreePages;

  constructor(from: State, freePages: FreePages) {
    this.from = from;
    this.freePages = freePages;
    this.pageSize = from.meta.pageSize;
    this.highWater = from.meta.highWater;
  }

  page(id: number): Page {
    return this.written.get(id) ?? this.from.page(id);
  }

  corrupt(page: number, reason: string) {
    return this.from.corrupt(page, reason);
  }

  free(page: Page): void {
    const isInline = page.id === 0;
    if (!isInline) this.freeIds(page.id, page.bytes.length / this.pageSize);
  }

  /** Frees a page that is not part of a tree, with its overflow. */
  freeRun(id: number): void {
    this.freeIds(id, 1 + this.from.pager.firstPage(id, this.from.meta.highWater).header.overflow);
  }

  write(entries: readonly Entry[], isLeaf: boolean, from: number, to: number): Entry {
    const pageCount = Math.ceil(imageBytes(entries, from, to) / this.pageSize);
    const id = this.allocate(pageCount);
    const bytes = Buffer.alloc(pageCount * this.pageSize);
    encodePage(bytes, id, isLeaf, pageCount - 1, entries, from, to);
    const page = new Page(bytes);
    this.written.set(id, page);
    // Only an empty root has no key, and nothing points to it by key.
    return page.count === 0
      ? Entry.branch(bytes, 0, 0, id)
      : Entry.branch(bytes, page.keyStart(0), page.keySize(0), id);
  }

  private allocate(pageCount: number): number {
    const free = this.freePages.allocate(pageCount);
    if (free !== undefined) return free;
    const id = this.highWater;
    this.highWater += pageCount;
    return id;
  }

  private freeIds(id: number, count: number): void {
    for (let i = id; i < id + count; i++) this.freed.push(i);
  }
}
