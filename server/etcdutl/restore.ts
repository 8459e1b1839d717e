/** Makes a data directory from a snapshot, for one member of a new cluster (contract: cli §7, disk-and-peer §7). */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { checkLocalMember, initialMembers, type Member, parseInitialCluster, parseUrls } from '../membership/mod.ts';
import { resolveUrl } from './resolve-url.ts';
import { type DatabaseSource, openForRestore, restoreDatabase } from './restore-database.ts';
import { restoreLog } from './restore-log.ts';
import { SnapshotError } from './snapshot-error.ts';

export interface RestoreOptions {
  readonly snapshotPath: string;
  /** Must not exist, or be empty. */
  readonly dataDir: string;
  /** Where the log goes. Default: `member/wal` in the data directory. */
  readonly walDir?: string | undefined;
  /** Which of the initial cluster's members this is. */
  readonly name: string;
  /** `name=url,name=url,…`, the same for all members. */
  readonly initialCluster: string;
  /** The same for all members, and new: it makes the ids, which keep members of the old cluster away. */
  readonly initialClusterToken: string;
  /** As this member has them in the initial cluster. */
  readonly initialAdvertisePeerUrls: readonly string[];
  /** For a database file that was copied instead of saved. */
  readonly skipHashCheck?: boolean | undefined;
  /** Raises the revision by this much and marks what is below as compacted. */
  readonly bumpRevision?: number | undefined;
  readonly fs?: FileSystem | undefined;
}

export interface Restored {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** Ascending by id. */
  readonly members: readonly Member[];
  /** Of the restored store. */
  readonly revision: number;
}

/**
 * Restores beside the target and renames at the end: the target is there complete and durable, or as it was before.
 *
 * @throws SnapshotError when the snapshot or the target is refused; ClusterConfigError for the cluster's description
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<Restored> {
  const fs = options.fs ?? nodeFileSystem;
  const cluster = parseInitialCluster(options.initialCluster);
  const peerUrls = parseUrls(options.initialAdvertisePeerUrls);
  await checkLocalMember(cluster, options.name, peerUrls, resolveUrl);
  const { clusterId, members } = initialMembers(cluster, options.initialClusterToken);
  const local = members.find(({ name }) => name === options.name) as Member;
  const { snapshotPath, bumpRevision, skipHashCheck = false } = options;
  const source: DatabaseSource = { snapshotPath, skipHashCheck, bumpRevision, fs };

  const place = await stage(options, fs);
  const snapshot = await openForRestore(source);
  try {
    await fs.makeDirectory(place.snapDirectory);
    const revision = await restoreDatabase(snapshot, path.join(place.snapDirectory, 'db'), members, source);
    await fs.makeDirectory(path.dirname(place.walDirectory));
    await restoreLog({ ...place, fs }, local.id, clusterId, members);
    await publish(place, fs);
    return { memberId: local.id, clusterId, members, revision };
  } catch (error) {
    // A disk that refuses this as well must not hide why the restore failed; a later one does not mind what is left.
    for (const directory of leftovers(place)) await fs.removeDirectory(directory).catch(() => undefined);
    throw error;
  } finally {
    await snapshot.file.close();
  }
}

/** Where the parts are built, and which directories are renamed in the end. */
interface Stage {
  readonly snapDirectory: string;
  readonly walDirectory: string;
  readonly moves: readonly { readonly from: string; readonly to: string }[];
  /** The nearest ones above the targets that were there before. */
  readonly oldDirectories: ReadonlySet<string>;
}

/** What a restore that fails may have made, the directory that the log is first built in among it. */
function leftovers({ moves, walDirectory }: Stage): string[] {
  return [...moves.map(({ from }) => from), `${walDirectory}.tmp`];
}

async function stage({ dataDir, walDir }: RestoreOptions, fs: FileSystem): Promise<Stage> {
  await requireVacant('data-dir', dataDir, fs);
  const suffix = `.restore-${randomBytes(4).toString('hex')}`;
  const target = path.resolve(dataDir);
  const data = { from: `${target}${suffix}`, to: target };
  const snapDirectory = path.join(data.from, 'member', 'snap');
  const above = await oldParent(target, fs);
  const log = path.resolve(walDir ?? path.join(target, 'member', 'wal'));
  const withinData = path.relative(target, log);
  if (!withinData.startsWith('..') && !path.isAbsolute(withinData)) {
    const walDirectory = path.join(data.from, withinData);
    return { snapDirectory, walDirectory, moves: [data], oldDirectories: new Set([above]) };
  }
  await requireVacant('wal-dir', walDir as string, fs);
  const wal = { from: `${log}${suffix}`, to: log };
  const oldDirectories = new Set([above, await oldParent(log, fs)]);
  return { snapDirectory, walDirectory: wal.from, moves: [wal, data], oldDirectories };
}

async function requireVacant(what: string, directory: string, fs: FileSystem): Promise<void> {
  if (!(await fs.exists(directory))) return;
  const names = await fs.list(directory).catch(() => ['unreadable']);
  if (names.length === 0) return;
  throw new SnapshotError('RESTORE_TARGET_NOT_EMPTY', `${what} "${directory}" not empty or could not be read`);
}

/** Makes everything durable, then gives it its name; the data directory comes last. */
async function publish({ moves, snapDirectory, oldDirectories }: Stage, fs: FileSystem): Promise<void> {
  for (let directory = snapDirectory; ; directory = path.dirname(directory)) {
    await fs.syncDirectory(directory);
    if (moves.some(({ from }) => from === directory)) break;
  }
  const done: { from: string; to: string }[] = [];
  try {
    for (const move of moves) {
      await fs.rename(move.from, move.to);
      done.push(move);
      // Up to a directory that was there before: new ones between must be durable, too.
      for (let directory = move.to; !oldDirectories.has(directory); ) {
        directory = path.dirname(directory);
        await fs.syncDirectory(directory);
      }
    }
  } catch (error) {
    for (const { from, to } of done) await fs.rename(to, from);
    throw error;
  }
}

/** The nearest directory above `target` that is there already. */
async function oldParent(target: string, fs: FileSystem): Promise<string> {
  let directory = path.dirname(target);
  while (!(await fs.exists(directory)) && directory !== path.dirname(directory)) directory = path.dirname(directory);
  return directory;
}
