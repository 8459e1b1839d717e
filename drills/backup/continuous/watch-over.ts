/** What the service tells about itself: as events while it runs, and as metrics for whoever watches over it. */
import { Counter, Gauge, Registry } from 'prom-client';

const steps = ['full', 'verify', 'deltas', 'mirror', 'prune'] as const;
export type ServiceStep = (typeof steps)[number];

export type ServiceEvent =
  | { readonly event: 'backup'; readonly id: string; readonly revision: number }
  | { readonly event: 'proved'; readonly id: string; readonly level: number; readonly passed: boolean }
  | { readonly event: 'replayed'; readonly id: string; readonly revisions: number }
  | { readonly event: 'chain'; readonly id: string; readonly reason: string }
  | { readonly event: 'following'; readonly revision: number }
  | { readonly event: 'caught-up'; readonly revision: number }
  | { readonly event: 'pruned'; readonly backups: readonly string[]; readonly segments: number }
  | { readonly event: 'trouble'; readonly step: ServiceStep; readonly problem: string };

/** Names as Prometheus' users expect them; times are seconds since 1970, 0 for never. */
export class ServiceMetrics {
  private readonly registry = new Registry();
  private readonly lastProven = this.gauge(
    'etcdlab_backup_last_proven_timestamp_seconds',
    'When the newest backup was taken that is proven restorable.',
  );
  private readonly lastFull = this.gauge(
    'etcdlab_backup_last_full_timestamp_seconds',
    'When the newest full backup was taken.',
  );
  private readonly recorded = this.gauge('etcdlab_backup_delta_revision', 'The newest revision in the delta log.');
  private readonly cluster = this.gauge(
    'etcdlab_backup_cluster_revision',
    'The newest revision of the cluster that is known.',
  );
  private readonly lag = this.gauge(
    'etcdlab_backup_delta_lag_revisions',
    'Revisions of the cluster that the delta log lacks.',
  );
  private readonly completeAt = this.gauge(
    'etcdlab_backup_delta_complete_timestamp_seconds',
    'The last moment at which the delta log lacked nothing.',
  );
  private readonly connected = this.gauge('etcdlab_backup_delta_connected', 'Whether the cluster is being followed.');
  private readonly replayed = this.gauge(
    'etcdlab_backup_delta_proven_revision',
    'Up to here the delta log, replayed, has come to the HashKV of a full backup.',
  );
  private readonly chains = new Counter({
    name: 'etcdlab_backup_chains_total',
    help: 'Delta logs that were begun with a new full backup.',
    registers: [this.registry],
  });
  private readonly failures = new Counter({
    name: 'etcdlab_backup_failures_total',
    help: 'Attempts that failed, by what was tried.',
    labelNames: ['step'],
    registers: [this.registry],
  });

  constructor() {
    for (const step of steps) this.failures.inc({ step }, 0);
  }

  backups(times: { lastFullMs: number; lastProvenMs: number }): void {
    this.lastFull.set(times.lastFullMs / 1000);
    this.lastProven.set(times.lastProvenMs / 1000);
  }

  progress(recorded: number, cluster: number, completeAtMs: number): void {
    this.recorded.set(recorded);
    this.cluster.set(cluster);
    this.lag.set(Math.max(0, cluster - recorded));
    this.completeAt.set(completeAtMs / 1000);
  }

  setConnected(isConnected: boolean): void {
    this.connected.set(isConnected ? 1 : 0);
  }

  provenUpTo(revision: number): void {
    this.replayed.set(revision);
  }

  chainBegun(): void {
    this.chains.inc();
  }

  failed(step: ServiceStep): void {
    this.failures.inc({ step });
  }

  /** @returns the text that Prometheus reads */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.registry] });
  }
}
