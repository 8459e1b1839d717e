/** Looking up many keys of one bucket in a row. */
import type { Bucket } from './bucket.ts';
import type { ChangeSet } from './change-set.ts';
import { bucketElementFlag, maxDepth } from './format.ts';
import type { Page } from './page.ts';
import { type PageSource, rootPage } from './tree.ts';

/**
 * Remembers the leaf that it was in last: revisions that were written together lie together, so most of a range's
 * records are found there, or right behind the one before, and not by a search from the root.
 */
export class Finder {
  /** Where the value found last lies: `sizeBytes` of `bytes` from `start` on. */
  bytes: Buffer;
  start = 0;
  sizeBytes = 0;
  private readonly source: PageSource;
  private readonly root: Page;
  private readonly changes: ChangeSet | undefined;
  private leaf: Page | undefined;
  private index = 0;

  /** @param changes made to the bucket since `source`; of no use any more when they grow */
  constructor(source: PageSource, bucket: Bucket, changes: ChangeSet | undefined) {
    this.source = source;
    this.root = rootPage(source, bucket);
    this.bytes = this.root.bytes;
    this.changes = changes;
  }

  /** @returns whether the key is there, and `bytes`, `start` and `sizeBytes` tell its value */
  find(key: Uint8Array): boolean {
    const change = this.changes?.get(key);
    if (change === undefined) return this.findStored(key);
    this.bytes = change.bytes;
    this.start = change.start + change.keySize;
    this.sizeBytes = change.valueSize;
    return !change.deleted;
  }

  private findStored(key: Uint8Array): boolean {
    let { leaf } = this;
    if (leaf === undefined || !this.isNext(leaf, key)) {
      if (leaf === undefined || !spans(leaf, key)) {
        leaf = this.leafOf(key);
        this.leaf = leaf;
      }
      this.index = leaf.lowerBound(key, 0, key.length);
      if (this.index === leaf.count || leaf.compareKey(this.index, key, 0, key.length) !== 0) return false;
    }
    this.bytes = leaf.bytes;
    this.start = leaf.keyStart(this.index) + leaf.keySize(this.index);
    this.sizeBytes = leaf.valueSize(this.index);
    return leaf.flags(this.index) !== bucketElementFlag;
  }

  /** Whether the key is the one behind that of the last search, and if so goes there. */
  private isNext(leaf: Page, key: Uint8Array): boolean {
    const next = this.index + 1;
    if (next >= leaf.count || leaf.compareKey(next, key, 0, key.length) !== 0) return false;
    this.index = next;
    return true;
  }

  private leafOf(key: Uint8Array): Page {
    let page = this.root;
    for (let depth = 0; !page.isLeaf; depth++) {
      if (depth === maxDepth) throw this.source.corrupt(page.id, `the tree is deeper than ${maxDepth} levels`);
      page = this.source.page(page.child(page.childFor(key, 0, key.length)));
    }
    return page;
  }
}

/** Whether no other leaf can hold the key. */
function spans(leaf: Page, key: Uint8Array): boolean {
  if (leaf.count === 0) return false;
  return leaf.compareKey(0, key, 0, key.length) <= 0 && leaf.compareKey(leaf.count - 1, key, 0, key.length) >= 0;
}
