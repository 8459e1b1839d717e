/**
 * Reads one segment's frames and checks their CRCs (contract: disk-and-peer §1.2, §1.3, §1.6). Says where the good
 * part ends; only a write that was cut short, at the end of the last segment, is an end like any other.
 */
import { crc32c } from '../base/crc32c.ts';
import type { StorageFile } from '../base/file-system.ts';
import { Record as WalRecord } from '../proto/gen/wal.ts';
import { WireError } from '../proto/wire.ts';
import { frameHeaderBytes, RecordType } from './record-type.ts';
import { corrupt, restoreAdvice, WalError } from './wal-error.ts';

/** Entries are views into the chunks that were read; a smaller chunk is let go of sooner. */
const chunkBytes = 1024 * 1024;
/** What a disk writes whole or not at all. */
const sectorBytes = 512;
const noData = new Uint8Array(0);

/** Sees each record but the CRC records. `data` is a view into memory that is not used again. */
export type RecordVisitor = (type: number, data: Uint8Array, offset: number) => void;

export interface OpenSegment {
  readonly file: StorageFile;
  readonly path: string;
  readonly sizeBytes: number;
  /** Whether no segment follows: only there may a record be cut short. */
  readonly isLast: boolean;
}

export interface SegmentEnd {
  /** Behind the last good record. */
  readonly offset: number;
  /** The CRC over all data up to there. */
  readonly crc: number;
  /** What is wrong with the record there, if it was cut short. */
  readonly torn?: string;
}

/** A frame's place in the window: the record, and the whole with its padding. */
interface Frame {
  readonly start: number;
  readonly recordEnd: number;
  readonly end: number;
}

/**
 * Reads all records.
 *
 * @param crc the CRC at the end of the segment before; 0 if reading begins with this one
 * @throws WalError WAL_CORRUPT, naming file and offset; what `visit` throws
 */
export async function readSegment(segment: OpenSegment, crc: number, visit: RecordVisitor): Promise<SegmentEnd> {
  const window = new ReadWindow(segment);
  let offset = 0;
  let running = crc;
  for (;;) {
    let frame: Frame | undefined;
    try {
      frame = window.frame(offset) ?? (await window.load(offset));
      if (frame === undefined) return { offset, crc: running };
      running = checkRecord(segment, window, frame, offset, running, visit);
    } catch (error) {
      if (error instanceof TornRecord && segment.isLast) return { offset, crc: running, torn: error.what };
      throw error;
    }
    offset += frame.end - frame.start + frameHeaderBytes;
  }
}

/** A damaged record that looks like a write that was cut short. */
class TornRecord extends WalError {
  readonly what: string;

  constructor(what: string, path: string, offset: number) {
    super('WAL_CORRUPT', `${what}; ${restoreAdvice}`, { path, offset });
    this.what = what;
  }
}

/** @returns the CRC behind this record */
function checkRecord(
  segment: OpenSegment,
  window: ReadWindow,
  frame: Frame,
  offset: number,
  crc: number,
  visit: RecordVisitor,
): number {
  const bytes = window.buffer.subarray(frame.start, frame.recordEnd);
  const damaged = (what: string, cause?: unknown) => {
    const whole = window.buffer.subarray(frame.start, frame.end);
    if (hasZeroSector(whole, offset + frameHeaderBytes)) return torn(segment.path, offset, what);
    return corrupt(segment.path, offset, what, cause);
  };
  let record: WalRecord;
  try {
    record = WalRecord.decode(bytes);
  } catch (error) {
    if (error instanceof WireError) throw damaged('the record cannot be decoded', error);
    throw error;
  }
  if (record.type === RecordType.crc) {
    if (crc !== 0 && record.crc !== crc) {
      throw corrupt(
        segment.path,
        offset,
        `the segment continues CRC ${hex8(record.crc)}, the one before ends with ${hex8(crc)}`,
      );
    }
    return record.crc;
  }
  const data = record.data ?? noData;
  const next = crc32c(data, crc);
  if (record.crc !== next) throw damaged(`the record's CRC is ${hex8(record.crc)}, its data's ${hex8(next)}`);
  visit(record.type, data, offset);
  return next;
}

/** The piece of the file that is in memory. */
class ReadWindow {
  buffer: Buffer = Buffer.alloc(0);
  private base = 0;
  private readonly segment: OpenSegment;

  constructor(segment: OpenSegment) {
    this.segment = segment;
  }

  /** @returns the frame at this offset of the file, or undefined if it is not, or not all, in memory */
  frame(offset: number): Frame | undefined {
    const at = offset - this.base;
    if (at + frameHeaderBytes > this.buffer.length) return undefined;
    const { recordBytes, padding } = this.lengths(offset);
    if (recordBytes === 0) return undefined;
    const start = at + frameHeaderBytes;
    const end = start + recordBytes + padding;
    return end > this.buffer.length ? undefined : { start, recordEnd: start + recordBytes, end };
  }

  /** Reads on from this offset, at least the frame there. @returns undefined at the end of the log */
  async load(offset: number): Promise<Frame | undefined> {
    const left = this.segment.sizeBytes - offset;
    if (left <= 0) return undefined;
    await this.read(offset, Math.min(left, chunkBytes));
    if (this.buffer.length < frameHeaderBytes) throw this.cutShort(offset, `the file ends within a record's length`);
    const { recordBytes, padding } = this.lengths(offset);
    if (recordBytes === 0) return undefined;
    const needed = frameHeaderBytes + recordBytes + padding;
    // Checked before it is allocated: a damaged length can be anything.
    if (needed > left) throw this.cutShort(offset, `the record claims ${recordBytes} bytes, the file ends before that`);
    if (needed > this.buffer.length) await this.read(offset, needed);
    const frame = this.frame(offset);
    if (frame === undefined) throw this.cutShort(offset, 'the file became shorter while it was read');
    return frame;
  }

  /** The length field: the record's bytes (0: nothing follows) and those of its padding. */
  private lengths(offset: number): { recordBytes: number; padding: number } {
    const at = offset - this.base;
    const low = this.buffer.readUInt32LE(at);
    const high = this.buffer.readUInt32LE(at + 4);
    const recordBytes = (high & 0xffffff) * 2 ** 32 + low;
    const top = high >>> 24;
    const padding = -low & 7;
    if (top !== (padding === 0 ? 0 : 0x80 | padding) || (recordBytes === 0 && top !== 0)) {
      const field = this.buffer.toString('hex', at, at + frameHeaderBytes);
      throw corrupt(this.segment.path, offset, `${field} is not the length of a record`);
    }
    return { recordBytes, padding };
  }

  private async read(offset: number, bytes: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(bytes);
    const length = await this.segment.file.read(buffer, offset);
    this.buffer = buffer.subarray(0, length);
    this.base = offset;
  }

  private cutShort(offset: number, what: string): TornRecord {
    return torn(this.segment.path, offset, what);
  }
}

function torn(path: string, offset: number, what: string): TornRecord {
  return new TornRecord(what, path, offset);
}

/** Whether some sector's worth of these bytes, which lie at this offset of the file, was never written. */
function hasZeroSector(bytes: Uint8Array, fileOffset: number): boolean {
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + sectorBytes - ((fileOffset + start) % sectorBytes));
    if (bytes.subarray(start, end).every((byte) => byte === 0)) return true;
    start = end;
  }
  return false;
}

function hex8(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
