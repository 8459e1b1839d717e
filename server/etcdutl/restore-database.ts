/** The database half of a restore: the snapshot's keys with a new cluster's members (contract: disk-and-peer §7). */
import type { FileSystem } from '../base/file-system.ts';
import type { WriteTx } from '../bolt/mod.ts';
import { encodeMember, idToHex, type Member } from '../membership/mod.ts';
import { encodeRevision } from '../mvcc/revision.ts';
import { SnapshotError } from './snapshot-error.ts';
import {
  latestRevision,
  openDatabase,
  openSnapshotFile,
  readSnapshotFile,
  requireDatabaseSize,
  requireMatch,
  type SnapshotFile,
} from './snapshot-file.ts';

/** The restored log has one entry per member, all of this term. */
export const restoredTerm = 1;
export const growthBytes = 64 * 1024;
/** A copy is synced in pieces of this size, so that the disk does not wait for its end. */
const syncBytes = 32 * 1024 * 1024;

/** Told how much of the snapshot was read, and how long it is. */
export type CopyProgress = (readBytes: number, sizeBytes: number) => void;

export interface DatabaseSource {
  readonly snapshotPath: string;
  readonly skipHashCheck: boolean;
  /** Raises the store's revision and marks all below as compacted; undefined: leave it. */
  readonly bumpRevision: number | undefined;
  readonly onProgress?: CopyProgress | undefined;
  readonly fs: FileSystem;
}

/** @throws SnapshotError SNAPSHOT_NOT_FOUND, SNAPSHOT_TOO_SMALL, SNAPSHOT_NO_HASH */
export async function openForRestore({ snapshotPath, skipHashCheck, fs }: DatabaseSource): Promise<SnapshotFile> {
  const snapshot = await openSnapshotFile(snapshotPath, fs, 'open');
  try {
    if (!snapshot.hasTrailer && !skipHashCheck) {
      throw new SnapshotError('SNAPSHOT_NO_HASH', 'snapshot missing hash but --skip-hash-check=false');
    }
    requireDatabaseSize(snapshot);
    return snapshot;
  } catch (error) {
    await snapshot.file.close();
    throw error;
  }
}

/**
 * Writes the snapshot's database to `target` as it must be for these members. Durable when it resolves.
 *
 * @returns the store's revision
 * @throws SnapshotError SNAPSHOT_HASH_MISMATCH, SNAPSHOT_DAMAGED; what is in `target` then is of no use
 */
export async function restoreDatabase(
  snapshot: SnapshotFile,
  target: string,
  members: readonly Member[],
  { skipHashCheck, bumpRevision, onProgress, fs }: DatabaseSource,
): Promise<number> {
  await copyDatabase(snapshot, target, skipHashCheck, fs, onProgress);
  const database = await openDatabase(target, snapshot.path, { fs, growthBytes });
  try {
    const transaction = database.begin();
    replaceMembers(transaction, members);
    const latest = latestRevision(database);
    const revision = bumpRevision === undefined ? latest : bump(transaction, latest + bumpRevision);
    transaction.put('meta', Buffer.from('consistent_index'), uint64(members.length));
    transaction.put('meta', Buffer.from('term'), uint64(restoredTerm));
    await transaction.commit();
    return revision;
  } finally {
    await database.close();
  }
}

/** Copies without the digest, checking it on the way. The commit that follows makes it durable. */
export async function copyDatabase(
  snapshot: SnapshotFile,
  target: string,
  skipHashCheck: boolean,
  fs: FileSystem,
  onProgress: CopyProgress = () => {},
): Promise<void> {
  const file = await fs.open(target, 'create-new', 0o600);
  let syncing = Promise.resolve();
  let syncedBytes = 0;
  try {
    const verdict = await readSnapshotFile(snapshot, async (chunk, position) => {
      onProgress(position + chunk.length, snapshot.sizeBytes);
      const wanted = chunk.subarray(0, Math.max(snapshot.databaseBytes - position, 0));
      if (wanted.length > 0) await file.write([wanted], position);
      if (position - syncedBytes < syncBytes) return;
      syncedBytes = position;
      await syncing;
      syncing = file.datasync();
      // Its failure is met below, or by the next.
      syncing.catch(() => {});
    });
    await syncing;
    if (!skipHashCheck) requireMatch(snapshot.path, verdict);
  } finally {
    await file.close();
  }
}

/** The old cluster's members go; leases, alarms, users and roles stay. */
export function replaceMembers(transaction: WriteTx, members: readonly Member[]): void {
  for (const bucket of ['members', 'members_removed']) {
    transaction.createBucket(bucket);
    transaction.scan(bucket, Buffer.alloc(0), undefined, (key) => transaction.delete(bucket, key));
  }
  for (const member of members) {
    transaction.put('members', Buffer.from(idToHex(member.id)), Buffer.from(encodeMember(member)));
  }
}

/**
 * A record without key or value at the higher revision: watchers that know a later revision than the snapshot's learn
 * that their history is gone, instead of waiting for it to come again.
 */
function bump(transaction: WriteTx, revision: number): number {
  const record = encodeRevision(revision, 0);
  transaction.put('key', record, Buffer.alloc(0));
  transaction.put('meta', Buffer.from('scheduledCompactRev'), record);
  return revision;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
