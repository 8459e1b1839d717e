/** etcd_network_*: traffic with the other members (contract: api.md §6). */
import type { Registry } from 'prom-client';
import { idToHex } from '../membership/mod.ts';
import type { PeerMetrics } from '../peer/mod.ts';
import { CounterFamily, doublingBuckets, HistogramFamily, register, type Sample } from './families.ts';

/** @param localId called at each scrape; 0 until the member is known */
export function peerMetrics(registry: Registry, localId: () => bigint): PeerMetrics {
  const counter = (name: string, help: string, labels: string[]) =>
    new CounterFamily(registry, `etcd_network_${name}`, 'counter', help, labels);
  const histogram = (name: string, help: string, start: number, count: number, label: string) =>
    new HistogramFamily(registry, `etcd_network_${name}`, help, doublingBuckets(start, count), label);

  const sentBytes = counter('peer_sent_bytes_total', 'The total number of bytes sent to peers.', ['To']);
  const receivedBytes = counter('peer_received_bytes_total', 'The total number of bytes received from peers.', [
    'From',
  ]);
  const sendFailures = counter('peer_sent_failures_total', 'The total number of send failures from peers.', ['To']);
  const receiveFailures = counter('peer_received_failures_total', 'The total number of receive failures.', ['From']);
  const roundTrips = histogram(
    'peer_round_trip_time_seconds',
    'Round-Trip-Time histogram between peers',
    1e-4,
    16,
    'To',
  );
  const activeChanged = connectionFamilies(registry, localId);
  const snapshots = {
    sent: snapshotFamilies(registry, 'send', 'To'),
    received: snapshotFamilies(registry, 'receive', 'From'),
  };

  return {
    bytesSent: (to, bytes) => sentBytes.add([idToHex(to)], bytes),
    bytesReceived: (from, bytes) => receivedBytes.add([idToHex(from)], bytes),
    sendFailed: (to) => sendFailures.add([idToHex(to)], 1),
    receiveFailed: (from) => receiveFailures.add([idToHex(from)], 1),
    roundTrip: (to, seconds) => roundTrips.observe(idToHex(to), seconds),
    activeChanged,
    snapshotSent: (to, ok, seconds) => snapshots.sent(idToHex(to), ok, seconds),
    snapshotReceived: (from, ok, seconds) => snapshots.received(idToHex(from), ok, seconds),
  };
}

/** Peers connect before the member's own id is known, so that label is added when somebody scrapes. */
function connectionFamilies(registry: Registry, localId: () => bigint) {
  const active = new Map<bigint, number>();
  const lost = new Map<bigint, number>();
  const samples = (values: ReadonlyMap<bigint, number>): Sample[] => {
    const id = localId();
    if (id === 0n) return [];
    const Local = idToHex(id);
    return [...values].map(([remote, value]) => ({ labels: { Local, Remote: idToHex(remote) }, value }));
  };
  const activeHelp = 'The current number of active peer connections.';
  register(registry, 'etcd_network_active_peers', 'gauge', activeHelp, () => samples(active));
  const lostHelp = 'The total number of disconnected peers.';
  register(registry, 'etcd_network_disconnected_peers_total', 'counter', lostHelp, () => samples(lost));
  return (id: bigint, isActive: boolean): void => {
    active.set(id, Number(isActive));
    if (!isActive) lost.set(id, (lost.get(id) ?? 0) + 1);
  };
}

function snapshotFamilies(registry: Registry, way: 'send' | 'receive', label: 'To' | 'From') {
  const name = (suffix: string): string => `etcd_network_snapshot_${way}_${suffix}`;
  const success = new CounterFamily(registry, name('success'), 'counter', `Successful snapshots, ${way}.`, [label]);
  const failures = new CounterFamily(registry, name('failures'), 'counter', `Failed snapshots, ${way}.`, [label]);
  const seconds = new HistogramFamily(
    registry,
    name('total_duration_seconds'),
    `Total latency of snapshots, ${way}.`,
    doublingBuckets(0.1, 10),
    label,
  );
  return (id: string, ok: boolean, took: number): void => {
    (ok ? success : failures).add([id], 1);
    if (ok) seconds.observe(id, took);
  };
}
