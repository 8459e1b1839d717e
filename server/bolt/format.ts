/** Numbers of the file format and its meta page (contract: disk-and-peer §4.1, §4.2). */

export const pageHeaderBytes = 16;
/** A leaf's and a branch's elements have the same size. */
export const elementBytes = 16;
export const bucketHeaderBytes = 16;
export const defaultPageSize = 4096;

export const PageFlag = { Branch: 0x01, Leaf: 0x02, Meta: 0x04, FreeList: 0x10 } as const;
/** In a leaf element: the value is a bucket. */
export const bucketElementFlag = 1;

export const maxKeyBytes = 32_768;
export const maxValueBytes = 2 ** 31 - 2;
/** Real trees of 2^40 pages have six levels; more than this is a loop. */
export const maxDepth = 32;

/** One page and its overflow may not be larger: offsets in it are 32 bits. */
export const maxPageRunBytes = 2 ** 32 - 1;

const magic = 0xed0cdaed;
const version = 2;
const metaBytes = 64;
const checksumOffset = 56;
const noFreeList = 0xffff_ffff_ffff_ffffn;

/** The anchor of one transaction. */
export interface Meta {
  readonly pageSize: number;
  /** Page of the bucket of all buckets. */
  readonly root: number;
  /** Page of the stored free list, undefined when it is not stored. */
  readonly freeList: number | undefined;
  /** The number of pages that have ever been in use: the id of the next page behind them. */
  readonly highWater: number;
  readonly txid: number;
}

/** @returns the page that transaction `txid` writes its meta to */
export function metaPageOf(txid: number): number {
  return txid % 2;
}

/** FNV-1a, 64 bits. */
export function fnv1a64(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn;
  return hash;
}

/** @returns a whole page holding `meta`, for the place `pageId` (0 or 1) */
export function encodeMetaPage(meta: Meta, pageId: number): Buffer {
  const page = Buffer.alloc(meta.pageSize);
  page.writeUInt32LE(pageId, 0);
  page.writeUInt16LE(PageFlag.Meta, 8);
  const body = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  body.writeUInt32LE(magic, 0);
  body.writeUInt32LE(version, 4);
  body.writeUInt32LE(meta.pageSize, 8);
  body.writeBigUInt64LE(BigInt(meta.root), 16);
  body.writeBigUInt64LE(meta.freeList === undefined ? noFreeList : BigInt(meta.freeList), 32);
  body.writeBigUInt64LE(BigInt(meta.highWater), 40);
  body.writeBigUInt64LE(BigInt(meta.txid), 48);
  body.writeBigUInt64LE(fnv1a64(body.subarray(0, checksumOffset)), checksumOffset);
  return page;
}

/**
 * Reads a meta page.
 *
 * @param page at least the page's first 80 bytes
 * @returns the meta, or why it is none
 */
export function decodeMetaPage(page: Buffer): Meta | string {
  if (page.length < pageHeaderBytes + metaBytes) return 'the file ends within the meta page';
  const body = page.subarray(pageHeaderBytes, pageHeaderBytes + metaBytes);
  if (body.readUInt32LE(0) !== magic) return 'no bolt magic number';
  if (body.readUInt32LE(4) !== version) return `version ${body.readUInt32LE(4)} instead of ${version}`;
  if (body.readBigUInt64LE(checksumOffset) !== fnv1a64(body.subarray(0, checksumOffset))) return 'checksum mismatch';
  const pageSize = body.readUInt32LE(8);
  if (pageSize < 1024 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return `page size ${pageSize}`;
  const [root, freeList, highWater, txid] = [16, 32, 40, 48].map((at) => body.readBigUInt64LE(at));
  const hasFreeList = freeList !== noFreeList;
  const meta = {
    pageSize,
    root: Number(root),
    freeList: hasFreeList ? Number(freeList) : undefined,
    highWater: Number(highWater),
    txid: Number(txid),
  };
  if (!Number.isSafeInteger(meta.txid) || meta.txid < 0) return `transaction id ${txid}`;
  if (!Number.isSafeInteger(meta.highWater * pageSize) || meta.highWater < 3) return `page count ${highWater}`;
  if (meta.root < 2 || meta.root >= meta.highWater) return `root page ${root} of ${highWater} pages`;
  if (hasFreeList && (Number(freeList) < 2 || Number(freeList) >= meta.highWater)) {
    return `free list page ${freeList} of ${highWater} pages`;
  }
  return meta;
}
