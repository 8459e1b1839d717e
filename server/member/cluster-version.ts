/**
 * The leader's watch over versions: it proposes the oldest server version among the members as the cluster's version,
 * which never falls (contract: disk-and-peer §8.5), and withdraws a downgrade that every member has gone through.
 */
import type { Logger } from '../base/logger.ts';
import { type Cluster, compareMinor, decideClusterVersion, parseVersion } from '../membership/mod.ts';
import { PeerClient, type TlsFiles } from '../peer/mod.ts';
import { minClusterVersion, serverVersion } from './version.ts';

const intervalMs = 4000;
const askTimeoutMs = 1000;

export interface ClusterVersionOptions {
  localId: bigint;
  cluster(): Cluster;
  isLeader(): boolean;
  propose(version: string): Promise<unknown>;
  withdrawDowngrade(): Promise<unknown>;
  tls: TlsFiles | undefined;
  log: Logger;
}

export class ClusterVersionMonitor {
  private readonly options: ClusterVersionOptions;
  private readonly client: PeerClient;
  private timer: NodeJS.Timeout | undefined;
  private checking = false;

  constructor(options: ClusterVersionOptions) {
    this.options = options;
    this.client = new PeerClient({ ...(options.tls && { tls: options.tls }), timeoutMs: askTimeoutMs });
  }

  start(): void {
    this.timer = setInterval(() => void this.check(), intervalMs);
  }

  stop(): void {
    clearInterval(this.timer);
    this.client.close();
  }

  /** Looks once, now: when a new leader has committed its first entry. Resolves when what it finds is applied. */
  async check(): Promise<void> {
    if (this.checking || !this.options.isLeader()) return;
    this.checking = true;
    try {
      await this.decide();
    } catch (error) {
      this.options.log.warn('failed to update the cluster version', { error: (error as Error).message });
    } finally {
      this.checking = false;
    }
  }

  private async decide(): Promise<void> {
    const { propose, withdrawDowngrade, log } = this.options;
    const cluster = this.options.cluster();
    const versions = await this.serverVersions();
    const current = cluster.version();
    // Before anything was decided, a member that cannot be asked means the oldest version that any could have.
    const wanted = decideClusterVersion(versions) ?? (current === undefined ? minClusterVersion : undefined);
    if (wanted !== undefined && this.options.isLeader() && isNewer(wanted, current)) await propose(wanted);
    const { enabled, targetVersion } = cluster.downgrade();
    if (!enabled || !areOf(targetVersion, versions) || !this.options.isLeader()) return;
    log.info('the cluster has been downgraded', { 'cluster-version': targetVersion });
    await withdrawDowngrade();
  }

  /** One for each member, undefined for one that does not answer. */
  private async serverVersions(): Promise<(string | undefined)[]> {
    const { localId, cluster } = this.options;
    return Promise.all(
      cluster()
        .members()
        .map(async (member) => {
          if (member.id === localId) return serverVersion;
          for (const url of member.peerURLs) {
            const version = await this.client.fetchVersion(url).catch(() => undefined);
            if (version !== undefined) return version.server;
          }
          return undefined;
        }),
    );
  }
}

function isNewer(wanted: string, current: string | undefined): boolean {
  const version = parseVersion(wanted);
  const before = current === undefined ? undefined : parseVersion(current);
  return version !== undefined && (before === undefined || compareMinor(version, before) > 0);
}

function areOf(release: string, versions: readonly (string | undefined)[]): boolean {
  const wanted = parseVersion(release);
  return versions.every((text) => {
    const version = text === undefined ? undefined : parseVersion(text);
    return version !== undefined && wanted !== undefined && compareMinor(version, wanted) === 0;
  });
}
