/** The snapshots that a log vouches for (contract: disk-and-peer §1.9). */
import type { FileSystem } from '../base/file-system.ts';
import { HardState } from '../proto/gen/raft.ts';
import { SnapshotRecord } from '../proto/gen/wal.ts';
import { RecordType } from './record-type.ts';
import { decodeData, scanSegments } from './replay.ts';
import { listSegments } from './segment-name.ts';
import { WalError } from './wal-error.ts';

/**
 * Reads all segments, changing nothing.
 *
 * @returns the snapshot records, oldest first, whose index is not beyond the last commit index saved: one beyond it
 *   was recorded in the last moment before a crash, and the state that goes with it is not complete
 * @throws WalError WAL_NOT_FOUND, WAL_CORRUPT
 */
export async function readSnapshotRecords(fs: FileSystem, directory: string): Promise<SnapshotRecord[]> {
  const segments = await listSegments(fs, directory);
  if (segments.length === 0) {
    throw new WalError('WAL_NOT_FOUND', 'there is no write-ahead log here. Check the data and WAL directory', {
      path: directory,
    });
  }
  const records: SnapshotRecord[] = [];
  let commit = 0;
  await scanSegments(fs, directory, segments, (where) => (type, data, offset) => {
    if (type === RecordType.snapshot) records.push(decodeData(SnapshotRecord, data, where, offset));
    if (type === RecordType.state) commit = decodeData(HardState, data, where, offset).commit;
  });
  return records.filter((record) => record.index <= commit);
}
