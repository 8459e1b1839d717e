/** etcd's hash of a whole database: `snapshot status` and the Hash call (contract: disk-and-peer §5.3). */
import { crc32c } from '../base/crc32c.ts';
import { bucketNameBytes } from './bucket.ts';
import type { Reader } from './transaction.ts';

/**
 * CRC-32C over each bucket's name and its keys and values, all in byte order.
 *
 * @param ignore pairs to leave out. `snapshot status` leaves out none; the Hash call leaves out meta's
 *   consistent_index, term and storageVersion, which may differ between members
 */
export function hashDatabase(reader: Reader, ignore?: (bucket: string, key: Uint8Array) => boolean): number {
  let hash = 0;
  for (const bucket of reader.bucketNames()) {
    hash = crc32c(bucketNameBytes(bucket), hash);
    reader.scan(bucket, Buffer.alloc(0), undefined, (key, value) => {
      if (ignore?.(bucket, key)) return;
      hash = crc32c(value, crc32c(key, hash));
    });
  }
  return hash;
}
