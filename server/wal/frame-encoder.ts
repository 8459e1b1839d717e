/**
 * Encodes records into frames, one behind the other in one buffer that is used again and again (contract:
 * disk-and-peer §1.2, §1.3). Entries, of which there are many, are encoded in place, without an object or a buffer for
 * each.
 */
import { crc32c } from '../base/crc32c.ts';
import { type Entry, HardState } from '../proto/gen/raft.ts';
import { SnapshotRecord } from '../proto/gen/wal.ts';
import { frameHeaderBytes, RecordType } from './record-type.ts';

const initialBytes = 64 * 1024;
/** A buffer that one huge batch has made larger than this is given back afterwards. */
const keptBytes = 32 * 1024 * 1024;
/** Type (2 bytes), tag and 5 bytes of CRC, tag of the data; what its length takes comes on top. */
const recordHeaderBytes = 2 + 6 + 1;
/** Length field, record header with the longest length, padding. */
const overheadBytes = frameHeaderBytes + recordHeaderBytes + 5 + 7;

export class FrameEncoder {
  /** The CRC over the data of all records so far, of this segment and those before it. */
  crc: number;
  private buffer = Buffer.allocUnsafeSlow(initialBytes);
  private end = 0;

  /** @param crc the CRC of the last record on disk; 0 for a new log */
  constructor(crc: number) {
    this.crc = crc;
  }

  /** How many bytes wait in `bytes()`. */
  get length(): number {
    return this.end;
  }

  /** The frames since the last `clear`: a view, valid until then. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.end);
  }

  /** Forgets the frames, not the CRC. */
  clear(): void {
    this.end = 0;
    if (this.buffer.length > keptBytes) this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  metadata(data: Uint8Array): void {
    this.record(RecordType.metadata, data);
  }

  state(state: HardState): void {
    this.record(RecordType.state, HardState.encode(state));
  }

  snapshot(record: SnapshotRecord): void {
    this.record(RecordType.snapshot, SnapshotRecord.encode(record));
  }

  /** The record that a segment begins with: the running CRC, so that reading can begin here. */
  crcRecord(): void {
    this.reserve(overheadBytes);
    const start = this.end + frameHeaderBytes;
    const end = this.putTypeAndCrc(start, RecordType.crc);
    this.closeFrame(start, end);
  }

  /** An entry; every field but the data is always written, as upstream does. */
  entry(entry: Entry): void {
    const data = entry.Data;
    const dataBytes = data === undefined ? 0 : 1 + varintBytes(data.length) + data.length;
    const size = 4 + varintBytes(entry.Term) + varintBytes(entry.Index) + dataBytes;
    const start = this.openData(size);
    const { buffer } = this;
    let at = start;
    buffer[at++] = 0x08;
    buffer[at++] = entry.Type;
    buffer[at++] = 0x10;
    at = putVarint(buffer, at, entry.Term);
    buffer[at++] = 0x18;
    at = putVarint(buffer, at, entry.Index);
    if (data !== undefined) {
      buffer[at++] = 0x22;
      at = putVarint(buffer, at, data.length);
      buffer.set(data, at);
    }
    this.closeData(RecordType.entry, start, size);
  }

  private record(type: RecordType, data: Uint8Array): void {
    const start = this.openData(data.length);
    this.buffer.set(data, start);
    this.closeData(type, start, data.length);
  }

  /** @returns where to put `size` bytes of data: behind a record header that assumes a CRC of 5 bytes, as most are */
  private openData(size: number): number {
    this.reserve(overheadBytes + size);
    return this.end + frameHeaderBytes + recordHeaderBytes + varintBytes(size);
  }

  private closeData(type: RecordType, start: number, size: number): void {
    const { buffer } = this;
    this.crc = crc32c(buffer.subarray(start, start + size), this.crc);
    const recordStart = this.end + frameHeaderBytes;
    let at = this.putTypeAndCrc(recordStart, type);
    buffer[at++] = 0x1a;
    // The header's length byte lands where data lies when the CRC was shorter, so the data moves first.
    const dataStart = at + varintBytes(size);
    if (dataStart !== start) buffer.copyWithin(dataStart, start, start + size);
    putVarint(buffer, at, size);
    this.closeFrame(recordStart, dataStart + size);
  }

  private putTypeAndCrc(at: number, type: RecordType): number {
    const { buffer } = this;
    buffer[at] = 0x08;
    buffer[at + 1] = type;
    buffer[at + 2] = 0x10;
    return putVarint(buffer, at + 3, this.crc);
  }

  /** Puts the length before the record that lies at `start`, and the padding behind it. */
  private closeFrame(start: number, end: number): void {
    const { buffer } = this;
    const length = end - start;
    const padding = -length & 7;
    const header = start - frameHeaderBytes;
    buffer[header] = length;
    buffer[header + 1] = length >>> 8;
    buffer[header + 2] = length >>> 16;
    buffer[header + 3] = length >>> 24;
    buffer[header + 4] = 0;
    buffer[header + 5] = 0;
    buffer[header + 6] = 0;
    buffer[header + 7] = padding === 0 ? 0 : 0x80 | padding;
    for (let i = 0; i < padding; i++) buffer[end + i] = 0;
    this.end = end + padding;
  }

  private reserve(bytes: number): void {
    if (this.end + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.end + bytes));
    this.buffer.copy(grown, 0, 0, this.end);
    this.buffer = grown;
  }
}

/** How many bytes `value`, which is not negative, takes as a varint. */
function varintBytes(value: number): number {
  let bytes = 1;
  for (let limit = 0x80; value >= limit; limit *= 0x80) bytes++;
  return bytes;
}

function putVarint(buffer: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 0x80000000; rest = Math.floor(rest / 0x80)) buffer[next++] = (rest % 0x80) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) buffer[next++] = (rest & 0x7f) | 0x80;
  buffer[next] = rest;
  return next + 1;
}
