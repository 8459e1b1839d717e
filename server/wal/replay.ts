/** Reads the segments of a log back into what raft starts from (contract: disk-and-peer §1.5, §1.9). */
import path from 'node:path';
import type { FileSystem } from '../base/file-system.ts';
import { Entry, HardState } from '../proto/gen/raft.ts';
import { Metadata, SnapshotRecord } from '../proto/gen/wal.ts';
import { WireError } from '../proto/wire.ts';
import { RecordType } from './record-type.ts';
import type { SegmentName } from './segment-name.ts';
import { type RecordVisitor, readSegment, type SegmentEnd } from './segment-reader.ts';
import { corrupt, WalError } from './wal-error.ts';

/** Whose log it is. */
export interface WalMetadata {
  readonly nodeId: bigint;
  readonly clusterId: bigint;
}

/** A place in the log: that of a snapshot. */
export interface LogPosition {
  readonly index: number;
  readonly term: number;
}

/** What a log holds behind a snapshot. */
export interface WalContents {
  readonly metadata: WalMetadata;
  /** The last one saved; all zero if there is none. */
  readonly hardState: HardState;
  /** Those behind the snapshot, without gaps. Their data are views into larger chunks. */
  readonly entries: Entry[];
}

export interface Replay extends WalContents {
  /** As it stands in every segment, to be written into the next. */
  readonly metadataBytes: Uint8Array;
  /** Of the last entry or snapshot recorded; the next segment is named after it. */
  readonly lastIndex: number;
  /** Where the last segment's good part ends. */
  readonly tail: SegmentEnd;
}

/**
 * Reads these segments, which must be those that `segmentsFrom` chose for the position.
 *
 * @throws WalError WAL_CORRUPT, WAL_GAP, WAL_NO_SNAPSHOT, WAL_METADATA_MISMATCH
 */
export async function replay(
  fs: FileSystem,
  directory: string,
  segments: readonly SegmentName[],
  at: LogPosition,
): Promise<Replay> {
  const builder = new ReplayBuilder(directory, at);
  const tail = await scanSegments(fs, directory, segments, (name) => builder.visitor(name));
  return builder.finish(tail);
}

/**
 * Reads segment after segment, carrying the CRC along.
 *
 * @param visitorOf gives what sees the records of the segment with this path
 * @returns where the last segment ends
 */
export async function scanSegments(
  fs: FileSystem,
  directory: string,
  segments: readonly SegmentName[],
  visitorOf: (path: string) => RecordVisitor,
): Promise<SegmentEnd> {
  let end: SegmentEnd = { offset: 0, crc: 0 };
  for (const segment of segments) {
    const where = path.join(directory, segment.name);
    const file = await fs.open(where, 'read');
    try {
      const isLast = segment === segments.at(-1);
      const open = { file, path: where, sizeBytes: await file.size(), isLast };
      end = await readSegment(open, end.crc, visitorOf(where));
    } finally {
      await file.close();
    }
  }
  return end;
}

/** Decodes a record's data, or says which record it was that could not be. */
export function decodeData<T>(
  codec: { decode(bytes: Uint8Array): T },
  data: Uint8Array,
  where: string,
  offset: number,
): T {
  try {
    return codec.decode(data);
  } catch (error) {
    if (error instanceof WireError) throw corrupt(where, offset, `the record's data cannot be decoded`, error);
    throw error;
  }
}

class ReplayBuilder {
  private metadataBytes: Uint8Array | undefined;
  private hardState = HardState.create();
  private readonly entries: Entry[] = [];
  private lastIndex = 0;
  private snapshotFound = false;
  private readonly directory: string;
  private readonly at: LogPosition;

  constructor(directory: string, at: LogPosition) {
    this.directory = directory;
    this.at = at;
  }

  visitor(where: string): RecordVisitor {
    return (type, data, offset) => {
      switch (type) {
        case RecordType.entry:
          this.addEntry(decodeData(Entry, data, where, offset), where, offset);
          return;
        case RecordType.state:
          this.hardState = decodeData(HardState, data, where, offset);
          return;
        case RecordType.metadata:
          this.checkMetadata(data, where, offset);
          return;
        case RecordType.snapshot:
          this.addSnapshot(decodeData(SnapshotRecord, data, where, offset), where, offset);
          return;
        default:
          throw corrupt(where, offset, `${type} is not a type of record`);
      }
    };
  }

  finish(tail: SegmentEnd): Replay {
    const { metadataBytes, hardState, entries, lastIndex } = this;
    if (metadataBytes === undefined) throw corrupt(this.directory, 0, 'the log does not say which member it is of');
    if (!this.snapshotFound) {
      throw new WalError(
        'WAL_NO_SNAPSHOT',
        `the log has no record of a snapshot at index ${this.at.index}, term ${this.at.term}. ` +
          'The snap and wal directories are not of the same moment; restore both together',
        { path: this.directory },
      );
    }
    const { NodeID: nodeId, ClusterID: clusterId } = Metadata.decode(metadataBytes);
    return { metadata: { nodeId, clusterId }, metadataBytes, hardState, entries, lastIndex, tail };
  }

  /** An entry with an index seen before takes the place of that entry and of all behind it. */
  private addEntry(entry: Entry, where: string, offset: number): void {
    const { entries, at } = this;
    this.lastIndex = entry.Index;
    if (entry.Index <= at.index) return;
    const position = entry.Index - at.index - 1;
    if (position > entries.length) {
      const previous = at.index + entries.length;
      throw new WalError(
        'WAL_GAP',
        `entry ${entry.Index} follows entry ${previous}: entries are missing. Restore the member from a snapshot`,
        { path: where, offset },
      );
    }
    entries.length = position;
    entries.push(entry);
  }

  private addSnapshot(record: SnapshotRecord, where: string, offset: number): void {
    this.lastIndex = Math.max(this.lastIndex, record.index);
    if (record.index !== this.at.index) return;
    if (record.term !== this.at.term) {
      throw new WalError(
        'WAL_NO_SNAPSHOT',
        `the snapshot at index ${record.index} is recorded with term ${record.term}, not ${this.at.term}. ` +
          'The snapshot file belongs to another log; restore the snap and wal directories together',
        { path: where, offset },
      );
    }
    this.snapshotFound = true;
  }

  private checkMetadata(data: Uint8Array, where: string, offset: number): void {
    decodeData(Metadata, data, where, offset);
    if (this.metadataBytes !== undefined && Buffer.compare(this.metadataBytes, data) !== 0) {
      throw new WalError(
        'WAL_METADATA_MISMATCH',
        'the segment belongs to another member or cluster than those before it. Take the foreign files out',
        { path: where, offset },
      );
    }
    // A copy: it lives as long as the log, the chunk that it was read in need not.
    this.metadataBytes ??= Uint8Array.from(data);
  }
}
