/** What the disk, the store and applying entries cost (contract: api.md §6). */
import type { Registry } from 'prom-client';
import type { MemberObserver } from '../member/config.ts';
import { CounterFamily, doublingBuckets, Histogram, histogram, register } from './families.ts';

/** Bounds of etcd's disk histograms: 1 ms to 8 s. */
const diskBuckets = doublingBuckets(0.001, 14);
const hashBuckets = doublingBuckets(0.01, 15);

/** @returns all that a member is observed by, but for peers and leases */
export function storageMetrics(registry: Registry): MemberObserver {
  const observed = (name: string, help: string, bounds: readonly number[]): ((value: number) => void) => {
    const family = histogram(registry, name, help, bounds);
    return (value) => family.observe(value);
  };
  const fsyncHelp = 'The latency distributions of fsync called by WAL.';
  const commitHelp = 'The latency distributions of commit called by backend.';
  const defragName = 'etcd_disk_backend_defrag_duration_seconds';
  const defragHelp = 'The latency distribution of backend defragmentation.';
  const snapshotName = 'etcd_disk_backend_snapshot_duration_seconds';
  const snapshotHelp = 'The latency distribution of backend snapshots.';
  const hashHelp = 'The latency distribution of storage hash operation.';
  const hashRevHelp = 'The latency distribution of storage hash by revision operation.';
  return {
    walFsync: observed('etcd_disk_wal_fsync_duration_seconds', fsyncHelp, diskBuckets),
    walWrite: walWrites(registry),
    backendCommit: observed('etcd_disk_backend_commit_duration_seconds', commitHelp, diskBuckets),
    backendSnapshot: observed(snapshotName, snapshotHelp, doublingBuckets(0.01, 17)),
    defragment: observed(defragName, defragHelp, doublingBuckets(0.1, 13)),
    hash: {
      database: observed('etcd_mvcc_hash_duration_seconds', hashHelp, hashBuckets),
      keys: observed('etcd_mvcc_hash_rev_duration_seconds', hashRevHelp, hashBuckets),
    },
    snap: snapMetrics(observed),
    compaction: compactionMetrics(registry, observed),
    applied: appliedMetrics(registry),
    learnerPromoted: promotionMetrics(registry),
  };
}

type Observed = (name: string, help: string, bounds: readonly number[]) => (value: number) => void;

function walWrites(registry: Registry): (sizeBytes: number, seconds: number) => void {
  const name = 'etcd_disk_wal_write_duration_seconds';
  const seconds = histogram(registry, name, 'The latency distributions of write called by WAL.', diskBuckets);
  let value = 0;
  const bytesHelp = 'Total number of bytes written in WAL.';
  register(registry, 'etcd_disk_wal_write_bytes_total', 'gauge', bytesHelp, () => [{ value }]);
  return (sizeBytes, took) => {
    value += sizeBytes;
    seconds.observe(took);
  };
}

function snapMetrics(observed: Observed): NonNullable<MemberObserver['snap']> {
  const marshalHelp = 'The marshalling cost distributions of save called by snapshot.';
  const saveHelp = 'The total latency distributions of save called by snapshot.';
  const databaseName = 'etcd_snap_db_save_total_duration_seconds';
  const databaseHelp = 'The total latency distributions of v3 snapshot save';
  const fsyncHelp = 'The latency distributions of fsync called by snap.';
  const databaseFsyncHelp = 'The latency distributions of fsyncing .snap.db file';
  return {
    marshalled: observed('etcd_debugging_snap_save_marshalling_duration_seconds', marshalHelp, diskBuckets),
    saved: observed('etcd_debugging_snap_save_total_duration_seconds', saveHelp, diskBuckets),
    synced: observed('etcd_snap_fsync_duration_seconds', fsyncHelp, diskBuckets),
    databaseSynced: observed('etcd_snap_db_fsync_duration_seconds', databaseFsyncHelp, diskBuckets),
    databaseSaved: observed(databaseName, databaseHelp, doublingBuckets(0.1, 10)),
  };
}

function compactionMetrics(registry: Registry, observed: Observed): NonNullable<MemberObserver['compaction']> {
  const prefix = 'etcd_debugging_mvcc_db_compaction';
  let keys = 0;
  let lastUnixSeconds = 0;
  const keysHelp = 'Total number of db keys compacted.';
  register(registry, `${prefix}_keys_total`, 'counter', keysHelp, () => [{ value: keys }]);
  const lastHelp = 'The unix time of the last db compaction. Resets to 0 on start.';
  register(registry, `${prefix}_last`, 'gauge', lastHelp, () => [{ value: lastUnixSeconds }]);
  const indexName = 'etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds';
  const indexHelp = 'Bucketed histogram of index compaction pause duration.';
  const pauseHelp = 'Bucketed histogram of db compaction pause duration.';
  const totalHelp = 'Bucketed histogram of db compaction total duration.';
  const total = observed(`${prefix}_total_duration_milliseconds`, totalHelp, doublingBuckets(100, 14));
  return {
    indexPaused: observed(indexName, indexHelp, doublingBuckets(0.5, 14)),
    recordsPaused: observed(`${prefix}_pause_duration_milliseconds`, pauseHelp, doublingBuckets(1, 13)),
    deleted: (records) => {
      keys += records;
    },
    finished: (durationMs) => {
      total(durationMs);
      lastUnixSeconds = Math.floor(Date.now() / 1000);
    },
  };
}

/** One histogram for each kind of request, of which there are few, and each outcome. */
function appliedMetrics(registry: Registry): NonNullable<MemberObserver['applied']> {
  const name = 'etcd_server_apply_duration_seconds';
  const help = 'The latency distributions of v2 apply called by backend.';
  const bounds = doublingBuckets(0.0001, 20);
  const histograms = new Map<string, Histogram>();
  register(registry, name, 'histogram', help, () => [...histograms.values()].flatMap((each) => each.samples(name)));
  return (version, op, success, seconds) => {
    const key = `${version} ${op} ${success}`;
    let found = histograms.get(key);
    if (found === undefined) {
      found = new Histogram(bounds, { version, op, success: String(success) });
      histograms.set(key, found);
    }
    found.observe(seconds);
  };
}

function promotionMetrics(registry: Registry): NonNullable<MemberObserver['learnerPromoted']> {
  const prefix = 'etcd_server_learner_promote';
  let value = 0;
  const successHelp = 'The total number of successful learner promotions while this member is leader.';
  register(registry, `${prefix}_successes`, 'counter', successHelp, () => [{ value }]);
  const failureHelp =
    'The total number of failed learner promotions (likely learner not ready) while this member is leader.';
  const failures = new CounterFamily(registry, `${prefix}_failures`, 'counter', failureHelp, ['Reason']);
  return (refusal) => {
    if (refusal === undefined) value++;
    else failures.add([refusal], 1);
  };
}
