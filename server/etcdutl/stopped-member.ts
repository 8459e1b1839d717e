/** The files of a member that does not run: its newest snapshot, the log behind it, and its database. */
import path from 'node:path';
import { DataLock } from '../base/data-lock.ts';
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { Logger } from '../base/logger.ts';
import { logLine } from '../cli/environment.ts';
import { ExitCode, ExitError } from '../cli/exit-error.ts';
import type { CliIo } from '../cli/io.ts';
import { Snapshot, SnapshotMetadata } from '../proto/gen/raft.ts';
import { Snapshotter } from '../snap/mod.ts';
import { Wal, type WalContents } from '../wal/mod.ts';
import { openDatabase } from './snapshot-file.ts';

const fs: FileSystem = nodeFileSystem;

export interface StoppedMember {
  /** Where the log begins; index 0 when there is none yet. */
  readonly snapshot: Snapshot;
  readonly log: WalContents;
  /** `member/snap/db`, or the received database that the member had not put there yet. */
  readonly databasePath: string;
}

export interface MemberPlace {
  readonly dataDir: string;
  readonly walDir?: string | undefined;
}

/**
 * Locks the directory against every other process while `use` runs.
 *
 * @throws ExitError when there is no member, or a process uses it; nothing was changed then
 */
export async function withLocked<T>({ dataDir, walDir }: MemberPlace, io: CliIo, use: () => Promise<T>): Promise<T> {
  const database = path.join(dataDir, 'member/snap/db');
  // Taking the lock would make the directory.
  if (!(await fs.exists(database))) throw new ExitError(ExitCode.Error, `stat ${database}: no such file or directory`);
  const log = new Logger(
    { enabled: (level) => level !== 'debug', write: ({ level, msg, fields }) => logLine(io, level, msg, fields) },
    'etcdutl',
  );
  const lock = new DataLock(dataDir, { log, ...(walDir && { walDir }) });
  try {
    await lock.take();
    return await use();
  } catch (error) {
    if (error instanceof ExitError) throw error;
    throw new ExitError(ExitCode.Error, (error as Error).message, error);
  } finally {
    await lock.release();
  }
}

/**
 * Reads what the member would start from, changing nothing, and refuses what it would refuse: a database that is older
 * than the snapshot, or ahead of the log. The directory must be locked.
 *
 * @throws ExitError; SnapshotError, WalError or SnapError naming the file that is damaged
 */
export async function readStopped({ dataDir, walDir }: MemberPlace, io: CliIo): Promise<StoppedMember> {
  const snapDir = path.join(dataDir, 'member/snap');
  const walPath = walDir ?? path.join(dataDir, 'member/wal');
  const recorded = await Wal.validSnapshots(walPath);
  const onWarning = (message: string): void => logLine(io, 'warn', message);
  const snapshotter = new Snapshotter(snapDir, { fs, onWarning, keepBroken: true });
  const snapshot =
    (await snapshotter.loadNewest((index, term) => recorded.some((r) => r.index === index && r.term === term))) ??
    Snapshot.create({ metadata: SnapshotMetadata.create() });
  const { index, term } = snapshot.metadata;
  const log = await Wal.read(walPath, { index, term });
  const newest = Math.max(index, ...recorded.map((record) => record.index));

  let databasePath = path.join(snapDir, 'db');
  let applied = await appliedIndex(databasePath);
  if (applied < index && (await snapshotter.hasDatabase(index))) {
    databasePath = snapshotter.databasePath(index);
    applied = await appliedIndex(databasePath);
  }
  const last = log.entries.at(-1)?.Index ?? index;
  if (applied >= newest && applied <= last) return { snapshot, log, databasePath };
  throw new ExitError(
    ExitCode.Error,
    `${databasePath} holds the effect of entries up to ${applied}, but the log in ${walPath} begins at a snapshot of ` +
      `entry ${newest} and ends at entry ${last}: the two are not of one moment. Put both back as they were together, ` +
      'or make a new cluster of the database: etcdutl snapshot restore --skip-hash-check.',
  );
}

/** Reads every page of the database on the way. */
async function appliedIndex(file: string): Promise<number> {
  const database = await openDatabase(file, file, { fs, readOnly: true });
  try {
    const view = database.view();
    const found = view.get('meta', Buffer.from('consistent_index'));
    view.close();
    return found?.length === 8 ? Number(found.readBigUInt64BE()) : 0;
  } finally {
    await database.close();
  }
}
