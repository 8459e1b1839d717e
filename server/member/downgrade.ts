/**
 * Announcing that the cluster goes back to the release before (contract: api.md §2.8). Members only keep the
 * announcement: a cluster whose members have all gone back withdraws it, which needs a leader of that older release.
 */
import {
  errClusterVersionUnavailable,
  errDowngradeInProcess,
  errInvalidDowngradeTarget,
  errNoInflightDowngrade,
  errUnknownMethod,
  errWrongDowngradeVersionFormat,
} from '../errors/etcd-error.ts';
import { type Cluster, clusterVersionOf, parseVersion, type Version } from '../membership/mod.ts';
import type { DowngradeInfoSetRequest } from '../proto/gen/membership.ts';
import { type DowngradeRequest, DowngradeRequest_DowngradeAction } from '../proto/gen/rpc.ts';

export interface DowngradeOptions {
  cluster(): Pick<Cluster, 'version' | 'downgrade'>;
  /** Resolves when this member knows everything that was committed before the call. */
  catchUp(): Promise<void>;
  /** @throws EtcdError when it does not come to be applied */
  propose(info: DowngradeInfoSetRequest): Promise<void>;
}

export class Downgrades {
  private readonly options: DowngradeOptions;

  constructor(options: DowngradeOptions) {
    this.options = options;
  }

  /**
   * Checks, announces or withdraws.
   *
   * @returns the version of the cluster, such as `3.5.0`
   * @throws EtcdError when the target is not the release before, or something else is under way
   */
  async run({ action, version }: Pick<DowngradeRequest, 'action' | 'version'>): Promise<string> {
    switch (action) {
      case DowngradeRequest_DowngradeAction.VALIDATE:
        return (await this.validate(version)).clusterVersion;
      case DowngradeRequest_DowngradeAction.ENABLE:
        return this.enable(version);
      case DowngradeRequest_DowngradeAction.CANCEL:
        return this.cancel();
      default:
        throw errUnknownMethod();
    }
  }

  private async validate(text: string): Promise<{ target: string; clusterVersion: string }> {
    const target = clusterVersionOf(parseTarget(text));
    await this.options.catchUp();
    const cluster = this.options.cluster();
    const clusterVersion = cluster.version();
    const current = clusterVersion === undefined ? undefined : parseVersion(clusterVersion);
    if (clusterVersion === undefined || current === undefined) throw errClusterVersionUnavailable();
    if (target !== clusterVersionOf({ ...current, minor: current.minor - 1 })) throw errInvalidDowngradeTarget();
    if (cluster.downgrade().enabled) throw errDowngradeInProcess();
    return { target, clusterVersion };
  }

  private async enable(text: string): Promise<string> {
    const { target, clusterVersion } = await this.validate(text);
    await this.options.propose({ enabled: true, ver: target });
    return clusterVersion;
  }

  private async cancel(): Promise<string> {
    await this.options.catchUp();
    const cluster = this.options.cluster();
    if (!cluster.downgrade().enabled) throw errNoInflightDowngrade();
    await this.options.propose({ enabled: false, ver: '' });
    return cluster.version() ?? '';
  }
}

/** `3.4` or `3.4.0`. */
function parseTarget(text: string): Version {
  const version = parseVersion(text) ?? parseVersion(`${text}.0`);
  if (version === undefined) throw errWrongDowngradeVersionFormat();
  return version;
}
