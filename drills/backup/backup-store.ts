/**
 * The backups of a lab, each in a folder of its own:
 *
 *     backups/ID/snapshot.db     as the member gave it out
 *     backups/ID/manifest.json   what it is, and what was known of the cluster
 *     backups/ID/proofs.json     what has been proved of it, and when
 *     backups/ID/keep.json       that it must stay, and why
 */
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import { renameDurably, writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import type { SegmentMirror } from './deltas/segment-mirror.ts';
import { localError } from './stores/store-error.ts';

export const idPattern = /^\d{8}-\d{6}(-\d+)?$/;
/** The last ones are kept. */
export const maxProofs = 100;

export const proofSchema = z.strictObject({
  /** The rung of the ladder, 0 to 6; see `verify-backup.ts`. */
  level: z.number().int().min(0).max(6),
  passed: z.boolean(),
  at: z.iso.datetime(),
  durationMs: z.number(),
  /** SHA-256 of the file that was examined: a proof says nothing of any other. */
  sha256: z.string(),
  engine: z.string(),
  /** What was seen on each rung. */
  evidence: z.array(z.string()),
});
export type Proof = z.output<typeof proofSchema>;

/** A mark that a backup must stay. */
export const keepSchema = z.strictObject({ at: z.iso.datetime(), reason: z.string().max(1000).optional() });
export type KeepMark = z.output<typeof keepSchema>;

export const manifestSchema = z.looseObject({
  format: z.literal('etcdlab-snapshot-manifest/1'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().min(0),
  createdAt: z.iso.datetime(),
  revision: z.number().int(),
  keys: z.number().int(),
});

export interface Backup {
  id: string;
  /** Where it lies: an absolute path, or a place in a store elsewhere. */
  folder: string;
  /** Absolute path on this machine; of a backup in a store elsewhere, the file is there only while it is borrowed. */
  snapshot: string;
  manifest: SnapshotManifest;
  proofs: Proof[];
  /** Whoever marked it to be kept wants it to stay. */
  kept?: KeepMark | undefined;
}

/** The backups of a lab, wherever they are kept: in its own folder (`BackupStore`), or elsewhere (`ForeignBackups`). */
export interface Backups {
  /** @returns all backups, the newest first @throws LabError LAB_BACKUP when one cannot be read */
  list(): Promise<Backup[]>;
  /** @throws LabError LAB_BACKUP_UNKNOWN, naming those there are */
  find(id: string): Promise<Backup>;
  /**
   * Adds a backup: all of it, or none.
   *
   * @param at names the backup
   * @param fill puts `snapshot.db` into a folder that no one takes for a backup yet
   */
  add(at: Date, fill: (folder: string) => Promise<SnapshotManifest>): Promise<Backup>;
  /** Writes down what was proved, beside the backup. */
  addProof(backup: Backup, proof: Proof): Promise<Backup>;
  /** Marks a backup to be kept, whatever is pruned; undefined takes the mark away. */
  mark(backup: Backup, kept: KeepMark | undefined): Promise<Backup>;
  /** Removes a backup. It has no name any more before the first of its files goes. */
  remove(backup: Backup): Promise<void>;
  /** Has `backup.snapshot` on this machine, with the bytes that its manifest names, as long as the work lasts. */
  borrow<T>(backup: Backup, work: (backup: Backup) => Promise<T>): Promise<T>;
  /** Where the segments of delta logs are kept as well; undefined when this machine alone has them. */
  readonly segments?: SegmentMirror | undefined;
  close(): Promise<void>;
}

/** From this rung on a backup counts as proven restorable: it has been restored, and a member has served it. */
export const provenLevel = 4;

/** @returns the newest proof of the highest level that passed, for the bytes that the manifest names */
export function bestProof({ proofs, manifest }: Pick<Backup, 'proofs' | 'manifest'>): Proof | undefined {
  const valid = proofs.filter(({ passed, sha256 }) => passed && sha256 === manifest.sha256);
  return valid.reduce<Proof | undefined>((best, proof) => (best && best.level > proof.level ? best : proof), undefined);
}

/** @returns whether the last word about the backup is that it is damaged */
export function isDisproved({ proofs }: Pick<Backup, 'proofs'>): boolean {
  return proofs.at(-1)?.passed === false;
}

/** @returns whether `restore` may choose it by itself */
export function isProven(backup: Pick<Backup, 'proofs' | 'manifest'>): boolean {
  return !isDisproved(backup) && (bestProof(backup)?.level ?? -1) >= provenLevel;
}

export class BackupStore implements Backups {
  private readonly folder: string;

  /** @param folder `.etcdlab/NAME/backups` */
  constructor(folder: string) {
    this.folder = folder;
  }

  async list(): Promise<Backup[]> {
    const names = (await readdir(this.folder).catch(() => [])).filter((name) => idPattern.test(name));
    return Promise.all(
      names
        .sort()
        .reverse()
        .map((id) => this.read(id)),
    );
  }

  async find(id: string): Promise<Backup> {
    return findBackup(await this.list(), id);
  }

  async add(at: Date, fill: (folder: string) => Promise<SnapshotManifest>): Promise<Backup> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const id = freeId(at, await readdir(this.folder));
    const partial = path.join(this.folder, `.partial-${id}`);
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { mode: 0o700 });
    try {
      const manifest = { ...(await fill(partial)), file: 'snapshot.db' };
      const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
      await writeFileAtomically(path.join(partial, 'manifest.json'), text, 0o600);
      await renameDurably(partial, path.join(this.folder, id));
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw localError(error, partial);
    }
    return this.read(id);
  }

  async addProof(backup: Backup, proof: Proof): Promise<Backup> {
    const proofs = [...backup.proofs, proof].slice(-maxProofs);
    const text = `${JSON.stringify(proofs, undefined, 2)}\n`;
    await writeFileAtomically(path.join(backup.folder, 'proofs.json'), text, 0o600);
    return { ...backup, proofs };
  }

  async mark(backup: Backup, kept: KeepMark | undefined): Promise<Backup> {
    const file = path.join(backup.folder, 'keep.json');
    if (kept === undefined) await rm(file, { force: true });
    else await writeFileAtomically(file, `${JSON.stringify(kept, undefined, 2)}\n`, 0o600);
    return { ...backup, kept };
  }

  async borrow<T>(backup: Backup, work: (backup: Backup) => Promise<T>): Promise<T> {
    return work(backup);
  }

  async close(): Promise<void> {}

  async remove({ id, folder }: Backup): Promise<void> {
    const doomed = path.join(this.folder, `.partial-${id}`);
    await rename(folder, doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  private async read(id: string): Promise<Backup> {
    const folder = path.join(this.folder, id);
    const parse = async <T>(name: string, schema: z.ZodType<T>, missing?: T): Promise<T> => {
      const file = path.join(folder, name);
      try {
        return schema.parse(JSON.parse(await readFile(file, 'utf8')));
      } catch (error) {
        if (missing !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return missing;
        throw new LabError('LAB_BACKUP', `${file} cannot be read`, {
          advice: `move ${folder} away, if it is none of etcdlab's`,
          cause: error,
        });
      }
    };
    const manifest = (await parse('manifest.json', manifestSchema)) as unknown as SnapshotManifest;
    const proofs = await parse('proofs.json', z.array(proofSchema), []);
    const kept = (await parse('keep.json', keepSchema.nullable(), null)) ?? undefined;
    return { id, folder, snapshot: path.join(folder, 'snapshot.db'), manifest, proofs, kept };
  }
}

/** @throws LabError LAB_BACKUP_UNKNOWN, naming those there are */
export function findBackup(all: readonly Backup[], id: string): Backup {
  const found = all.find((backup) => backup.id === id);
  if (found !== undefined) return found;
  const shown = all.slice(0, 5).map((backup) => backup.id);
  throw new LabError('LAB_BACKUP_UNKNOWN', `there is no backup '${id}'`, {
    advice: shown.length === 0 ? 'etcdlab backup create' : `backups: ${shown.join(', ')}`,
  });
}

/** @returns a name for a backup of that moment; two in one second are told apart by a number */
export function freeId(at: Date, taken: readonly string[]): string {
  const base = at.toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(id)) return id;
  }
}
