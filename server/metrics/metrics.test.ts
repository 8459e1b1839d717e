import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { AlarmType } from '../proto/gen/rpc.ts';
import { Dispatcher, etcdMethods } from '../rpc/mod.ts';
import { FakeMember } from '../rpc/testing/fake-member.ts';
import { doublingBuckets } from './families.ts';
import { Metrics } from './mod.ts';

/** The text format, read back: type of each family, value of each line. */
function parse(text: string): { types: Map<string, string>; values: Map<string, number> } {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] as string, type[2] as string);
    if (line === '' || line.startsWith('#')) continue;
    const sample = /^([a-zA-Z_:][\w:]*)(\{[^}]*\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`not a line of the text format: ${line}`);
    const key = `${sample[1]}${sample[2] ?? ''}`;
    if (values.has(key)) throw new Error(`twice: ${key}`);
    values.set(key, Number(sample[3]?.replace('+Inf', 'Infinity')));
  }
  return { types, values };
}

let metrics: Metrics;
let member: FakeMember;
let dispatcher: Dispatcher;
beforeEach(() => {
  metrics = new Metrics();
  member = new FakeMember();
  const methods = etcdMethods(member);
  dispatcher = new Dispatcher({ member, methods, logger: silentLogger, electionTimeoutMs: 1000 });
});

const scrape = async (extensive = false) => {
  metrics.attach(member, dispatcher.stats, extensive);
  return parse((await metrics.text()).text);
};

describe('/metrics', () => {
  test('has upstream’s names with upstream’s types', async () => {
    const { types } = await scrape();
    expect(Object.fromEntries(types)).toMatchObject({
      etcd_server_has_leader: 'gauge',
      etcd_server_is_leader: 'gauge',
      etcd_server_is_learner: 'gauge',
      etcd_server_leader_changes_seen_total: 'counter',
      etcd_server_id: 'gauge',
      etcd_server_version: 'gauge',
      etcd_cluster_version: 'gauge',
      etcd_server_proposals_committed_total: 'gauge',
      etcd_server_proposals_applied_total: 'gauge',
      etcd_server_proposals_pending: 'gauge',
      etcd_server_proposals_failed_total: 'counter',
      etcd_server_quota_backend_bytes: 'gauge',
      etcd_server_health_success: 'counter',
      etcd_server_client_requests_total: 'counter',
      etcd_disk_wal_fsync_duration_seconds: 'histogram',
      etcd_disk_backend_commit_duration_seconds: 'histogram',
      etcd_disk_backend_defrag_duration_seconds: 'histogram',
      etcd_mvcc_db_total_size_in_bytes: 'gauge',
      etcd_network_client_grpc_received_bytes_total: 'counter',
      etcd_network_peer_sent_bytes_total: 'counter',
      etcd_network_peer_round_trip_time_seconds: 'histogram',
      grpc_server_handled_total: 'counter',
      process_resident_memory_bytes: 'gauge',
      process_open_fds: 'gauge',
      process_cpu_seconds_total: 'counter',
      process_start_time_seconds: 'gauge',
    });
  });

  test('shows what the member tells, at the time of the scrape', async () => {
    expect((await scrape()).values.get('etcd_server_has_leader')).toBe(1);
    member.leaderId = 0n;
    member.learner = true;
    member.raisedAlarms = [{ memberID: member.id, alarm: AlarmType.NOSPACE }];
    const { values } = parse((await metrics.text()).text);
    expect(values.get('etcd_server_has_leader')).toBe(0);
    expect(values.get('etcd_server_is_leader')).toBe(0);
    expect(values.get('etcd_server_is_learner')).toBe(1);
    expect(values.get('etcd_server_proposals_committed_total')).toBe(11);
    expect(values.get('etcd_server_id{server_id="bf9071f4639c75cc"}')).toBe(1);
    expect(values.get('etcd_cluster_version{cluster_version="3.5"}')).toBe(1);
    expect(values.get('etcd_server_version{server_version="3.5.30"}')).toBe(1);
    expect(values.get('etcd_debugging_server_alarms{server_id="bf9071f4639c75cc",alarm_type="NOSPACE"}')).toBe(1);
  });

  test('has every method with every code from the start', async () => {
    const { values } = await scrape();
    const handled = [...values].filter(([name]) => name.startsWith('grpc_server_handled_total'));
    // 44 methods, 17 codes.
    expect(handled).toHaveLength(44 * 17);
    expect(handled.every(([, value]) => value === 0)).toBe(true);
    expect(handled.map(([name]) => name)).toContain(
      'grpc_server_handled_total{grpc_code="DeadlineExceeded",grpc_method="Watch",grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"}',
    );
  });

  test('has the methods of locks and elections from their first call on', async () => {
    const series = 'grpc_server_started_total{grpc_method="Unlock",grpc_service="v3lockpb.Lock",grpc_type="unary"}';
    expect((await scrape()).values.has(series)).toBe(false);
    metrics = new Metrics();
    const unlock = dispatcher.stats.methods.find(({ method }) => method === 'Unlock');
    if (unlock !== undefined) unlock.started = 1;
    expect((await scrape()).values.get(series)).toBe(1);
  });

  test('has histograms of calls only when they are asked for', async () => {
    dispatcher.stats.methods.find(({ method }) => method === 'Put')?.end(0, 0.02);
    const { types, values } = await scrape(true);
    expect(types.get('grpc_server_handling_seconds')).toBe('histogram');
    const labels = 'grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"';
    expect(values.get(`grpc_server_handling_seconds_bucket{${labels},le="0.01"}`)).toBe(0);
    expect(values.get(`grpc_server_handling_seconds_bucket{${labels},le="0.025"}`)).toBe(1);
    expect(values.get(`grpc_server_handling_seconds_bucket{${labels},le="+Inf"}`)).toBe(1);
    metrics = new Metrics();
    expect((await scrape()).types.has('grpc_server_handling_seconds')).toBe(false);
  });

  test('adds up durations in upstream’s buckets', async () => {
    for (const seconds of [0.0005, 0.001, 0.0011, 9]) metrics.storage.walFsync?.(seconds);
    const { values } = await scrape();
    const name = 'etcd_disk_wal_fsync_duration_seconds';
    const bounds = [...values.keys()]
      .filter((key) => key.startsWith(`${name}_bucket`))
      .map((key) => /le="(.*)"/.exec(key)?.[1]);
    expect(bounds).toEqual([
      ...['0.001', '0.002', '0.004', '0.008', '0.016', '0.032', '0.064', '0.128', '0.256', '0.512', '1.024', '2.048'],
      ...['4.096', '8.192', '+Inf'],
    ]);
    expect(values.get(`${name}_bucket{le="0.001"}`)).toBe(2);
    expect(values.get(`${name}_bucket{le="8.192"}`)).toBe(3);
    expect(values.get(`${name}_count`)).toBe(4);
    expect(values.get(`${name}_sum`)).toBeCloseTo(9.0026);
  });

  test('knows peers by their ids in hexadecimal', async () => {
    metrics.peers.bytesSent(0xabcn, 10);
    metrics.peers.bytesSent(0xabcn, 5);
    metrics.peers.roundTrip(0xabcn, 0.0003);
    metrics.attach(member, dispatcher.stats, false);
    metrics.peers.activeChanged(0xabcn, true);
    metrics.peers.activeChanged(0xabcn, false);
    const { values } = parse((await metrics.text()).text);
    expect(values.get('etcd_network_peer_sent_bytes_total{To="abc"}')).toBe(15);
    expect(
      values.get('etcd_network_peer_round_trip_time_seconds_bucket{le="0.0004",To="abc"}') ??
        values.get('etcd_network_peer_round_trip_time_seconds_bucket{To="abc",le="0.0004"}'),
    ).toBe(1);
    expect(values.get('etcd_network_active_peers{Local="bf9071f4639c75cc",Remote="abc"}')).toBe(0);
    expect(values.get('etcd_network_disconnected_peers_total{Local="bf9071f4639c75cc",Remote="abc"}')).toBe(1);
  });

  test('knows peers that connected before the member knew its own id', async () => {
    metrics.peers.activeChanged(0xabcn, true);
    metrics.peers.activeChanged(0xdefn, true);
    metrics.peers.activeChanged(0xdefn, false);
    expect((await metrics.text()).text).not.toContain('Local=');
    const { values } = await scrape();
    const connections = [...values].filter(([series]) => series.includes('Local='));
    expect(Object.fromEntries(connections)).toEqual({
      'etcd_network_active_peers{Local="bf9071f4639c75cc",Remote="abc"}': 1,
      'etcd_network_active_peers{Local="bf9071f4639c75cc",Remote="def"}': 0,
      'etcd_network_disconnected_peers_total{Local="bf9071f4639c75cc",Remote="def"}': 1,
    });
  });

  test('counts what becomes of leases', async () => {
    const { leases } = metrics;
    leases.granted?.(60);
    leases.granted?.(1);
    leases.renewed?.();
    leases.revoked?.();
    leases.expired?.();
    const { types, values } = await scrape();
    const counts = ['lease_granted', 'lease_renewed', 'lease_revoked', 'server_lease_expired'];
    expect(counts.map((name) => values.get(`etcd_debugging_${name}_total`))).toEqual([2, 1, 1, 1]);
    expect(types.get('etcd_debugging_lease_ttl_total')).toBe('histogram');
    expect(values.get('etcd_debugging_lease_ttl_total_bucket{le="64"}')).toBe(2);
    expect(values.get('etcd_debugging_lease_ttl_total_bucket{le="32"}')).toBe(1);
  });

  test('counts health checks', async () => {
    metrics.health.health(true);
    metrics.health.health(false);
    metrics.health.check('readyz', 'non_learner', false);
    const { values } = await scrape();
    expect([values.get('etcd_server_health_success'), values.get('etcd_server_health_failures')]).toEqual([1, 1]);
    expect(values.get('etcd_server_healthcheck{type="readyz",name="non_learner"}')).toBe(0);
    expect(values.get('etcd_server_healthchecks_total{type="readyz",name="non_learner",status="error"}')).toBe(1);
  });
});

test('doubling bounds are written without the error of binary fractions', () => {
  expect(doublingBuckets(0.0001, 16).map(String).at(-1)).toBe('3.2768');
});
