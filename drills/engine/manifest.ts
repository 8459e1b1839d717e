/** What stands beside each snapshot file: all that is needed to know it, to check it and to recover with it. */
import path from 'node:path';
import { trailerBytes } from '../../server/client/mod.ts';
import type { SnapshotStatus } from '../../server/etcdutl/mod.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Reference } from '../verification/evidence.ts';
import type { DrillContext } from './context.ts';

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
  /** HashKV at `revision`, the same on every member when the snapshot was taken; missing if there was no quorum to ask. */
  hashKv?: number;
  /** Live keys at `revision`, in all and by first path segment. */
  keys: number;
  keysByPrefix: Record<string, number>;
  /** Leases, if the server has any such thing. */
  leases?: number;
  members: { name: string; peerURLs: string[]; clientURLs: string[] }[];
  /** Without these a snapshot alone does not bring the cluster back. */
  alsoNeeded: string[];
  /** Why it was taken, in the words of whoever took it. */
  reason?: string;
  /** For one that no member gave out: what it was made from. */
  derivedFrom?: Derivation;
}

/** How a backup came from another one and a delta log. */
export interface Derivation {
  /** Id and SHA-256 of the full backup. */
  backup: string;
  sha256: string;
  /** What was applied to it, in order; a segment that still grew has no SHA-256. */
  segments: { chain: string; number: number; fromRevision: number; lastRevision: number; sha256: string | null }[];
  /** The last revision of the cluster that is in it, and when that was recorded. */
  restoredRevision: number;
  restoredAt?: string;
  /** By how much the revision was raised, with all below marked as compacted; 0 for not at all. */
  bumpedBy: number;
  /** Leases of keys of which nobody knows how long they were granted for, in hex: their keys stay for ever. */
  unknownLeases: string[];
}

/** What is known of a snapshot from outside, once it is saved and has been checked. */
export interface SavedSnapshot {
  /** Absolute path. */
  file: string;
  sha256: string;
  status: SnapshotStatus;
  /** Name of the member that it was taken from. */
  source: string;
  serverVersion?: string;
  /** Leases, if the server has any such thing. */
  leases?: number | undefined;
}

/** @param reference what the cluster held at the snapshot's revision */
export function manifestOf(
  { lab, now }: Pick<DrillContext, 'lab' | 'now'>,
  reference: Pick<Reference, 'keys' | 'members' | 'clusterId' | 'compactRevision' | 'hashKv'>,
  { file, sha256, status, source, serverVersion, leases }: SavedSnapshot,
): SnapshotManifest {
  const { keys, members, clusterId, compactRevision, hashKv } = reference;
  return {
    format: 'etcdlab-snapshot-manifest/1',
    file: path.basename(file),
    sha256,
    sizeBytes: status.totalSizeBytes + (status.trailer === 'ok' ? trailerBytes : 0),
    createdAt: now().toISOString(),
    lab: lab.name,
    takenFrom: source,
    serverVersion: serverVersion ?? 'unknown',
    clusterId: clusterId.toString(16),
    revision: status.revision,
    compactRevision,
    ...(hashKv !== undefined && { hashKv }),
    keys: keys.size,
    keysByPrefix: countByPrefix(keys.keys()),
    ...(leases !== undefined && { leases }),
    members: members.map(({ name, peerURLs, clientURLs }) => ({ name, peerURLs, clientURLs })),
    alsoNeeded: ['the certificate authorities and certificates of the members', 'the members’ configuration files'],
  };
}

/** Writes the manifest beside the file that it describes. */
export async function writeManifest(file: string, manifest: SnapshotManifest): Promise<void> {
  await writeFileAtomically(`${file}.manifest.json`, `${JSON.stringify(manifest, undefined, 2)}\n`, 0o600);
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
