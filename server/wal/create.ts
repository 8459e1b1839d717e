/** Makes a new log, and new segments of one (contract: disk-and-peer §1.5). */
import path from 'node:path';
import type { FileSystem, StorageFile } from '../base/file-system.ts';
import { Metadata } from '../proto/gen/wal.ts';
import { FrameEncoder } from './frame-encoder.ts';
import type { WalMetadata } from './replay.ts';
import { type SegmentName, segmentName } from './segment-name.ts';
import { WalError } from './wal-error.ts';

interface CreateOptions {
  readonly fs: FileSystem;
  readonly segmentSizeBytes: number;
  readonly sync: boolean;
}

/** A log that was just created, open for appending at `offset`. */
interface CreatedLog {
  readonly file: StorageFile;
  readonly offset: number;
  readonly crc: number;
  readonly segments: SegmentName[];
  readonly metadataBytes: Uint8Array;
}

/**
 * Builds the log in `DIRECTORY.tmp` and renames it, so that it is there completely or not at all.
 *
 * @throws WalError WAL_EXISTS when something is in the directory already
 */
export async function createLog(directory: string, metadata: WalMetadata, options: CreateOptions): Promise<CreatedLog> {
  const { fs, sync } = options;
  await requireAbsentOrEmpty(fs, directory);
  const temporary = `${directory}.tmp`;
  await fs.removeDirectory(temporary);
  await fs.makeDirectory(temporary);

  const metadataBytes = Metadata.encode({ NodeID: metadata.nodeId, ClusterID: metadata.clusterId });
  const encoder = new FrameEncoder(0);
  encoder.crcRecord();
  encoder.metadata(metadataBytes);
  encoder.snapshot({ index: 0, term: 0 });
  const first = segmentName(0, 0);
  const segment = await createSegment(path.join(temporary, first.name), encoder.bytes(), options);
  // Not every system renames a directory with an open file in it.
  await segment.close();
  if (sync) await fs.syncDirectory(temporary);

  await fs.removeDirectory(directory);
  await fs.rename(temporary, directory);
  if (sync) await fs.syncDirectory(path.dirname(directory));
  const file = await fs.open(path.join(directory, first.name), 'write');
  return { file, offset: encoder.length, crc: encoder.crc, segments: [first], metadataBytes };
}

/** Creates a segment's file with its whole size and its first records, durable but for its name. */
export async function createSegment(where: string, head: Uint8Array, options: CreateOptions): Promise<StorageFile> {
  const file = await options.fs.open(where, 'create');
  try {
    await file.truncate(options.segmentSizeBytes);
    await file.write([head], 0);
    if (options.sync) await file.datasync();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function requireAbsentOrEmpty(fs: FileSystem, directory: string): Promise<void> {
  if (!(await fs.exists(directory))) return;
  const names = await fs.list(directory);
  if (names.length === 0) return;
  throw new WalError(
    'WAL_EXISTS',
    `there is something here already (${names[0]}), so no new log is made. Name another directory, or remove this one`,
    { path: directory },
  );
}
