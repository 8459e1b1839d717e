/** What is in a snapshot file, after it has been verified (contract: cli §7, disk-and-peer §7). */
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { DatabaseDigest } from '../bolt/mod.ts';
import {
  latestRevision,
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
    const digest = new DatabaseDigest();
    const database = await openDatabase(path, path, { fs, readOnly: true, sizeBytes, visitor: digest });
    try {
      const { hash, pairs: totalKeys } = digest;
      const trailer = snapshot.hasTrailer ? 'ok' : 'missing';
      return { hash, revision: latestRevision(database), totalKeys, totalSizeBytes: database.sizeBytes(), trailer };
    } finally {
      await database.close();
    }
  } finally {
    await snapshot.file.close();
  }
}
