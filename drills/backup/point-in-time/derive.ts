/** A past moment as a backup like any other: a snapshot file with a manifest that says what it was made from. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileHashKv } from '../../../server/etcdutl/mod.ts';
import { LabError } from '../../../toolkit/errors.ts';
import { countByPrefix, type Derivation, type SnapshotManifest } from '../../engine/manifest.ts';
import { sha256OfFile } from '../../recovery/file-digest.ts';
import { leaseName } from '../../verification/leases.ts';
import type { SegmentFile } from '../deltas/chain.ts';
import { type BuildOptions, type BuiltState, buildState } from './build.ts';
import { baseRevisionOf, type RestorePlan } from './plan.ts';

export interface Derived {
  manifest: SnapshotManifest;
  state: BuiltState;
}

/** @returns whether the backup is what is wanted, as it stands */
export function isBackupItself({ base, until }: RestorePlan, bumpBy: number): boolean {
  return bumpBy === 0 && 'revision' in until && until.revision === baseRevisionOf(base);
}

/**
 * Writes `snapshot.db` into a folder, and works out what its manifest must say from the file itself.
 *
 * @throws LabError LAB_BACKUP when the backup is not the file of its manifest, and as `buildState`
 */
export async function derive(
  plan: RestorePlan,
  folder: string,
  options: BuildOptions & { at: Date },
): Promise<Derived> {
  const { base } = plan;
  const sha256 = await sha256OfFile(base.snapshot);
  if (sha256 !== base.manifest.sha256) {
    throw new LabError(
      'LAB_BACKUP',
      `backup ${base.id}: its SHA-256 is ${sha256}, its manifest says ${base.manifest.sha256}`,
      {
        advice: `etcdlab backup verify ${base.id} marks it as damaged; then another one is taken`,
      },
    );
  }
  const file = path.join(folder, 'snapshot.db');
  const state = await buildState(plan, file, options);
  options.progress?.('computing its HashKV');
  const { hash, compactRevision } = await fileHashKv(file, 0);
  const { reason: _, derivedFrom: __, ...inherited } = base.manifest;
  const manifest: SnapshotManifest = {
    ...inherited,
    file: 'snapshot.db',
    sha256: await sha256OfFile(file),
    sizeBytes: (await stat(file)).size,
    createdAt: options.at.toISOString(),
    revision: state.revision,
    compactRevision,
    hashKv: hash,
    keys: state.keys.length,
    keysByPrefix: countByPrefix(state.keys),
    leases: state.leases,
    reason: `revision ${state.restoredRevision} of backup ${base.id} and its delta log`,
    derivedFrom: {
      backup: base.id,
      sha256: base.manifest.sha256,
      segments: plan.segments.map(describeSegment),
      restoredRevision: state.restoredRevision,
      ...(state.restoredAtMs !== undefined && { restoredAt: new Date(state.restoredAtMs).toISOString() }),
      bumpedBy: options.bumpBy,
      unknownLeases: state.unknownLeases.map(leaseName),
    },
  };
  return { manifest, state };
}

function describeSegment({ header, lastRevision, sha256 }: SegmentFile): Derivation['segments'][number] {
  const { chain, number, fromRevision } = header;
  return { chain, number, fromRevision, lastRevision, sha256: sha256 ?? null };
}
