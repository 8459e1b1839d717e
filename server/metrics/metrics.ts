/** The text of /metrics: upstream's names, types, buckets and labels, as far as there is something to measure. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { fileDescriptorLimit, openFileDescriptors } from '../base/file-descriptors.ts';
import type { HealthObserver } from '../http/mod.ts';
import type { LeaseObserver, MemberObserver } from '../member/config.ts';
import type { PeerMetrics } from '../peer/mod.ts';
import type { CallStats } from '../rpc/mod.ts';
import { registerCallMetrics } from './call-metrics.ts';
import { CounterFamily, register } from './families.ts';
import { leaseMetrics } from './lease-metrics.ts';
import { type MeasuredMember, registerMemberMetrics } from './member-metrics.ts';
import { peerMetrics } from './peer-metrics.ts';
import { storageMetrics } from './storage-metrics.ts';

export class Metrics {
  /** For the peer protocol. */
  readonly peers: PeerMetrics;
  /** For the health endpoints. */
  readonly health: HealthObserver;
  /** For disk, store and applier. */
  readonly storage: MemberObserver;
  /** For the lessor. */
  readonly leases: LeaseObserver;
  private readonly registry = new Registry();
  private localId = 0n;

  constructor() {
    const { registry } = this;
    this.peers = peerMetrics(registry, () => this.localId);
    this.health = healthObserver(registry);
    this.leases = leaseMetrics(registry);
    this.storage = storageMetrics(registry);
    collectDefaultMetrics({ register: registry });
    registerFileDescriptors(registry);
  }

  /** Adds what the running member and its calls are measured by. Once. */
  attach(member: MeasuredMember, calls: CallStats, extensive: boolean): void {
    this.localId = member.id;
    registerMemberMetrics(this.registry, member);
    registerCallMetrics(this.registry, calls, extensive);
  }

  /** What a scrape is answered. */
  async text(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}

function healthObserver(registry: Registry): HealthObserver {
  let successes = 0;
  let failures = 0;
  const successHelp = 'The total number of successful health checks';
  register(registry, 'etcd_server_health_success', 'counter', successHelp, () => [{ value: successes }]);
  const failureHelp = 'The total number of failed health checks';
  register(registry, 'etcd_server_health_failures', 'counter', failureHelp, () => [{ value: failures }]);
  const state = new CounterFamily(
    registry,
    'etcd_server_healthcheck',
    'gauge',
    'The result of each kind of healthcheck.',
    ['type', 'name'],
  );
  const total = new CounterFamily(
    registry,
    'etcd_server_healthchecks_total',
    'counter',
    'The total number of each kind of healthcheck.',
    ['type', 'name', 'status'],
  );
  return {
    health: (healthy) => {
      if (healthy) successes++;
      else failures++;
    },
    check: (type, name, passed) => {
      state.set([type, name], Number(passed));
      total.add([type, name, passed ? 'success' : 'error'], 1);
    },
  };
}

function registerFileDescriptors(registry: Registry): void {
  register(registry, 'os_fd_used', 'gauge', 'The number of used file descriptors.', () =>
    fromProc(openFileDescriptors),
  );
  register(registry, 'os_fd_limit', 'gauge', 'The file descriptor limit.', () => fromProc(fileDescriptorLimit));
}

/** Only Linux has /proc; elsewhere there is nothing to tell. */
function fromProc(read: () => number): { value: number }[] {
  try {
    return [{ value: read() }];
  } catch {
    return [];
  }
}
