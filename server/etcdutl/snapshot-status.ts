/** What is in a snapshot file, after it has been verified (contract: cli §7, disk-and-peer §7). */
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { hashDatabase, type ReadTx } from '../bolt/mod.ts';
import { decodeRevision } from '../mvcc/revision.ts';
import {
  openDatabase,
  openSnapshotFile,
  readSnapshotFile,
  requireDatabaseSize,
  requireMatch,
} from './snapshot-file.ts';

export interface SnapshotStatus {
  /** CRC-32C over all buckets, keys and values, as upstream's `snapshot status` prints it. */
  readonly hash: number;
  /** The store's revision: that of its last record. */
  readonly revision: number;
  /** Records in all buckets, as 3.5 counts. */
  readonly totalKeys: number;
  /** Of the database, without its digest. */
  readonly totalSizeBytes: number;
  /** `missing`: a copied database file has no digest, and damage within its values does not show. */
  readonly trailer: 'ok' | 'missing';
}

/**
 * Reads the whole file: digest, structure of every page, then the figures. Unlike upstream, which prints figures for
 * most damaged files, it gives them for a sound one only.
 *
 * @throws SnapshotError SNAPSHOT_NOT_FOUND, SNAPSHOT_TOO_SMALL, SNAPSHOT_HASH_MISMATCH, SNAPSHOT_DAMAGED
 */
export async function snapshotStatus(path: string, fs: FileSystem = nodeFileSystem): Promise<SnapshotStatus> {
  const snapshot = await openSnapshotFile(path, fs, 'stat');
  try {
    requireDatabaseSize(snapshot);
    const verdict = await readSnapshotFile(snapshot);
    requireMatch(path, verdict);
    const sizeBytes = snapshot.databaseBytes;
    const database = await openDatabase(path, path, { fs, readOnly: true, sizeBytes });
    const view = database.view();
    try {
      return { ...figures(view), trailer: snapshot.hasTrailer ? 'ok' : 'missing' };
    } finally {
      view.close();
      await database.close();
    }
  } finally {
    await snapshot.file.close();
  }
}

function figures(view: ReadTx): Omit<SnapshotStatus, 'trailer'> {
  let totalKeys = 0;
  let lastRecord: Buffer | undefined;
  for (const bucket of view.bucketNames()) {
    for (const [key] of view.pairs(bucket)) {
      totalKeys++;
      if (bucket === 'key') lastRecord = key;
    }
  }
  const revision = lastRecord === undefined ? 0 : decodeRevision(lastRecord).main;
  return { hash: hashDatabase(view), revision, totalKeys, totalSizeBytes: view.sizeBytes };
}
