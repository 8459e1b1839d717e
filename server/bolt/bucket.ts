/** A bucket's value in the root tree: where its pairs are (contract: disk-and-peer §4.4). */

import type { Entry } from './entry.ts';
import { bucketHeaderBytes } from './format.ts';
import { Page, parsePage } from './page.ts';
import { encodePage, imageBytes } from './page-writer.ts';

export interface Bucket {
  /** Root page, 0 when the pairs are in the value itself. */
  readonly rootId: number;
  readonly inline: Page | undefined;
  readonly sequence: bigint;
}

/**
 * Bucket names as strings: one character a byte, so that any name survives and strings sort as the bytes do. etcd's
 * names are ASCII.
 */
export function bucketName(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function bucketNameBytes(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}

/** @returns the bucket, or what is wrong with its value */
export function parseBucket(value: Buffer, highWater: number): Bucket | string {
  if (value.length < bucketHeaderBytes) return `a bucket header of ${value.length} bytes`;
  const root = value.readBigUInt64LE(0);
  const sequence = value.readBigUInt64LE(8);
  if (root !== 0n) {
    if (root < 2n || root >= BigInt(highWater)) return `a bucket's root page ${root} of ${highWater}`;
    if (value.length !== bucketHeaderBytes) return `a bucket header of ${value.length} bytes with a root page`;
    return { rootId: Number(root), inline: undefined, sequence };
  }
  const image = parsePage(value.subarray(bucketHeaderBytes), highWater);
  if (typeof image === 'string') return `an inline bucket: ${image}`;
  // Id 0 is how the rest of the code tells an inline page from one of the file's.
  if (image.id !== 0) return `an inline bucket whose header says page ${image.id}`;
  if (!image.isLeaf) return 'an inline bucket that is not a leaf';
  return { rootId: 0, inline: image, sequence };
}

export function encodeBucket(bucket: Bucket): Buffer {
  const value = Buffer.alloc(bucketHeaderBytes + (bucket.inline?.bytes.length ?? 0));
  value.writeBigUInt64LE(BigInt(bucket.rootId), 0);
  value.writeBigUInt64LE(bucket.sequence, 8);
  if (bucket.inline !== undefined) value.set(bucket.inline.bytes, bucketHeaderBytes);
  return value;
}

/** A single leaf of up to a quarter of a page lies in the bucket's value instead of on a page of its own. */
export function mayBeInline(entries: readonly Entry[], pageSize: number): boolean {
  return imageBytes(entries) <= pageSize / 4;
}

export function inlineBucket(entries: readonly Entry[], sequence: bigint): Bucket {
  const image = Buffer.alloc(imageBytes(entries));
  encodePage(image, 0, true, 0, entries);
  return { rootId: 0, inline: new Page(image), sequence };
}

export const emptyBucket: Bucket = inlineBucket([], 0n);
