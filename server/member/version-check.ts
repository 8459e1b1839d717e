/**
 * Whether a server of this version can be part of a cluster. A cluster's version says what its log may hold: a server
 * that is older would meet requests that it does not know (contract: disk-and-peer §8.5).
 */
import { compareMinor, type Downgrade, parseVersion, type Version } from '../membership/mod.ts';
import { minClusterVersion, serverVersion } from './version.ts';

/** Thrown when this server must not go on in its cluster: another release has to take over the data directory. */
export class UnfitVersionError extends Error {
  override readonly name = 'UnfitVersionError';
}

/**
 * @param clusterVersion such as `3.5.0`; undefined before the cluster has decided
 * @throws UnfitVersionError with upstream's text
 */
export function requireFittingVersion(clusterVersion: string | undefined, downgrade: Downgrade): void {
  const own = versionOf(serverVersion);
  const target = downgrade.enabled ? parseVersion(downgrade.targetVersion) : undefined;
  if (target !== undefined) {
    if (compareMinor(own, target) === 0) return;
    throw new UnfitVersionError(
      'invalid downgrade; server version is not allowed to join when downgrade is enabled: this server is ' +
        `${serverVersion}, and the cluster goes to ${downgrade.targetVersion}. Start etcd ${minorOf(target)} on this ` +
        'data directory. Where the downgrade was cancelled meanwhile, this directory does not know it: let another ' +
        'member take this one out and add it anew: etcdctl member remove, then member add',
    );
  }
  const decided = clusterVersion === undefined ? undefined : parseVersion(clusterVersion);
  if (decided === undefined || compareMinor(own, decided) >= 0) return;
  const wayBack =
    decided.minor === 0
      ? ''
      : ', or let the cluster go back first, one release at a time: ' +
        `etcdctl downgrade enable ${minorOf({ ...decided, minor: decided.minor - 1 })}`;
  throw new UnfitVersionError(
    'invalid downgrade; server version is lower than determined cluster version: this server is ' +
      `${serverVersion}, and the cluster is at ${clusterVersion}. Start etcd ${minorOf(decided)} on this data ` +
      `directory${wayBack}`,
  );
}

/**
 * The versions of clusters that a member without data can join. While a downgrade is under way that is the release
 * after this one alone.
 */
export function joinableVersions(isDowngrading: boolean): { readonly oldest: Version; readonly newest: Version } {
  const own = versionOf(serverVersion);
  const next = { ...own, minor: own.minor + 1 };
  return isDowngrading ? { oldest: next, newest: next } : { oldest: versionOf(minClusterVersion), newest: own };
}

function versionOf(text: string): Version {
  const version = parseVersion(text);
  if (version === undefined) throw new Error(`the version ${text} of this server cannot be read`);
  return version;
}

function minorOf({ major, minor }: Version): string {
  return `${major}.${minor}`;
}
