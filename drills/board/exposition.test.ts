import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantileSince, readCounters } from './exposition.ts';

const text = `# HELP etcd_mvcc_put_total Total number of puts seen by this member.
# TYPE etcd_mvcc_put_total counter
etcd_mvcc_put_total 1234
process_start_time_seconds 1.7951848969e+09
etcd_server_quota_backend_bytes 2.147483648e+09
grpc_server_handled_total{grpc_code="OK",grpc_method="Snapshot",grpc_service="etcdserverpb.Maintenance",grpc_type="server_stream"} 2
grpc_server_handled_total{grpc_code="Canceled",grpc_method="Snapshot",grpc_service="etcdserverpb.Maintenance",grpc_type="server_stream"} 7
grpc_server_handled_total{grpc_code="OK",grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"} 99
etcd_network_snapshot_receive_success{From="a"} 1
etcd_network_snapshot_receive_success{From="b"} 2
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 8
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 4
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 10
etcd_disk_wal_fsync_duration_seconds_sum 0.5
`;

test('reads what is counted, and only that', () => {
  expect(readCounters(text, 5)).toEqual({
    atMs: 5,
    startedAtSeconds: 1_795_184_896.9,
    puts: 1234,
    dbQuotaBytes: 2_147_483_648,
    snapshotsSaved: 2,
    snapshotsReceived: 3,
    fsync: [
      [0.001, 4],
      [0.002, 8],
      [Number.POSITIVE_INFINITY, 10],
    ],
  });
});

test('a series that is not there yet counts 0', () => {
  expect(readCounters('', 5)).toMatchObject({ puts: 0, snapshotsSaved: 0, fsync: [] });
});

test('no text makes it fail, or give a number that is none', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom(...text.split('\n')), fc.constant('etcd_mvcc_put_total NaN'));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { fsync, ...numbers } = readCounters(lines.join('\n'), 1);
      for (const value of Object.values(numbers)) expect(value).toBeTypeOf('number');
      for (const value of Object.values(numbers)) expect(Number.isFinite(value)).toBe(true);
      expect(fsync.every(([, count]) => Number.isFinite(count))).toBe(true);
    }),
  );
});

test('a quantile is of what came since, linear within its bucket', () => {
  const none = [0.001, 0.002, Number.POSITIVE_INFINITY].map((upper) => [upper, 0] as const);
  const some = [
    [0.001, 50],
    [0.002, 100],
    [Number.POSITIVE_INFINITY, 100],
  ] as const;
  expect(quantileSince(none, some, 0.99)).toBeCloseTo(0.00198);
  expect(quantileSince(some, some, 0.99)).toBeUndefined();
});

test('beyond the last bound, that bound is all that is known', () => {
  const beyond = [
    [0.001, 0],
    [Number.POSITIVE_INFINITY, 3],
  ] as const;
  expect(quantileSince([], beyond, 0.99)).toBe(0.001);
});

test('a histogram that has begun anew has no quantile', () => {
  expect(quantileSince([[1, 5]], [[1, 3]], 0.99)).toBeUndefined();
  const before = [
    [1, 5],
    [2, 5],
  ] as const;
  const after = [
    [1, 3],
    [2, 9],
  ] as const;
  expect(quantileSince(before, after, 0.99)).toBeUndefined();
});
