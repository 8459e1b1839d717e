/** etcd's hash of a whole database: `snapshot status` and the Hash call (contract: disk-and-peer §5.3). */
import { crc32c } from '../base/crc32c.ts';
import { atOnce, type Steps } from '../base/slices.ts';
import { bucketNameBytes } from './bucket.ts';
import type { ReadTx } from './transaction.ts';

/** Pairs hashed in one go. */
const stepPairs = 64;

/** Leaves a pair out of a hash. */
export type HashIgnore = (bucket: string, key: Uint8Array) => boolean;

/**
 * CRC-32C over each bucket's name and its keys and values, all in byte order.
 *
 * @param ignore pairs to leave out. `snapshot status` leaves out none; the Hash call leaves out meta's
 *   consistent_index, term and storageVersion, which may differ between members
 */
export function hashDatabase(reader: ReadTx, ignore?: HashIgnore): number {
  return atOnce(hashSteps(reader, ignore));
}

/** As `hashDatabase`, with places to interrupt it. */
export function* hashSteps(reader: ReadTx, ignore?: HashIgnore): Steps<number> {
  let hash = 0;
  let pairs = 0;
  for (const bucket of reader.bucketNames()) {
    hash = crc32c(bucketNameBytes(bucket), hash);
    for (const [key, value] of reader.pairs(bucket)) {
      if (++pairs % stepPairs === 0) yield;
      if (ignore?.(bucket, key)) continue;
      hash = crc32c(value, crc32c(key, hash));
    }
  }
  return hash;
}
