/** The figures that the member keeps itself, read at scrape time (contract: api.md §6). */
import type { Registry } from 'prom-client';
import type { EtcdMember, MemberGauges } from '../member/etcd-member.ts';
import { serverVersion } from '../member/version.ts';
import { idToHex } from '../membership/mod.ts';
import { AlarmType } from '../proto/gen/rpc.ts';
import { type FamilyType, register } from './families.ts';

export type MeasuredMember = Pick<EtcdMember, 'id' | 'leader' | 'isLearner' | 'clusterVersion' | 'gauges' | 'alarms'>;

/** Name, type, help and source of each family without labels that comes out of `gauges()`. */
const gaugeRows: readonly [string, FamilyType, string, keyof MemberGauges][] = [
  ['etcd_server_leader_changes_seen_total', 'counter', 'The number of leader changes seen.', 'leaderChanges'],
  [
    'etcd_server_proposals_committed_total',
    'gauge',
    'The total number of consensus proposals committed.',
    'proposalsCommitted',
  ],
  [
    'etcd_server_proposals_applied_total',
    'gauge',
    'The total number of consensus proposals applied.',
    'proposalsApplied',
  ],
  ['etcd_server_proposals_pending', 'gauge', 'The current number of pending proposals to commit.', 'proposalsPending'],
  ['etcd_server_proposals_failed_total', 'counter', 'The total number of failed proposals seen.', 'proposalsFailed'],
  [
    'etcd_server_slow_apply_total',
    'counter',
    'The total number of slow apply requests (likely overloaded from slow disk).',
    'slowApplies',
  ],
  [
    'etcd_server_slow_read_indexes_total',
    'counter',
    "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
    'slowReadIndexes',
  ],
  [
    'etcd_server_read_indexes_failed_total',
    'counter',
    'The total number of failed read indexes seen.',
    'readIndexesFailed',
  ],
  [
    'etcd_server_heartbeat_send_failures_total',
    'counter',
    'The total number of leader heartbeat send failures (likely overloaded from slow disk).',
    'heartbeatSendFailures',
  ],
  ['etcd_server_quota_backend_bytes', 'gauge', 'Current backend storage quota size in bytes.', 'quotaBackendBytes'],
  [
    'etcd_mvcc_db_total_size_in_bytes',
    'gauge',
    'Total size of the underlying database physically allocated in bytes.',
    'dbSizeBytes',
  ],
  [
    'etcd_mvcc_db_total_size_in_use_in_bytes',
    'gauge',
    'Total size of the underlying database logically in use in bytes.',
    'dbSizeInUseBytes',
  ],
  ['etcd_mvcc_db_open_read_transactions', 'gauge', 'The number of currently open read transactions', 'openReads'],
  [
    'etcd_disk_defrag_inflight',
    'gauge',
    'Whether or not defrag is active on the member. 1 means active, 0 means not.',
    'defragmenting',
  ],
  [
    'etcd_server_snapshot_apply_in_progress_total',
    'gauge',
    '1 if the server is applying the incoming snapshot. 0 if none.',
    'applyingSnapshot',
  ],
  ['etcd_mvcc_range_total', 'counter', 'Total number of ranges seen by this member.', 'ranges'],
  ['etcd_mvcc_put_total', 'counter', 'Total number of puts seen by this member.', 'puts'],
  ['etcd_mvcc_delete_total', 'counter', 'Total number of deletes seen by this member.', 'deletes'],
  ['etcd_mvcc_txn_total', 'counter', 'Total number of txns seen by this member.', 'txns'],
  ['etcd_debugging_mvcc_range_total', 'counter', 'Total number of ranges seen by this member.', 'ranges'],
  [
    'etcd_debugging_mvcc_total_put_size_in_bytes',
    'gauge',
    'The total size of put kv pairs seen by this member.',
    'putBytes',
  ],
  ['etcd_debugging_mvcc_current_revision', 'gauge', 'The current revision of store.', 'currentRevision'],
  ['etcd_debugging_auth_revision', 'gauge', 'The current revision of auth store.', 'authRevision'],
  ['etcd_debugging_mvcc_compact_revision', 'gauge', 'The revision of the last compaction in store.', 'compactRevision'],
  ['etcd_debugging_mvcc_keys_total', 'gauge', 'Total number of keys.', 'keys'],
  ['etcd_debugging_mvcc_watch_stream_total', 'gauge', 'Total number of watch streams.', 'watchStreams'],
  ['etcd_debugging_mvcc_watcher_total', 'gauge', 'Total number of watchers.', 'watchers'],
  ['etcd_debugging_mvcc_slow_watcher_total', 'gauge', 'Total number of unsynced slow watchers.', 'slowWatchers'],
  ['etcd_debugging_mvcc_pending_events_total', 'gauge', 'Total number of pending events to be sent.', 'pendingEvents'],
  ['etcd_debugging_mvcc_events_total', 'counter', 'Total number of events sent by this member.', 'sentEvents'],
];

export function registerMemberMetrics(registry: Registry, member: MeasuredMember): void {
  for (const [name, type, help, key] of gaugeRows) {
    register(registry, name, type, help, () => [{ value: member.gauges()[key] }]);
  }
  const gauge = (name: string, help: string, value: () => boolean): void =>
    register(registry, name, 'gauge', help, () => [{ value: Number(value()) }]);
  const leaderHelp = 'Whether or not a leader exists. 1 is existence, 0 is not.';
  gauge('etcd_server_has_leader', leaderHelp, () => member.leader() !== 0n);
  const isLeaderHelp = 'Whether or not this member is a leader. 1 if is, 0 otherwise.';
  gauge('etcd_server_is_leader', isLeaderHelp, () => member.leader() === member.id);
  const learnerHelp = 'Whether or not this member is a learner. 1 if is, 0 otherwise.';
  gauge('etcd_server_is_learner', learnerHelp, () => member.isLearner());
  registerIdentity(registry, member);
}

/** Families whose labels tell something and whose value is 1. */
function registerIdentity(registry: Registry, member: MeasuredMember): void {
  register(registry, 'etcd_server_id', 'gauge', 'Server or member ID in hexadecimal format.', () => [
    { labels: { server_id: idToHex(member.id) }, value: 1 },
  ]);
  register(registry, 'etcd_server_version', 'gauge', 'Which version is running.', () => [
    { labels: { server_version: serverVersion }, value: 1 },
  ]);
  register(registry, 'etcd_server_go_version', 'gauge', 'Which runtime version the server is running with.', () => [
    { labels: { server_go_version: `node ${process.version}` }, value: 1 },
  ]);
  register(registry, 'etcd_cluster_version', 'gauge', 'Which version the cluster is running.', () => {
    const version = member.clusterVersion();
    if (version === undefined) return [];
    return [{ labels: { cluster_version: version.split('.').slice(0, 2).join('.') }, value: 1 }];
  });
  register(registry, 'etcd_debugging_server_alarms', 'gauge', 'Alarms that are raised.', () =>
    member.alarms().map(({ memberID, alarm }) => ({
      labels: { server_id: idToHex(memberID), alarm_type: alarmName(alarm) },
      value: 1,
    })),
  );
}

function alarmName(type: AlarmType): string {
  return Object.entries(AlarmType).find(([, number]) => number === type)?.[0] ?? String(type);
}
