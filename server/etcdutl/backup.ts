/**
 * `backup`: copies the directory of a member that does not run into one that starts a cluster of its own
 * (contract: cli §7). Unlike a restored snapshot, the copy keeps the log and with it the indexes and terms.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { nodeFileSystem as fs } from '../base/file-system.ts';
import type { Command, Invocation } from '../cli/command.ts';
import { logLine } from '../cli/environment.ts';
import { badArgs, ExitCode } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { readEntry } from '../member/logged-entry.ts';
import { type Member, newMember } from '../membership/mod.ts';
import { type ConfState, type Entry, EntryType, type Snapshot } from '../proto/gen/raft.ts';
import { decodeV2Store, encodeV2Store, Snapshotter } from '../snap/mod.ts';
import { Wal } from '../wal/mod.ts';
import { copyDatabase, growthBytes, replaceMembers } from './restore-database.ts';
import { openDatabase, openSnapshotFile } from './snapshot-file.ts';
import { discard, publish, type Stage, stage } from './staged-directory.ts';
import { readStopped, type StoppedMember, withLocked } from './stopped-member.ts';

/** As upstream names them. The URL says to who lists the members what the copy must be started with. */
const placeholder = { name: 'etcdctl-v2-backup', peerURLs: ['http://use-flag--force-new-cluster:2080'] };

export const backupCommand: Command = {
  name: 'backup',
  short: 'Copies the directory of a member that does not run, for a new cluster of one',
  flags: [
    { ...flag.string('data-dir', '', 'data directory of the member, which must not be running'), required: true },
    flag.string('wal-dir', '', 'its log, if that is not in the data directory'),
    { ...flag.string('backup-dir', '', 'directory to make; must not exist or be empty'), required: true },
    flag.string('backup-wal-dir', '', "directory for the copy's log; inside the backup directory if not given"),
    flag.bool('with-v3', true, 'copy the keys; a copy without them is not made, since there is no v2 store'),
  ],
  run: runBackup,
};

export interface BackupOptions {
  readonly dataDir: string;
  readonly walDir?: string | undefined;
  /** Must not exist, or be empty. */
  readonly backupDir: string;
  readonly backupWalDir?: string | undefined;
}

async function runBackup({ flags, io }: Invocation): Promise<number> {
  if (!flags.bool('with-v3')) {
    throw badArgs('--with-v3=false would copy the v2 store alone, and this etcd has none. Leave the flag out');
  }
  const backupDir = flags.string('backup-dir');
  const options: BackupOptions = {
    dataDir: flags.string('data-dir'),
    walDir: flags.string('wal-dir') || undefined,
    backupDir,
    backupWalDir: flags.string('backup-wal-dir') || undefined,
  };
  await backupMember(options, io);
  logLine(io, 'info', 'copied the member; start the copy with --force-new-cluster once', { 'backup-dir': backupDir });
  return ExitCode.Success;
}

/**
 * Copies beside the target and renames at the end: the target is there complete and durable, or as it was before. The
 * source is not changed.
 *
 * @throws ExitError saying what was refused, and why
 */
export async function backupMember(options: BackupOptions, io: CliIo): Promise<void> {
  await withLocked(options, io, async () => {
    const flagNames = { dataDir: 'backup-dir', walDir: 'backup-wal-dir' };
    const target = { dataDir: options.backupDir, walDir: options.backupWalDir, purpose: 'backup', flagNames };
    const place = await stage(target, fs);
    const source = await readStopped(options, io);
    try {
      await fs.makeDirectory(place.snapDirectory);
      await fs.makeDirectory(path.dirname(place.walDirectory));
      await copyMember(source, place);
      await publish(place, fs);
    } catch (error) {
      await discard(place, fs);
      throw error;
    }
  });
}

async function copyMember({ snapshot, log, databasePath }: StoppedMember, place: Stage): Promise<void> {
  const member = newMember({ id: randomId(), ...placeholder });
  await copyKeys(databasePath, path.join(place.snapDirectory, 'db'), member);
  const { index, term } = snapshot.metadata;
  const metadata = { nodeId: member.id, clusterId: randomId() };
  const wal = await Wal.create(place.walDirectory, metadata, { fs });
  try {
    if (index > 0) {
      const confState = { ...snapshot.metadata.conf_state, ...onlyVoter(member.id) };
      await new Snapshotter(place.snapDirectory, { fs }).save(ofMember(snapshot, member, confState));
      await wal.saveSnapshot({ index, term, confState });
    }
    await wal.save(log.hardState, log.entries.map(withoutMembership), true);
  } finally {
    await wal.close();
  }
}

async function copyKeys(from: string, to: string, member: Member): Promise<void> {
  const source = await openSnapshotFile(from, fs, 'open');
  try {
    await copyDatabase(source, to, true, fs);
  } finally {
    await source.file.close();
  }
  const database = await openDatabase(to, from, { fs, growthBytes });
  try {
    const transaction = database.begin();
    replaceMembers(transaction, [member]);
    // The new cluster decides on its version when it has started.
    transaction.createBucket('cluster');
    transaction.scan('cluster', Buffer.alloc(0), undefined, (key) => transaction.delete('cluster', key));
    await transaction.commit();
  } finally {
    await database.close();
  }
}

function onlyVoter(id: bigint): ConfState {
  return { voters: [id], learners: [], voters_outgoing: [], learners_next: [], auto_leave: false };
}

function ofMember({ metadata, data }: Snapshot, member: Member, confState: ConfState): Snapshot {
  const store = data === undefined || data.length === 0 ? undefined : decodeV2Store(data);
  const { id, name, peerURLs } = member;
  const index = store?.index ?? metadata.index;
  const membership = { ...store, members: [{ id, name, peerURLs }], removed: [], index };
  return { data: encodeV2Store(membership), metadata: { ...metadata, conf_state: confState } };
}

/** An empty entry stands in the place of one about the old members, so that indexes stay. */
function withoutMembership(entry: Entry): Entry {
  const { Term, Index } = entry;
  const read = readEntry(entry);
  const isAboutMembers =
    read.kind === 'change' ||
    read.kind === 'attributes' ||
    (read.kind === 'request' && read.request.cluster_member_attr_set !== undefined);
  return isAboutMembers ? { Type: EntryType.EntryNormal, Term, Index, Data: new Uint8Array(0) } : entry;
}

function randomId(): bigint {
  return randomBytes(8).readBigUInt64BE() | 1n;
}
