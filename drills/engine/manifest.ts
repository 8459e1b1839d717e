/** What stands beside each snapshot file: all that is needed to know it, to check it and to recover with it. */
import path from 'node:path';
import { z } from 'zod';
import { trailerBytes } from '../../server/client/mod.ts';
import type { SnapshotStatus } from '../../server/etcdutl/mod.ts';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { Reference } from '../verification/evidence.ts';
import type { DrillContext } from './context.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const derivation = z.object({
  backup: z.string().describe('ID of the full backup'),
  sha256,
  segments: z
    .array(
      z.object({
        chain: z.string(),
        number: z.int(),
        fromRevision: z.int(),
        lastRevision: z.int(),
        sha256: sha256.nullable().describe('null for a segment that still grew'),
      }),
    )
    .describe('what was applied to it, in order'),
  restoredRevision: z.int().describe('the last revision of the cluster that is in it'),
  restoredAt: z.exactOptional(z.string()).describe('when that was recorded'),
  bumpedBy: z
    .int()
    .describe('by how much the revision was raised, with all below marked as compacted; 0 for not at all'),
  unknownLeases: z
    .array(z.string())
    .describe('leases of keys of which nobody knows how long they were granted for: their keys stay for ever'),
});

export const snapshotManifestSchema = z.object({
  format: z.literal('etcdlab-snapshot-manifest/1'),
  file: z.string(),
  sha256,
  sizeBytes: z.int().min(0),
  createdAt: z.iso.datetime(),
  lab: z.string().describe('that it was taken from'),
  takenFrom: z.string().describe('the member'),
  serverVersion: z.string(),
  clusterId: z.string(),
  revision: z.int(),
  compactRevision: z.int(),
  hashKv: z
    .exactOptional(z.int())
    .describe('at `revision`, the same on every member when it was taken; missing if there was no quorum to ask'),
  keys: z.int().describe('live ones, at `revision`'),
  keysByPrefix: z.record(z.string(), z.int()).describe('by first path segment'),
  leases: z.exactOptional(z.int()).describe('if the server has any such thing'),
  members: z.array(z.object({ name: z.string(), peerURLs: z.array(z.string()), clientURLs: z.array(z.string()) })),
  alsoNeeded: z.array(z.string()).describe('without these a snapshot alone does not bring the cluster back'),
  reason: z.exactOptional(z.string()).describe('why it was taken, in the words of whoever took it'),
  derivedFrom: z.exactOptional(derivation).describe('for one that no member gave out: what it was made from'),
});
export type SnapshotManifest = z.output<typeof snapshotManifestSchema>;

/** How a backup came from another one and a delta log. */
export type Derivation = z.output<typeof derivation>;

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
