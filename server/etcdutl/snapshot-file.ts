/** A snapshot file: a database and, mostly, its SHA-256 (contract: disk-and-peer §7). */
import type { FileSystem, StorageFile } from '../base/file-system.ts';
import { BoltDatabase, BoltError, type OpenOptions } from '../bolt/mod.ts';
import { hasTrailer, TrailerCheck, type TrailerVerdict, trailerBytes } from '../client/mod.ts';
import { decodeRevision } from '../mvcc/revision.ts';
import { SnapshotError } from './snapshot-error.ts';

/** Two meta pages of the smallest size in use, and something to point at. */
const smallestDatabaseBytes = 8192;
const chunkBytes = 4 * 1024 * 1024;

export interface SnapshotFile {
  readonly path: string;
  readonly file: StorageFile;
  readonly sizeBytes: number;
  /** Without the digest at the end, if there is one. */
  readonly databaseBytes: number;
  readonly hasTrailer: boolean;
}

/** @throws SnapshotError SNAPSHOT_NOT_FOUND, SNAPSHOT_TOO_SMALL */
export async function openSnapshotFile(path: string, fs: FileSystem, verb: 'open' | 'stat'): Promise<SnapshotFile> {
  if (!(await fs.exists(path))) {
    throw new SnapshotError('SNAPSHOT_NOT_FOUND', `${verb} ${path}: no such file or directory`);
  }
  const file = await fs.open(path, 'read');
  try {
    const sizeBytes = await file.size();
    const trailer = hasTrailer(sizeBytes);
    const databaseBytes = trailer ? sizeBytes - trailerBytes : sizeBytes;
    return { path, file, sizeBytes, databaseBytes, hasTrailer: trailer };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Upstream's words. @throws SnapshotError SNAPSHOT_TOO_SMALL */
export function requireDatabaseSize({ sizeBytes, databaseBytes }: SnapshotFile): void {
  if (databaseBytes < smallestDatabaseBytes) {
    throw new SnapshotError('SNAPSHOT_TOO_SMALL', `file size too small ${sizeBytes}`);
  }
}

/**
 * Reads the file from end to end, checks its digest on the way and hands each piece to `visit`. A piece is hashed while it
 * is visited and the next is read.
 */
export async function readSnapshotFile(
  { file }: SnapshotFile,
  visit: (chunk: Uint8Array, position: number) => Promise<void> = async () => {},
): Promise<TrailerVerdict> {
  const check = new TrailerCheck();
  let [buffer, other] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  let length = await file.read(buffer, 0);
  while (length > 0) {
    const position = check.sizeBytes;
    const chunk = buffer.subarray(0, length);
    const others = [file.read(other, position + length), visit(chunk, position)] as const;
    check.add(chunk);
    [length] = await Promise.all(others);
    [buffer, other] = [other, buffer];
  }
  return check.finish();
}

/** @throws SnapshotError SNAPSHOT_HASH_MISMATCH */
export function requireMatch(path: string, { trailer, sha256, expected }: TrailerVerdict): void {
  if (trailer !== 'mismatch') return;
  throw new SnapshotError(
    'SNAPSHOT_HASH_MISMATCH',
    `${path} is damaged: expected sha256 ${expected}, got ${sha256}. Use another copy or an older snapshot`,
  );
}

/** The store's revision: that of its last record, 0 without one. */
export function latestRevision(database: BoltDatabase): number {
  const view = database.view();
  try {
    const last = view.lastKey('key');
    return last === undefined ? 0 : decodeRevision(last).main;
  } finally {
    view.close();
  }
}

/** Opens the database, reading every page of it. @throws SnapshotError SNAPSHOT_DAMAGED */
export async function openDatabase(path: string, snapshot: string, options: OpenOptions): Promise<BoltDatabase> {
  try {
    const database = await BoltDatabase.open(path, options);
    const view = database.view();
    const buckets = view.bucketNames();
    view.close();
    if (buckets.includes('key') && buckets.includes('meta')) return database;
    await database.close();
    throw new SnapshotError(
      'SNAPSHOT_DAMAGED',
      `${snapshot} is not a database of etcd: it lacks the buckets key, meta`,
    );
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    const where = error.page === undefined ? '' : `page ${error.page}: `;
    throw new SnapshotError('SNAPSHOT_DAMAGED', `${snapshot} is damaged: ${where}${error.reason}`, error);
  }
}
