/** What stands beside each snapshot file: all that is needed to know it, to check it and to recover with it. */

export interface SnapshotManifest {
  format: 'etcdlab-snapshot-manifest/1';
  file: string;
  sha256: string;
  sizeBytes: number;
  createdAt: string;
  /** Lab and member that it was taken from. */
  lab: string;
  takenFrom: string;
  serverVersion: string;
  clusterId: string;
  revision: number;
  compactRevision: number;
  /** HashKV at `revision`, the same on every member when the snapshot was taken. */
  hashKv: number;
  /** Live keys at `revision`, in all and by first path segment. */
  keys: number;
  keysByPrefix: Record<string, number>;
  /** Leases, if the server has any such thing. */
  leases?: number;
  members: { name: string; peerURLs: string[]; clientURLs: string[] }[];
  /** Without these a snapshot alone does not bring the cluster back. */
  alsoNeeded: string[];
}

/** The most prefixes that are counted apart; the rest goes under `(other)`. */
const maxPrefixes = 100;

/** Counts keys by their first path segment, such as `/registry/` or `etcdlab-drill/`. */
export function countByPrefix(keys: Iterable<string>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const slash = key.indexOf('/', key.startsWith('/') ? 1 : 0);
    const prefix = slash < 0 ? '(no prefix)' : key.slice(0, slash + 1);
    const name = counts.has(prefix) || counts.size < maxPrefixes ? prefix : '(other)';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
