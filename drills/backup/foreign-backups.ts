/**
 * The backups of a lab in a store elsewhere:
 *
 *     LAB/ID/snapshot.db.zst[.age]   compressed, and encrypted if lab.yaml names a recipient
 *     LAB/ID/manifest.json           as in the lab's own folder, and what the file in the store is
 *     LAB/ID/proofs.json, keep.json  as in the lab's own folder
 *
 * A backup is there once its manifest is: the manifest comes last, and goes first.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import type { SnapshotManifest } from '../engine/manifest.ts';
import {
  type Backup,
  type Backups,
  findBackup,
  freeId,
  idPattern,
  type KeepMark,
  keepSchema,
  manifestSchema,
  maxProofs,
  type Proof,
  proofSchema,
} from './backup-store.ts';
import { SegmentMirror } from './deltas/segment-mirror.ts';
import { requireSpace } from './space.ts';
import { contentOfFile, contentOfText, type ObjectInfo, type ObjectStore } from './stores/mod.ts';
import { localError } from './stores/store-error.ts';
import { decodeSnapshot, encodedName, encodeSnapshot } from './transport.ts';

/** A manifest names at most a hundred prefixes of keys. */
const maxDocumentBytes = 4 * 1024 ** 2;
/** Documents that are read at the same time. */
const maxReads = 8;
/** An upload that is older was given up by whoever began it. */
const abandonedMs = 24 * 3_600_000;

const storedSchema = manifestSchema.extend({
  stored: z.strictObject({
    name: z.string().regex(/^snapshot\.db\.zst(\.age)?$/),
    sizeBytes: z.number().int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    encrypted: z.boolean(),
  }),
});
type Stored = z.output<typeof storedSchema>['stored'];

export interface ForeignBackupsOptions {
  /** Closed with this. */
  store: ObjectStore;
  /** The lab's name: labs can share a store. */
  lab: string;
  /** Of this machine; for what is on its way. Commands that work at the same time have folders of their own in it. */
  scratch: string;
  /** An age public key; undefined: not encrypted. */
  recipient: string | undefined;
  /** An age secret key, for those that are encrypted. */
  identity: string | undefined;
  signal: AbortSignal;
}

export class ForeignBackups implements Backups {
  readonly segments: SegmentMirror;
  private readonly options: ForeignBackupsOptions;
  private readonly scratch: string;
  private readonly stored = new Map<string, Stored>();

  constructor(options: ForeignBackupsOptions) {
    this.options = options;
    this.scratch = path.join(options.scratch, `${process.pid}-${randomUUID()}`);
    this.segments = new SegmentMirror(options);
  }

  async list(): Promise<Backup[]> {
    const { store, signal } = this.options;
    const objects = await store.list(`${this.options.lab}/`, signal);
    const names = new Set(objects.map(({ name }) => name));
    const ids = idsOf(objects, this.options.lab).filter((id) => names.has(this.name(id, 'manifest.json')));
    const backups: Backup[] = [];
    const todo = ids.sort().reverse();
    for (let i = 0; i < todo.length; i += maxReads) {
      backups.push(...(await Promise.all(todo.slice(i, i + maxReads).map((id) => this.read(id, names)))));
    }
    return backups;
  }

  async find(id: string): Promise<Backup> {
    return findBackup(await this.list(), id);
  }

  async add(at: Date, fill: (folder: string) => Promise<SnapshotManifest>): Promise<Backup> {
    const { store, lab, recipient, signal } = this.options;
    const objects = await store.list(`${lab}/`, signal);
    const id = freeId(at, idsOf(objects, lab));
    await this.clean(objects);
    await this.prepareScratch();
    const folder = await mkdtemp(path.join(this.scratch, 'new-'));
    try {
      const manifest = { ...(await fill(folder)), file: 'snapshot.db' };
      const snapshot = path.join(folder, 'snapshot.db');
      const encoded = path.join(folder, encodedName('snapshot', recipient !== undefined));
      await encodeSnapshot(snapshot, encoded, recipient, signal);
      const content = await contentOfFile(encoded);
      const { sizeBytes, sha256 } = content;
      const stored: Stored = { name: path.basename(encoded), sizeBytes, sha256, encrypted: recipient !== undefined };
      await store.put(this.name(id, stored.name), content, { signal });
      await this.write(id, 'manifest.json', { ...manifest, stored }, false);
    } catch (error) {
      throw localError(error, folder);
    } finally {
      await this.leave(folder);
    }
    return this.read(id, new Set([this.name(id, 'manifest.json')]));
  }

  async addProof(backup: Backup, proof: Proof): Promise<Backup> {
    const proofs = [...backup.proofs, proof].slice(-maxProofs);
    await this.write(backup.id, 'proofs.json', proofs, true);
    return { ...backup, proofs };
  }

  async mark(backup: Backup, kept: KeepMark | undefined): Promise<Backup> {
    if (kept !== undefined) await this.write(backup.id, 'keep.json', kept, true);
    else await this.options.store.remove(this.name(backup.id, 'keep.json'), this.options.signal);
    return { ...backup, kept };
  }

  async remove({ id }: Backup): Promise<void> {
    const { store, signal } = this.options;
    await store.remove(this.name(id, 'manifest.json'), signal);
    for (const { name } of await store.list(`${this.name(id, '')}`, signal)) await store.remove(name, signal);
  }

  async borrow<T>(backup: Backup, work: (backup: Backup) => Promise<T>): Promise<T> {
    const folder = path.dirname(backup.snapshot);
    await this.prepareScratch();
    try {
      await this.fetch(backup, folder);
      return await work(backup);
    } finally {
      await this.leave(folder);
    }
  }

  async close(): Promise<void> {
    await this.options.store.close();
  }

  private async fetch({ id, snapshot, manifest }: Backup, folder: string): Promise<void> {
    const { store, identity, signal } = this.options;
    const stored = this.stored.get(id);
    if (stored === undefined) throw new TypeError(`backup ${id} was not listed`);
    if (stored.encrypted && identity === undefined) {
      throw new LabError('LAB_BACKUP', `backup ${id} is encrypted, and nobody says where the secret key is`, {
        advice: 'name its file: --identity-file, or backups.identityFile in lab.yaml',
      });
    }
    await mkdir(folder, { mode: 0o700 });
    await requireSpace(folder, stored.sizeBytes + manifest.sizeBytes, `backup ${id}`);
    const encoded = path.join(folder, stored.name);
    await store.get(this.name(id, stored.name), encoded, { signal, expected: stored });
    const key = stored.encrypted ? identity : undefined;
    await decodeSnapshot(encoded, snapshot, { identity: key, sha256: manifest.sha256 }, signal);
    await rm(encoded, { force: true });
  }

  /** Removes what killed commands have left in the store, once it is old. */
  private async clean(objects: readonly ObjectInfo[]): Promise<void> {
    const { store, lab, signal } = this.options;
    const before = new Date(Date.now() - abandonedMs);
    await store.sweep(before, signal);
    const whole = new Set(objects.filter(({ name }) => name.endsWith('/manifest.json')).map(({ name }) => name));
    for (const id of idsOf(objects, lab)) {
      const own = objects.filter(({ name }) => name.startsWith(this.name(id, '')));
      if (whole.has(this.name(id, 'manifest.json')) || own.some(({ modifiedAt }) => modifiedAt > before)) continue;
      for (const { name } of own) await store.remove(name, signal);
    }
  }

  /** Makes the folder of this command, and removes those of commands that were killed. */
  private async prepareScratch(): Promise<void> {
    const { scratch } = this.options;
    await mkdir(this.scratch, { recursive: true, mode: 0o700 });
    for (const name of await readdir(scratch)) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1]);
      if (pid > 0 && !isRunning(pid)) await rm(path.join(scratch, name), { recursive: true, force: true });
    }
  }

  private async leave(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    // Fails while something else is in it, which is as it should be.
    await rmdir(this.scratch).catch(() => undefined);
  }

  private name(id: string, file: string): string {
    return `${this.options.lab}/${id}/${file}`;
  }

  private async write(id: string, file: string, document: unknown, replace: boolean): Promise<void> {
    const { store, signal } = this.options;
    await store.put(this.name(id, file), contentOfText(`${JSON.stringify(document, undefined, 2)}\n`), {
      signal,
      replace,
    });
  }

  private async read(id: string, names: ReadonlySet<string>): Promise<Backup> {
    const { store, signal } = this.options;
    const parse = async <T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> => {
      const name = this.name(id, file);
      if (!names.has(name)) return undefined;
      const text = await store.read(name, maxDocumentBytes, signal);
      if (text === undefined) return undefined;
      try {
        return schema.parse(JSON.parse(text.toString('utf8')));
      } catch (error) {
        throw new LabError('LAB_BACKUP', `${store.location}/${name} cannot be read`, {
          advice: `move it away, if it is none of etcdlab's`,
          cause: error,
        });
      }
    };
    const manifest = await parse('manifest.json', storedSchema);
    if (manifest === undefined) throw new LabError('LAB_BACKUP', `backup ${id} has just been removed by somebody else`);
    const { stored, ...own } = manifest;
    this.stored.set(id, stored);
    return {
      id,
      folder: `${store.location}/${this.name(id, '')}`,
      snapshot: path.join(this.scratch, id, 'snapshot.db'),
      manifest: own as unknown as SnapshotManifest,
      proofs: (await parse('proofs.json', z.array(proofSchema))) ?? [],
      kept: await parse('keep.json', keepSchema),
    };
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function idsOf(objects: readonly ObjectInfo[], lab: string): string[] {
  const ids = objects.map(({ name }) => name.slice(lab.length + 1).split('/')[0] as string);
  return [...new Set(ids)].filter((id) => idPattern.test(id));
}
