/**
 * From configuration and data directory to everything a member runs on: a new cluster's first log, or what was left
 * on disk (contract: disk-and-peer §1.9, §2.5, §8.5).
 */
import path from 'node:path';
import type { BoltBackend } from '../backend/bolt-backend.ts';
import { makeDurableDirectory } from '../base/durable-directory.ts';
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import { Cluster, checkLocalMember, encodeContext, idToHex, initialMembers, type Member } from '../membership/mod.ts';
import {
  ConfChange,
  ConfChangeType,
  ConfState,
  Entry,
  EntryType,
  HardState,
  Snapshot,
  SnapshotMetadata,
} from '../proto/gen/raft.ts';
import type { InitialState } from '../raft/mod.ts';
import { Snapshotter } from '../snap/mod.ts';
import { Wal, type WalOptions } from '../wal/mod.ts';
import { defragmentAtStart } from './bootstrap-defragment.ts';
import type { MemberConfig } from './config.ts';
import { BootstrapError, openDatabase, readState, replaceDatabase } from './database.ts';
import { standaloneLog } from './force-new-cluster.ts';
import { type JoinedCluster, joinExisting, refuseIfBootstrapped, resolveUrl } from './join.ts';
import { isJustRestored, replayedMembership } from './replayed-membership.ts';
import { StateMachine } from './state-machine.ts';
import { requireFittingVersion } from './version-check.ts';

export interface Bootstrapped {
  id: bigint;
  clusterId: bigint;
  initial: InitialState;
  wal: Wal;
  snapshotter: Snapshotter;
  backend: BoltBackend;
  machine: StateMachine;
  /** Where the database lies, to be replaced when a snapshot is received. */
  databasePath: string;
}

/**
 * @throws BootstrapError, or the error of the room whose file is damaged, naming the file
 */
export async function bootstrap(config: MemberConfig): Promise<Bootstrapped> {
  const fs = config.fs ?? nodeFileSystem;
  const snapDir = path.join(config.dataDir, 'member/snap');
  const walDir = config.walDir ?? path.join(config.dataDir, 'member/wal');
  const walOptions: WalOptions = {
    fs,
    sync: !config.unsafeNoFsync,
    ...(config.walSegmentSizeBytes !== undefined && { segmentSizeBytes: config.walSegmentSizeBytes }),
    ...(config.walDirectBytes !== undefined && { maxDirectBytes: config.walDirectBytes }),
    onSync: (seconds) => config.observe?.walFsync?.(seconds),
    onWrite: (sizeBytes, seconds) => config.observe?.walWrite?.(sizeBytes, seconds),
    now: () => performance.now(),
    onWarning: (message) => config.log.at('wal').warn(message),
  };
  const haveWal = await Wal.exists(walDir, fs);
  if (!haveWal && (await fs.exists(path.join(snapDir, 'db')))) {
    throw new BootstrapError(
      `${snapDir} holds a database but ${walDir} holds no write-ahead log: the log is lost or --wal-dir is wrong. ` +
        'Point --wal-dir at the log, or restore the member from a snapshot; nothing was changed.',
    );
  }
  const place = { fs, snapDir, walDir, walOptions };
  const booted = await (haveWal ? restart(config, place) : startNew(config, place)).catch(explainFullDisk);
  const { bootstrapDefragThresholdMegabytes, log } = config;
  await defragmentAtStart(booted.backend, bootstrapDefragThresholdMegabytes, log.at('member/bootstrap'));
  return booted;
}

/** @throws BootstrapError in place of an error that says no more than that a disk is full; any other as it is */
function explainFullDisk(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
  throw new BootstrapError(
    `${error.message}. The disk is full: make room on it, then start the member again. Nothing that it had acknowledged ` +
      'is lost.',
    { cause: error },
  );
}

interface Place {
  fs: FileSystem;
  snapDir: string;
  walDir: string;
  walOptions: WalOptions;
}

async function startNew(config: MemberConfig, place: Place): Promise<Bootstrapped> {
  await checkLocalMember(config.initialCluster, config.name, config.initialAdvertisePeerUrls, resolveUrl);
  const joined = config.initialClusterState === 'existing' ? await joinExisting(config) : await newCluster(config);
  const { id, clusterId } = joined;

  await makeDurableDirectory(place.fs, place.snapDir);
  await makeDurableDirectory(place.fs, path.dirname(place.walDir));
  await config.lock?.take();
  // The log comes first: a database without its log is a member that has lost its memory, and refuses to start.
  const wal = await Wal.create(place.walDir, { nodeId: id, clusterId }, place.walOptions);
  const { hardState, entries } = joined.isNew ? await beginLog(wal, joined.members) : emptyLog();
  const backend = await openBackend(config, place);
  const cluster = Cluster.fromMembers(clusterId, joined.members, backend);
  config.log.info('starting local member', {
    'local-member-id': idToHex(id),
    'cluster-id': idToHex(clusterId),
  });
  return {
    id,
    clusterId,
    initial: { hardState, confState: ConfState.create(), snapshot: noSnapshot(), entries, applied: 0 },
    wal,
    snapshotter: openSnapshotter(config, place),
    backend,
    machine: StateMachine.open(backend, cluster, config, replayedMembership(clusterId, noSnapshot(), config.log)),
    databasePath: path.join(place.snapDir, 'db'),
  };
}

async function newCluster(config: MemberConfig): Promise<JoinedCluster> {
  const { clusterId, members } = initialMembers(config.initialCluster, config.initialClusterToken);
  const local = members.find((member) => member.name === config.name) as Member;
  await refuseIfBootstrapped(config, local);
  return { id: local.id, clusterId, members, isNew: true };
}

interface Log {
  hardState: HardState;
  entries: Entry[];
}

/** A member that joins gets everything from the leader. */
function emptyLog(): Log {
  return { hardState: HardState.create(), entries: [] };
}

/** A new cluster's first entries are the same on every member and count as committed from the start. */
async function beginLog(wal: Wal, members: readonly Member[]): Promise<Log> {
  const entries = firstEntries(members);
  const hardState = { term: 1, vote: 0n, commit: entries.length };
  await wal.save(hardState, entries, true);
  return { hardState, entries };
}

function firstEntries(members: readonly Member[]): Entry[] {
  return members.map((member, i) =>
    Entry.create({
      Type: EntryType.EntryConfChange,
      Term: 1,
      Index: i + 1,
      Data: ConfChange.encode(
        ConfChange.create({
          type: ConfChangeType.ConfChangeAddNode,
          node_id: member.id,
          context: Buffer.from(encodeContext({ member, isPromote: false })),
        }),
      ),
    }),
  );
}

async function restart(config: MemberConfig, place: Place): Promise<Bootstrapped> {
  const { snapDir, walDir, walOptions } = place;
  await config.lock?.take();
  const recorded = await Wal.validSnapshots(walDir, walOptions);
  // With --wal-dir, the log may be all that is left: what is missing is said below.
  await makeDurableDirectory(place.fs, snapDir);
  const snapshotter = openSnapshotter(config, place);
  await snapshotter.removeTemporary();
  const snapshot =
    (await snapshotter.loadNewest((index, term) => recorded.some((r) => r.index === index && r.term === term))) ??
    noSnapshot();
  const { index, term, conf_state } = snapshot.metadata as SnapshotMetadata;

  const databasePath = path.join(snapDir, 'db');
  const backend = await openBackend(config, place, index, Math.max(0, ...recorded.map((record) => record.index)));
  const opened = await Wal.open(walDir, { index, term }, walOptions);
  const { wal, metadata } = opened;
  await refuseLostEnd(opened, index, databasePath, backend);
  const cluster = readState(databasePath, () => Cluster.load(metadata.clusterId, backend));
  if (isJustRestored(snapshot, StateMachine.progressOf(backend))) cluster.forgetVersion();
  await refuseUnfitVersion(cluster, wal, backend);
  const replayed = replayedMembership(metadata.clusterId, snapshot, config.log);
  let log: Log = isUntouched(opened, index) ? await beginAgain(config, opened) : opened;
  if (config.forceNewCluster) log = await forceNewCluster(config, { opened, snapshot, backend, cluster });
  const { hardState, entries } = log;
  config.log.info('restarting local member', {
    'local-member-id': idToHex(metadata.nodeId),
    'cluster-id': idToHex(metadata.clusterId),
    'commit-index': hardState.commit,
  });
  const machine = readState(databasePath, () => StateMachine.open(backend, cluster, config, replayed));
  machine.learnTerm(machine.appliedIndex === index ? term : entryTerm(entries, machine.appliedIndex));
  return {
    id: metadata.nodeId,
    clusterId: metadata.clusterId,
    initial: { hardState, confState: conf_state ?? ConfState.create(), snapshot, entries, applied: index },
    wal,
    snapshotter,
    backend,
    machine,
    databasePath,
  };
}

function entryTerm(entries: readonly Entry[], index: number): number | undefined {
  return entries.find((entry) => entry.Index === index)?.Term;
}

/**
 * A member makes entries durable in its log before it applies them: a database that is ahead of the log says that the
 * end of the log is lost. Others may have counted on that end, and elected a leader without it.
 *
 * @param snapshotIndex where the log was opened at
 * @throws BootstrapError; both are closed then
 */
async function refuseLostEnd(
  { wal, entries }: Awaited<ReturnType<typeof Wal.open>>,
  snapshotIndex: number,
  databasePath: string,
  backend: BoltBackend,
): Promise<void> {
  const lastIndex = entries.at(-1)?.Index ?? snapshotIndex;
  const progress = readState(databasePath, () => StateMachine.progressOf(backend));
  if (progress <= lastIndex) return;
  await wal.close();
  await backend.close();
  throw new BootstrapError(
    `${databasePath} holds the effect of entries up to ${progress}, but the log in ${wal.directory} ends at entry ` +
      `${lastIndex}: the end of the log is lost, or the two are not of one moment. Put both back as they were at one ` +
      'moment; or replace the member: remove it from the cluster, add it again, and start it with an empty data ' +
      'directory. If no other member is left, make a new cluster of the database: etcdutl snapshot restore ' +
      '--skip-hash-check.',
  );
}

/** @throws UnfitVersionError; both are closed then */
async function refuseUnfitVersion(cluster: Cluster, wal: Wal, backend: BoltBackend): Promise<void> {
  try {
    requireFittingVersion(cluster.version(), cluster.downgrade());
  } catch (error) {
    await wal.close();
    await backend.close();
    throw error;
  }
}

/** Whether a member stopped after it had created its log, before it had written to it. */
function isUntouched({ hardState }: Log, snapshotIndex: number): boolean {
  // The first write carries the state behind the entries: entries without it were never durable as a whole.
  return snapshotIndex === 0 && hardState.term === 0 && hardState.commit === 0;
}

async function beginAgain(config: MemberConfig, { wal, metadata }: Awaited<ReturnType<typeof Wal.open>>): Promise<Log> {
  if (config.initialClusterState === 'existing') return emptyLog();
  const { clusterId, members } = initialMembers(config.initialCluster, config.initialClusterToken);
  if (clusterId !== metadata.clusterId) {
    throw new BootstrapError(
      `the log in ${wal.directory} was begun for cluster ${idToHex(metadata.clusterId)}, and --initial-cluster with ` +
        `--initial-cluster-token make cluster ${idToHex(clusterId)}. Start it with the flags that it was first started with.`,
    );
  }
  return beginLog(wal, members);
}

interface Found {
  opened: Awaited<ReturnType<typeof Wal.open>>;
  snapshot: Snapshot;
  backend: BoltBackend;
  cluster: Cluster;
}

async function forceNewCluster(config: MemberConfig, { opened, snapshot, backend, cluster }: Found): Promise<Log> {
  const { wal, metadata, hardState } = opened;
  const id = metadata.nodeId;
  if (cluster.isRemoved(id)) {
    throw new BootstrapError(
      `--force-new-cluster: member ${idToHex(id)} was removed from its cluster, and its data may be old; nothing was ` +
        'changed. Force another member, or restore a snapshot with etcdutl snapshot restore.',
    );
  }
  const { appended, ...log } = standaloneLog({
    id,
    snapshot,
    hardState,
    entries: opened.entries,
    appliedIndex: StateMachine.progressOf(backend),
    peerURLs: config.initialAdvertisePeerUrls,
  });
  await wal.save(log.hardState, appended, true);
  config.log.warn('forced a new cluster of this member alone', {
    'local-member-id': idToHex(id),
    'appended-entries': appended.length,
    'commit-index': log.hardState.commit,
  });
  return log;
}

/**
 * Opens the database. When it is older than the snapshot that the log begins at, a received snapshot was saved but not
 * yet put in its place before the member stopped: it is put there now.
 *
 * @param snapshotIndex of the snapshot that the log is opened at
 * @param recordedIndex of the newest snapshot that the log has a record of. The database was there up to it at least;
 *   one that is older now was lost, and what the log holds does not make up for it: after a restore, for one, the keys
 *   are in the database only.
 */
async function openBackend(
  config: MemberConfig,
  place: Place,
  snapshotIndex = 0,
  recordedIndex = 0,
): Promise<BoltBackend> {
  const { fs, snapDir } = place;
  const file = path.join(snapDir, 'db');
  const received = path.join(snapDir, `${snapshotIndex.toString(16).padStart(16, '0')}.snap.db`);
  let backend = await openDatabase(config, file);
  const progress = () => readState(file, () => StateMachine.progressOf(backend));
  if (progress() < snapshotIndex && (await fs.exists(received))) {
    await backend.close();
    await replaceDatabase(config, received, file);
    backend = await openDatabase(config, file);
  }
  const newest = Math.max(snapshotIndex, recordedIndex);
  if (progress() >= newest) return backend;
  await backend.close();
  throw new BootstrapError(
    `${file} is missing or older than the snapshot at index ${newest} that the log in ${place.walDir} has a record of. ` +
      'Put both back as they were at one moment, restore the member from a snapshot, or replace it: remove it from the ' +
      'cluster, add it again, and start it with an empty data directory.',
  );
}

function openSnapshotter(config: MemberConfig, { fs, snapDir }: Place): Snapshotter {
  const onWarning = (message: string): void => config.log.at('snap').warn(message);
  return new Snapshotter(snapDir, { fs, onWarning, ...(config.observe?.snap && { observe: config.observe.snap }) });
}

function noSnapshot(): Snapshot {
  return Snapshot.create({ metadata: SnapshotMetadata.create() });
}
