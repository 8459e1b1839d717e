/**
 * The log's files: `SEQUENCE-INDEX.wal`, both as 16 hex digits (contract: disk-and-peer §1.1). The sequence grows by
 * one from file to file; the index is that of the first entry the file may hold.
 */
import type { FileSystem } from '../base/file-system.ts';
import { WalError } from './wal-error.ts';

export interface SegmentName {
  readonly sequence: number;
  readonly index: number;
  readonly name: string;
}

const pattern = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

/** The name of the segment with this sequence number whose first entry may have this index. */
export function segmentName(sequence: number, index: number): SegmentName {
  return { sequence, index, name: `${hex16(sequence)}-${hex16(index)}.wal` };
}

/** @returns undefined for any other file: temporary, broken or foreign */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, sequence, index] = pattern.exec(name) ?? [];
  if (sequence === undefined || index === undefined) return undefined;
  return { sequence: Number.parseInt(sequence, 16), index: Number.parseInt(index, 16), name };
}

/** @returns the directory's segments by sequence; none if there is no such directory */
export async function listSegments(fs: FileSystem, directory: string): Promise<SegmentName[]> {
  if (!(await fs.exists(directory))) return [];
  const names = await fs.list(directory);
  return names.flatMap((name) => parseSegmentName(name) ?? []).sort((a, b) => a.sequence - b.sequence);
}

/**
 * Chooses what to read to start behind `index`: the last segment that begins at or before it, and all after that.
 *
 * @throws WalError WAL_NOT_FOUND, WAL_GAP
 */
export function segmentsFrom(directory: string, segments: readonly SegmentName[], index: number): SegmentName[] {
  if (segments.length === 0) {
    throw new WalError('WAL_NOT_FOUND', 'there is no write-ahead log here. Check the data and WAL directory', {
      path: directory,
    });
  }
  const first = segments.findLastIndex((segment) => segment.index <= index);
  if (first < 0) {
    throw new WalError(
      'WAL_NOT_FOUND',
      `the log begins at index ${segments[0]?.index}, after index ${index} that it is to be opened at. ` +
        'The snapshot file for a later index is missing; restore the snap directory',
      { path: directory },
    );
  }
  const chosen = segments.slice(first);
  requireNoGap(directory, chosen);
  return chosen;
}

function requireNoGap(directory: string, segments: readonly SegmentName[]): void {
  segments.forEach((segment, i) => {
    const previous = segments[i - 1];
    if (previous !== undefined && segment.sequence !== previous.sequence + 1) {
      throw new WalError(
        'WAL_GAP',
        `segment ${hex16(previous.sequence + 1)} is missing between ${previous.name} and ${segment.name}. ` +
          'Put the missing file back, or restore the member from a snapshot',
        { path: directory },
      );
    }
  });
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}
