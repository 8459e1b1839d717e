/** Looking up many keys of one bucket in a row. */
import type { Bucket } from './bucket.ts';
import type { ChangeSet } from './change-set.ts';
import { bucketElementFlag } from './format.ts';
import type { Page } from './page.ts';
import { type PageSource, rootPage, TreeCursor } from './tree.ts';

/**
 * Remembers where it was last: revisions that were written together lie together, so most of a range's records are
 * right behind the one before, or in the same leaf, and need no search from the root.
 */
export class Finder {
  /** Where the value found last lies: `sizeBytes` of `bytes` from `start` on. */
  bytes: Buffer;
  start = 0;
  sizeBytes = 0;
  private readonly cursor: TreeCursor;
  private readonly changes: ChangeSet | undefined;

  /** @param changes made to the bucket since `source`; of no use any more when they grow */
  constructor(source: PageSource, bucket: Bucket, changes: ChangeSet | undefined) {
    const root = rootPage(source, bucket);
    this.bytes = root.bytes;
    this.cursor = new TreeCursor(source, root);
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
    const { cursor } = this;
    if (cursor.valid) cursor.next();
    if (!isAt(cursor, key)) {
      if (cursor.valid && spans(cursor.page, key)) cursor.index = cursor.page.lowerBound(key, 0, key.length);
      else cursor.seek(key);
      if (!isAt(cursor, key)) return false;
    }
    const { page, index } = cursor;
    this.bytes = page.bytes;
    this.start = page.keyStart(index) + page.keySize(index);
    this.sizeBytes = page.valueSize(index);
    return page.flags(index) !== bucketElementFlag;
  }
}

function isAt({ valid, page, index }: TreeCursor, key: Uint8Array): boolean {
  return valid && page.compareKey(index, key, 0, key.length) === 0;
}

/** Whether no other leaf can hold the key. */
function spans(leaf: Page, key: Uint8Array): boolean {
  return leaf.compareKey(0, key, 0, key.length) <= 0 && leaf.compareKey(leaf.count - 1, key, 0, key.length) >= 0;
}
