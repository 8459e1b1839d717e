/**
 * What the well-known alerts and dashboards of etcd ask of /metrics: each series must be there, of upstream's type and
 * with the labels that are asked for, and must move when something happens (contract: api.md §6).
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type StartedMembers, startMembers } from '../etcd/testing/start-members.ts';

interface Asked {
  /** What asks: the name of an alert, or a panel of the dashboard. */
  readonly by: string;
  readonly series: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Labels that the expression selects or groups by; none for series that only a failure or a later probe begins. */
  readonly labels?: readonly string[];
  /** Whether writes and reads through every member make it larger there. */
  readonly moves?: boolean;
}

const calls = ['grpc_type', 'grpc_service', 'grpc_method'];

const asked: readonly Asked[] = [
  { by: 'etcdMembersDown', series: 'etcd_network_peer_sent_failures_total', type: 'counter' },
  { by: 'etcdNoLeader', series: 'etcd_server_has_leader', type: 'gauge' },
  { by: 'etcdHighNumberOfLeaderChanges', series: 'etcd_server_leader_changes_seen_total', type: 'counter' },
  {
    by: 'etcdHighNumberOfFailedGRPCRequests',
    series: 'grpc_server_handled_total',
    type: 'counter',
    labels: [...calls, 'grpc_code'],
    moves: true,
  },
  {
    by: 'etcdGRPCRequestsSlow',
    series: 'grpc_server_handling_seconds_bucket',
    type: 'histogram',
    labels: [...calls, 'le'],
    moves: true,
  },
  {
    by: 'etcdMemberCommunicationSlow',
    series: 'etcd_network_peer_round_trip_time_seconds_bucket',
    type: 'histogram',
  },
  { by: 'etcdHighNumberOfFailedProposals', series: 'etcd_server_proposals_failed_total', type: 'counter' },
  {
    by: 'etcdHighFsyncDurations',
    series: 'etcd_disk_wal_fsync_duration_seconds_bucket',
    type: 'histogram',
    labels: ['le'],
    moves: true,
  },
  {
    by: 'etcdHighCommitDurations',
    series: 'etcd_disk_backend_commit_duration_seconds_bucket',
    type: 'histogram',
    labels: ['le'],
    moves: true,
  },
  { by: 'etcdDatabaseQuotaLowSpace', series: 'etcd_mvcc_db_total_size_in_bytes', type: 'gauge' },
  { by: 'etcdDatabaseQuotaLowSpace', series: 'etcd_server_quota_backend_bytes', type: 'gauge' },
  { by: 'etcdDatabaseHighFragmentationRatio', series: 'etcd_mvcc_db_total_size_in_use_in_bytes', type: 'gauge' },
  { by: 'RPC rate', series: 'grpc_server_started_total', type: 'counter', labels: calls, moves: true },
  { by: 'client traffic in', series: 'etcd_network_client_grpc_received_bytes_total', type: 'counter', moves: true },
  { by: 'client traffic out', series: 'etcd_network_client_grpc_sent_bytes_total', type: 'counter', moves: true },
  {
    by: 'peer traffic in',
    series: 'etcd_network_peer_received_bytes_total',
    type: 'counter',
    labels: ['From'],
    moves: true,
  },
  {
    by: 'peer traffic out',
    series: 'etcd_network_peer_sent_bytes_total',
    type: 'counter',
    labels: ['To'],
    moves: true,
  },
  { by: 'memory', series: 'process_resident_memory_bytes', type: 'gauge' },
  { by: 'processor', series: 'process_cpu_seconds_total', type: 'counter' },
  { by: 'file descriptors', series: 'process_open_fds', type: 'gauge' },
  { by: 'file descriptors', series: 'process_max_fds', type: 'gauge' },
  { by: 'up time', series: 'process_start_time_seconds', type: 'gauge' },
  { by: 'proposals committed', series: 'etcd_server_proposals_committed_total', type: 'gauge', moves: true },
  { by: 'proposals applied', series: 'etcd_server_proposals_applied_total', type: 'gauge', moves: true },
  { by: 'proposals pending', series: 'etcd_server_proposals_pending', type: 'gauge' },
  { by: 'key operations', series: 'etcd_mvcc_put_total', type: 'counter', moves: true },
  { by: 'key operations', series: 'etcd_mvcc_range_total', type: 'counter', moves: true },
  { by: 'key operations', series: 'etcd_mvcc_delete_total', type: 'counter', moves: true },
  { by: 'key operations', series: 'etcd_mvcc_txn_total', type: 'counter', moves: true },
  { by: 'keys', series: 'etcd_debugging_mvcc_keys_total', type: 'gauge' },
  { by: 'watches', series: 'etcd_debugging_mvcc_watcher_total', type: 'gauge' },
  { by: 'leases', series: 'etcd_debugging_lease_granted_total', type: 'counter' },
  { by: 'health checks', series: 'etcd_server_health_success', type: 'counter', moves: true },
  { by: 'version', series: 'etcd_server_version', type: 'gauge', labels: ['server_version'] },
  { by: 'version', series: 'etcd_cluster_version', type: 'gauge', labels: ['cluster_version'] },
];

interface Scrape {
  readonly types: ReadonlyMap<string, string>;
  /** The sum of all series of a name, and the labels that they have. */
  readonly series: ReadonlyMap<string, { sum: number; labels: Set<string> }>;
}

async function scrape(url: string): Promise<Scrape> {
  const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  const types = new Map<string, string>();
  const series = new Map<string, { sum: number; labels: Set<string> }>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] as string, type[2] as string);
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) continue;
    const [, name = '', labels = '', value] = sample;
    const known = series.get(name) ?? { sum: 0, labels: new Set<string>() };
    known.sum += Number(value);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.labels.add(label);
    series.set(name, known);
  }
  return { types, series };
}

const family = (series: string): string => series.replace(/_bucket$/, '');

/** Everything that is to move something, through each member. */
async function work(clientUrls: readonly string[]): Promise<void> {
  for (const clientUrl of clientUrls) {
    const post = async (path: string, body: object): Promise<void> => {
      const response = await fetch(`${clientUrl}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
      expect(response.status, await response.text()).toBe(200);
    };
    await post('kv/put', { key: 'YQ==', value: 'Yg==' });
    await post('kv/range', { key: 'YQ==' });
    await post('kv/txn', { success: [{ request_put: { key: 'Yw==' } }, { request_range: { key: 'YQ==' } }] });
    await post('kv/deleterange', { key: 'YQ==' });
    expect((await fetch(`${clientUrl}/health`)).status).toBe(200);
  }
}

describe('what is asked of /metrics', () => {
  let members: StartedMembers | undefined;
  let before: Scrape[];
  let after: Scrape[];

  beforeAll(async () => {
    members = await startMembers(2, 'http', ['--metrics=extensive']);
    const { clientUrls } = members;
    const all = () => Promise.all(clientUrls.map((url) => scrape(url)));
    before = await all();
    // Backends commit, and followers apply, a moment later.
    const deadline = Date.now() + 20_000;
    do {
      await work(clientUrls);
      after = await all();
    } while (!asked.every(({ series, moves }) => !moves || hasMoved(series).every(Boolean)) && Date.now() < deadline);
  });
  afterAll(() => members?.close());

  /** For each member. */
  function hasMoved(name: string): boolean[] {
    const sum = (scraped: Scrape | undefined): number => scraped?.series.get(name)?.sum ?? 0;
    return after.map((scraped, i) => sum(scraped) > sum(before[i]));
  }

  test.each(asked.map((each) => [each.series, each.by, each] as const))('%s is there for %s', (name, _by, each) => {
    for (const { series, types } of after) {
      expect(types.get(family(name))).toBe(each.type);
      expect([...(series.get(name)?.labels ?? [])]).toEqual(expect.arrayContaining([...(each.labels ?? [])]));
    }
    if (each.moves) expect(hasMoved(name)).toEqual([true, true]);
  });
});
