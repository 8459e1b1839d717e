/** What a delta log is made of, and its bytes (docs/delta-log.md). All numbers are big endian. */
import { crc32c } from '../../../server/base/crc32c.ts';

/** All that one revision changed; a transaction is never torn. */
export interface RevisionEntry {
  readonly kind: 'revision';
  readonly revision: number;
  /** When it was received, in milliseconds since 1970: it had happened by then. Never earlier than the one before. */
  readonly atMs: number;
  /** It had happened before the connection over which it came was made: perhaps much earlier than `atMs`. */
  readonly isLate: boolean;
  /** Encoded `mvccpb.Event`s, in the order of their sub revisions. At least one. */
  readonly events: readonly Uint8Array[];
}

/** How long a lease was granted for: a watch tells which lease a key has, but not that. */
export interface LeaseEntry {
  readonly kind: 'lease';
  readonly id: bigint;
  readonly ttlSeconds: number;
}

/** At this moment the cluster had no revision that the log lacks. */
export interface MarkEntry {
  readonly kind: 'mark';
  readonly revision: number;
  readonly atMs: number;
}

/** The end of a segment: nothing follows. */
export interface SealEntry {
  readonly kind: 'seal';
  /** Of the segment's last entry; those of the segment before if it has none. */
  readonly lastRevision: number;
  readonly lastAtMs: number;
  /** SHA-256 of all bytes before this entry. */
  readonly sha256: string;
}

/** The first of each segment, as JSON. */
export interface HeaderEntry {
  readonly kind: 'header';
  readonly json: string;
}

export type Entry = HeaderEntry | RevisionEntry | LeaseEntry | MarkEntry | SealEntry;

const types = { header: 1, revision: 2, lease: 3, mark: 4, seal: 5 } as const;
/** Length (4), CRC-32C (4), type (1). */
const frameBytes = 9;
/** One transaction that deletes a million long keys stays below it. */
const maxPayloadBytes = 1024 ** 3;
/** A seal is found from the end of its segment. */
export const sealBytes = frameBytes + 8 + 8 + 32;

export function encodeEntry(entry: Entry): Buffer {
  const payload = Buffer.concat(payloadOf(entry));
  const frame = Buffer.allocUnsafe(frameBytes + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame[8] = types[entry.kind];
  frame.set(payload, frameBytes);
  frame.writeUInt32BE(checksum(frame), 4);
  return frame;
}

/**
 * Reads the entry at `offset`.
 *
 * @returns undefined when the bytes there are no whole entry: cut off, or damaged
 */
export function decodeEntry(bytes: Buffer, offset: number): { entry: Entry; end: number } | undefined {
  if (bytes.length < offset + frameBytes) return undefined;
  const length = bytes.readUInt32BE(offset);
  const end = offset + frameBytes + length;
  if (length > maxPayloadBytes || end > bytes.length) return undefined;
  const frame = bytes.subarray(offset, end);
  if (frame.readUInt32BE(4) !== checksum(frame)) return undefined;
  const entry = readPayload(frame[8] as number, frame.subarray(frameBytes));
  return entry && { entry, end };
}

/** Over length, type and payload. */
function checksum(frame: Buffer): number {
  return crc32c(frame.subarray(8), crc32c(frame.subarray(0, 4)));
}

function payloadOf(entry: Entry): Uint8Array[] {
  switch (entry.kind) {
    case 'header':
      return [Buffer.from(entry.json)];
    case 'revision': {
      const head = Buffer.alloc(21);
      head.writeBigUInt64BE(BigInt(entry.revision), 0);
      head.writeBigUInt64BE(BigInt(entry.atMs), 8);
      head[16] = entry.isLate ? 1 : 0;
      head.writeUInt32BE(entry.events.length, 17);
      return [head, ...entry.events.flatMap((event) => [uint32(event.length), event])];
    }
    case 'lease': {
      const body = Buffer.alloc(16);
      body.writeBigInt64BE(entry.id, 0);
      body.writeBigUInt64BE(BigInt(entry.ttlSeconds), 8);
      return [body];
    }
    case 'mark':
      return [uint64(entry.revision), uint64(entry.atMs)];
    case 'seal':
      return [uint64(entry.lastRevision), uint64(entry.lastAtMs), Buffer.from(entry.sha256, 'hex')];
  }
}

/** @returns undefined for what no version of this format writes */
function readPayload(type: number, body: Buffer): Entry | undefined {
  switch (type) {
    case types.header:
      return { kind: 'header', json: body.toString('utf8') };
    case types.revision:
      return readRevision(body);
    case types.lease:
      if (body.length !== 16) return undefined;
      return { kind: 'lease', id: body.readBigInt64BE(0), ttlSeconds: Number(body.readBigUInt64BE(8)) };
    case types.mark:
      if (body.length !== 16) return undefined;
      return { kind: 'mark', revision: Number(body.readBigUInt64BE(0)), atMs: Number(body.readBigUInt64BE(8)) };
    case types.seal: {
      if (body.length !== 48) return undefined;
      const [lastRevision, lastAtMs] = [Number(body.readBigUInt64BE(0)), Number(body.readBigUInt64BE(8))];
      return { kind: 'seal', lastRevision, lastAtMs, sha256: body.toString('hex', 16) };
    }
    default:
      return undefined;
  }
}

function readRevision(body: Buffer): RevisionEntry | undefined {
  if (body.length < 21) return undefined;
  const count = body.readUInt32BE(17);
  const events: Uint8Array[] = [];
  let offset = 21;
  for (let i = 0; i < count; i++) {
    if (offset + 4 > body.length) return undefined;
    const end = offset + 4 + body.readUInt32BE(offset);
    if (end > body.length) return undefined;
    events.push(body.subarray(offset + 4, end));
    offset = end;
  }
  if (count === 0 || offset !== body.length) return undefined;
  return {
    kind: 'revision',
    revision: Number(body.readBigUInt64BE(0)),
    atMs: Number(body.readBigUInt64BE(8)),
    isLate: body[16] === 1,
    events,
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
