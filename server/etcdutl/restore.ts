/** Makes a data directory from a snapshot, for one member of a new cluster (contract: cli §7, disk-and-peer §7). */
import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { checkLocalMember, initialMembers, type Member, parseInitialCluster, parseUrls } from '../membership/mod.ts';
import { resolveUrl } from './resolve-url.ts';
import { type CopyProgress, type DatabaseSource, openForRestore, restoreDatabase } from './restore-database.ts';
import { restoreLog } from './restore-log.ts';
import { discard, publish, stage } from './staged-directory.ts';

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
  readonly onProgress?: CopyProgress | undefined;
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
  const { snapshotPath, bumpRevision, onProgress, skipHashCheck = false } = options;
  const source: DatabaseSource = { snapshotPath, skipHashCheck, bumpRevision, onProgress, fs };

  const place = await stage(
    { ...options, purpose: 'restore', flagNames: { dataDir: 'data-dir', walDir: 'wal-dir' } },
    fs,
  );
  const snapshot = await openForRestore(source);
  try {
    await fs.makeDirectory(place.snapDirectory);
    const revision = await restoreDatabase(snapshot, path.join(place.snapDirectory, 'db'), members, source);
    await fs.makeDirectory(path.dirname(place.walDirectory));
    await restoreLog({ ...place, fs }, local.id, clusterId, members);
    await publish(place, fs);
    return { memberId: local.id, clusterId, members, revision };
  } catch (error) {
    await discard(place, fs);
    throw error;
  } finally {
    await snapshot.file.close();
  }
}
