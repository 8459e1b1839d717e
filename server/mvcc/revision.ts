/**
 * Revisions as they are written in bucket `key`: main number (8 bytes, big endian), `_`, sub number (8 bytes), and `t`
 * behind the revision of a deletion (contract: disk-and-peer §5.1).
 */

/** Identifies one change: `main` counts transactions that changed something, `sub` the changes within one. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

const revisionBytes = 17;
const separator = 0x5f;
const tombstoneMark = 0x74;

/** @returns the key of a put's record, 17 bytes, in a buffer of its own */
export function encodeRevision(main: number, sub: number): Buffer {
  return write(Buffer.allocUnsafe(revisionBytes), main, sub);
}

/** As `encodeRevision`, over the buffer of the call before: for looking up a record. */
export function revisionToFind(main: number, sub: number): Buffer {
  return write(wanted, main, sub);
}

const wanted = Buffer.allocUnsafeSlow(revisionBytes);

/** @returns the key of a deletion's record, 18 bytes, in a buffer of its own */
export function encodeTombstone(main: number, sub: number): Buffer {
  const bytes = write(Buffer.allocUnsafe(revisionBytes + 1), main, sub);
  bytes[revisionBytes] = tombstoneMark;
  return bytes;
}

/** @throws Error when the bytes are not a revision, that is when bucket `key` is damaged */
export function decodeRevision(bytes: Uint8Array): Revision {
  if (bytes.length < revisionBytes || bytes[8] !== separator) {
    throw new Error(`bucket "key" holds a key that is no revision: ${Buffer.from(bytes).toString('hex')}`);
  }
  return { main: readUint64(bytes, 0), sub: readUint64(bytes, 9) };
}

/** Whether a key of bucket `key` is the revision of a deletion. */
export function isTombstone(bytes: Uint8Array): boolean {
  return bytes.length === revisionBytes + 1 && bytes[revisionBytes] === tombstoneMark;
}

function write(bytes: Buffer, main: number, sub: number): Buffer {
  bytes.writeUInt32BE(Math.floor(main / 0x1_0000_0000), 0);
  bytes.writeUInt32BE(main >>> 0, 4);
  bytes[8] = separator;
  bytes.writeUInt32BE(Math.floor(sub / 0x1_0000_0000), 9);
  bytes.writeUInt32BE(sub >>> 0, 13);
  return bytes;
}

function readUint64(bytes: Uint8Array, offset: number): number {
  let high = 0;
  let low = 0;
  for (let i = 0; i < 4; i++) {
    high = high * 256 + (bytes[offset + i] as number);
    low = low * 256 + (bytes[offset + 4 + i] as number);
  }
  return high * 0x1_0000_0000 + low;
}
