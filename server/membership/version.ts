/** Server and cluster versions: strict `major.minor.patch`, as upstream sends and compares them. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Such as `alpha.0` of `3.8.0-alpha.0`; empty for a release. */
  readonly preRelease: string;
}

const pattern = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** @returns undefined when `text` is not a version such as `3.5.30` or `3.8.0-alpha.0` */
export function parseVersion(text: string): Version | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]), preRelease: match[4] ?? '' };
}

/** Compares major and minor only: below 0 when `a` is older, 0 when they are of one family. */
export function compareMinor(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor;
}

/** The cluster version that a server of this version allows: `3.5.30` → `3.5.0`. */
export function clusterVersionOf(version: Version): string {
  return `${version.major}.${version.minor}.0`;
}

/**
 * The cluster version that the members' server versions allow: the oldest of them (contract: disk-and-peer §8.5).
 *
 * @param serverVersions one for each member, undefined for a member that did not answer or answered nonsense
 * @returns such as `3.5.0`; undefined when any member's version is unknown, for then nothing may change
 */
export function decideClusterVersion(serverVersions: readonly (string | undefined)[]): string | undefined {
  let oldest: Version | undefined;
  for (const text of serverVersions) {
    const version = text === undefined ? undefined : parseVersion(text);
    if (version === undefined) return undefined;
    if (oldest === undefined || compareMinor(version, oldest) < 0) oldest = version;
  }
  return oldest === undefined ? undefined : clusterVersionOf(oldest);
}
