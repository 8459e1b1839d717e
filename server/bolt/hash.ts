/** etcd's hash of a whole database: `snapshot status` and the Hash call (contract: disk-and-peer §5.3). */
import { crc32c } from '../base/crc32c.ts';
import type { Steps } from '../base/slices.ts';
import { bucketNameBytes } from './bucket.ts';
import type { Page } from './page.ts';
import type { ReadTx } from './transaction.ts';
import type { LeafVisitor } from './tree-walk.ts';

/** Leaves a pair out of a hash. */
export type HashIgnore = (bucket: string, key: Uint8Array) => boolean;

/**
 * CRC-32C over each bucket's name and its keys and values, all in byte order. Give it the leaves of all buckets; it can
 * go along when a database is opened, which reads them all.
 */
export class DatabaseDigest implements LeafVisitor {
  hash = 0;
  /** In all buckets, those left out of the hash as well. */
  pairs = 0;
  private readonly ignore: HashIgnore | undefined;
  private name = '';

  /**
   * @param ignore pairs to leave out. `snapshot status` leaves out none; the Hash call leaves out meta's consistent_index,
   *   term and storageVersion, which may differ between members
   */
  constructor(ignore?: HashIgnore) {
    this.ignore = ignore;
  }

  bucket(name: string): void {
    this.name = name;
    this.hash = crc32c(bucketNameBytes(name), this.hash);
  }

  /** A value follows on its key, and mostly the next key on the value: then all of a leaf is hashed in one piece. */
  leaf(page: Page): void {
    let start = 0;
    let end = 0;
    for (let i = 0; i < page.count; i++) {
      if (this.ignore?.(this.name, page.key(i))) continue;
      const at = page.keyStart(i);
      if (at !== end) {
        this.hash = crc32c(page.bytes.subarray(start, end), this.hash);
        start = at;
      }
      end = at + page.keySize(i) + page.valueSize(i);
    }
    this.hash = crc32c(page.bytes.subarray(start, end), this.hash);
    this.pairs += page.count;
  }
}

/** The hash of an open database, with places to interrupt it. */
export function* hashSteps(reader: ReadTx, ignore?: HashIgnore): Steps<number> {
  const digest = new DatabaseDigest(ignore);
  for (const bucket of reader.bucketNames()) {
    digest.bucket(bucket);
    for (const leaf of reader.leaves(bucket)) {
      digest.leaf(leaf);
      yield;
    }
  }
  return digest.hash;
}
