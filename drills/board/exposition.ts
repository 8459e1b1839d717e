/** Reads the few series that the board shows out of what a member exposes (contract: api §6). */
import type { Counters, Histogram } from './observation.ts';

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;

const counted = {
  puts: 'etcd_mvcc_put_total',
  quota: 'etcd_server_quota_backend_bytes',
  startTime: 'process_start_time_seconds',
  handled: 'grpc_server_handled_total',
  received: 'etcd_network_snapshot_receive_success',
  fsync: 'etcd_disk_wal_fsync_duration_seconds_bucket',
} as const;

/**
 * @param text Prometheus text format
 * @returns counters; 0 for a series that is not there, since a member creates most of them at first use
 */
export function readCounters(text: string, atMs: number): Omit<Counters, 'certificate'> {
  const counters = { atMs, startedAtSeconds: 0, puts: 0, snapshotsSaved: 0, snapshotsReceived: 0, dbQuotaBytes: 0 };
  const fsync: [number, number][] = [];
  for (const line of text.split('\n')) {
    const match = sample.exec(line);
    if (match === null) continue;
    const [, name, labels = '', word = ''] = match;
    const value = Number(word);
    if (!Number.isFinite(value)) continue;
    if (name === counted.puts) counters.puts = value;
    else if (name === counted.quota) counters.dbQuotaBytes = value;
    else if (name === counted.startTime) counters.startedAtSeconds = value;
    else if (name === counted.received) counters.snapshotsReceived += value;
    else if (name === counted.handled && isSavedSnapshot(labels)) counters.snapshotsSaved += value;
    else if (name === counted.fsync) fsync.push([upperBound(labels), value]);
  }
  return { ...counters, fsync: fsync.sort(([a], [b]) => a - b) };
}

function isSavedSnapshot(labels: string): boolean {
  return labels.includes('grpc_method="Snapshot"') && labels.includes('grpc_code="OK"');
}

function upperBound(labels: string): number {
  const word = /le="([^"]*)"/.exec(labels)?.[1];
  return word === undefined || word === '+Inf' ? Number.POSITIVE_INFINITY : Number(word);
}

/**
 * As Prometheus does it: linear within the bucket; in the last one, its lower bound.
 * @param from an earlier state of the same histogram; only what came since counts
 * @param fraction such as 0.99
 * @returns seconds, or undefined if nothing was observed
 */
export function quantileSince(from: Histogram, to: Histogram, fraction: number): number | undefined {
  const earlier = new Map(from);
  const buckets = to.map(([upper, count]) => [upper, count - (earlier.get(upper) ?? 0)] as const);
  const total = buckets.at(-1)?.[1] ?? 0;
  // A member that has restarted counts from 0 again.
  if (total <= 0 || buckets.some(([, count]) => count < 0)) return undefined;
  const rank = fraction * total;
  let [lowerSeconds, below] = [0, 0];
  for (const [upper, count] of buckets) {
    if (count >= rank) {
      if (!Number.isFinite(upper)) return lowerSeconds;
      return lowerSeconds + (upper - lowerSeconds) * ((rank - below) / (count - below));
    }
    [lowerSeconds, below] = [upper, count];
  }
  return undefined;
}
