/** Mutation testing of the checks on backups: damaged copies of a sound one, each of which must be found out. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EngineConfig } from '../../toolkit/lab/config.ts';
import { snapshotDamages } from '../damage/snapshot-files.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import type { Trial } from '../verification/mutants.ts';
import type { Backup } from './backup-store.ts';
import { verifyBackup } from './verify-backup.ts';

/** Each of these lies in one point; found at the rung that is named. */
const lies: { wrong: string; level: number; change(manifest: SnapshotManifest): Partial<SnapshotManifest> }[] = [
  { wrong: 'another size', level: 0, change: ({ sizeBytes }) => ({ sizeBytes: sizeBytes + 1 }) },
  {
    wrong: 'another SHA-256',
    level: 1,
    change: ({ sha256 }) => ({ sha256: sha256.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
  },
  { wrong: 'another revision', level: 2, change: ({ revision }) => ({ revision: revision + 1 }) },
  { wrong: 'another number of keys', level: 4, change: ({ keys }) => ({ keys: keys + 1 }) },
  { wrong: 'another HashKV', level: 4, change: ({ hashKv = 0 }) => ({ hashKv: hashKv ^ 1 }) },
];

export interface SelftestOptions {
  engine: EngineConfig;
  workFolder: string;
  signal: AbortSignal;
  progress?: ((text: string) => void) | undefined;
}

/** Works on copies in a folder of its own; the backup is only read. */
export async function tryDamagedBackups(backup: Backup, options: SelftestOptions): Promise<Trial[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'etcdlab-'));
  const snapshot = path.join(folder, 'snapshot.db');
  const judge = (manifest: SnapshotManifest, level: number) =>
    verifyBackup({ ...backup, folder, snapshot, manifest, proofs: [] }, { ...options, level });
  const trials: Trial[] = [];
  try {
    await copyFile(backup.snapshot, snapshot);
    const control = await judge(backup.manifest, 2);
    trials.push({ wrong: 'nothing about the backup (must pass)', foundBy: 'L2', caught: control.passed });
    for (const { wrong, level, change } of lies) {
      options.progress?.(wrong);
      const { passed, level: reached } = await judge({ ...backup.manifest, ...change(backup.manifest) }, level);
      trials.push({ wrong: `the manifest says ${wrong}`, foundBy: `L${reached}`, caught: !passed });
    }
    const sound = await readFile(backup.snapshot);
    for (const { how, apply } of snapshotDamages) {
      options.progress?.(how);
      await writeFile(snapshot, apply(sound), { mode: 0o600 });
      const { passed, level } = await judge(backup.manifest, 2);
      trials.push({ wrong: `the snapshot has ${how}`, foundBy: `L${level}`, caught: !passed });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return trials;
}
