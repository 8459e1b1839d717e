/**
 * The directory `member/snap`: raft's snapshots as `TERM-INDEX.snap`, and databases received from a leader as
 * `INDEX.snap.db` until the state machine takes them over (contract: disk-and-peer §3). The directory must exist.
 */
import path from 'node:path';
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import type { Snapshot } from '../proto/gen/raft.ts';
import { SnapError } from './snap-error.ts';
import { decodeSnapFile, encodeSnapFile } from './snap-file.ts';

export interface SnapshotterOptions {
  fs?: FileSystem;
  /** Told about files that were put aside. */
  onWarning?: (message: string) => void;
  /** Leaves damaged snapshots where they are, for one who only looks. Default: false. */
  keepBroken?: boolean;
  observe?: SnapObserver;
}

/** Gets the seconds that parts of saving took. */
export interface SnapObserver {
  /** Of a snapshot: to make its bytes of it, to make them durable, and all of it. */
  marshalled?(seconds: number): void;
  synced?(seconds: number): void;
  saved?(seconds: number): void;
  /** Of a received database: to make it durable, and all of it. */
  databaseSynced?(seconds: number): void;
  databaseSaved?(seconds: number): void;
}

interface SnapName {
  readonly name: string;
  readonly term: number;
  readonly index: number;
}

const snapPattern = /^([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;
const databasePattern = /^([0-9a-f]{16})\.snap\.db$/;
/** What a stop in the middle leaves behind: of this class, and of a defragmentation of the database. */
const temporaryPattern = /^(db\.)?tmp/;

export class Snapshotter {
  readonly directory: string;
  private readonly fs: FileSystem;
  private readonly onWarning: (message: string) => void;
  private readonly keepBroken: boolean;
  private readonly observe: SnapObserver;
  /** Tells files received at the same time apart. */
  private received = 0;

  constructor(directory: string, options: SnapshotterOptions = {}) {
    this.directory = directory;
    this.fs = options.fs ?? nodeFileSystem;
    this.onWarning = options.onWarning ?? (() => undefined);
    this.keepBroken = options.keepBroken ?? false;
    this.observe = options.observe ?? {};
  }

  /** Saves a snapshot durably. Record it in the log only afterwards. */
  async save(snapshot: Snapshot): Promise<void> {
    const { term, index } = snapshot.metadata;
    const name = `${hex16(term)}-${hex16(index)}.snap`;
    const total = stopwatch();
    const bytes = encodeSnapFile(snapshot);
    this.observe.marshalled?.(total());
    const synced = (seconds: number): void => this.observe.synced?.(seconds);
    await this.writeDurably(`tmp-${name}`, name, [bytes], Number.POSITIVE_INFINITY, synced);
    this.observe.saved?.(total());
  }

  /**
   * Loads the newest snapshot that is whole and that `accept` wants; damaged ones met on the way become `*.broken`.
   *
   * @param accept whether the log vouches for the snapshot at this index and term (`Wal.validSnapshots`)
   */
  async loadNewest(accept: (index: number, term: number) => boolean): Promise<Snapshot | undefined> {
    for (const { name, term, index } of (await this.snapshots()).reverse()) {
      if (!accept(index, term)) continue;
      const where = path.join(this.directory, name);
      const bytes = await this.read(where);
      try {
        return decodeNamed(bytes, where, term, index);
      } catch (error) {
        if (!(error instanceof SnapError)) throw error;
        if (this.keepBroken) {
          this.onWarning(`${error.message}. It is passed over`);
          continue;
        }
        await this.fs.rename(where, `${where}.broken`);
        this.onWarning(`${error.message}. It was renamed to ${name}.broken`);
      }
    }
    return undefined;
  }

  /**
   * Receives the database that belongs to the snapshot at `index`: it is there whole and durable, or not at all.
   *
   * @param sizeLimitBytes what is longer is refused; default: no limit
   * @throws SnapError SNAP_TOO_LARGE, and what reading `chunks` throws; nothing is left behind then
   */
  async saveDatabase(
    index: number,
    chunks: AsyncIterable<Uint8Array>,
    sizeLimitBytes = Number.POSITIVE_INFINITY,
  ): Promise<{ path: string; sizeBytes: number }> {
    const where = this.databasePath(index);
    const temporary = `tmp-${hex16(index)}-${this.received++}`;
    const total = stopwatch();
    const synced = (seconds: number): void => this.observe.databaseSynced?.(seconds);
    const sizeBytes = await this.writeDurably(temporary, path.basename(where), chunks, sizeLimitBytes, synced);
    this.observe.databaseSaved?.(total());
    return { path: where, sizeBytes };
  }

  /** Where the database of the snapshot at this index is, or would be. */
  databasePath(index: number): string {
    return path.join(this.directory, `${hex16(index)}.snap.db`);
  }

  hasDatabase(index: number): Promise<boolean> {
    return this.fs.exists(this.databasePath(index));
  }

  /**
   * Removes all but the newest snapshots, and all but the newest databases.
   *
   * @param keep how many of each; 0 removes nothing, as `--max-snapshots 0` says
   * @returns the names of the removed files
   */
  async purge(keep: number): Promise<string[]> {
    if (keep < 1) return [];
    const snapshots = (await this.snapshots()).slice(0, -keep);
    const databases = (await this.databases()).slice(0, -keep);
    return this.removeAll([...snapshots, ...databases].map(({ name }) => name));
  }

  /** Removes the databases of snapshots before this index, which a later one has made useless. */
  async removeDatabasesBelow(index: number): Promise<string[]> {
    const old = (await this.databases()).filter((database) => database.index < index);
    return this.removeAll(old.map(({ name }) => name));
  }

  /** Removes the database of the snapshot at this index, if it is there. */
  async removeDatabase(index: number): Promise<void> {
    if (await this.hasDatabase(index)) await this.fs.remove(this.databasePath(index));
  }

  /** Removes what a stop in the middle left behind. Call it at start, before anything is saved or received. */
  async removeTemporary(): Promise<string[]> {
    const names = await this.fs.list(this.directory);
    return this.removeAll(names.filter((name) => temporaryPattern.test(name)));
  }

  /** The snapshots by age, oldest first. */
  private async snapshots(): Promise<SnapName[]> {
    const names = await this.fs.list(this.directory);
    const found = names.flatMap((name) => {
      const [, term, index] = snapPattern.exec(name) ?? [];
      return term && index ? { name, term: Number.parseInt(term, 16), index: Number.parseInt(index, 16) } : [];
    });
    return found.sort((a, b) => a.term - b.term || a.index - b.index);
  }

  private async databases(): Promise<{ name: string; index: number }[]> {
    const names = await this.fs.list(this.directory);
    const found = names.flatMap((name) => {
      const [, index] = databasePattern.exec(name) ?? [];
      return index ? { name, index: Number.parseInt(index, 16) } : [];
    });
    return found.sort((a, b) => a.index - b.index);
  }

  private async removeAll(names: string[]): Promise<string[]> {
    for (const name of names) await this.fs.remove(path.join(this.directory, name));
    return names;
  }

  private async read(where: string): Promise<Uint8Array> {
    const file = await this.fs.open(where, 'read');
    try {
      const bytes = Buffer.allocUnsafeSlow(await file.size());
      return bytes.subarray(0, await file.read(bytes, 0));
    } finally {
      await file.close();
    }
  }

  /** Writes under the temporary name, syncs, renames and makes the name durable. @returns the size in bytes */
  private async writeDurably(
    temporary: string,
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    sizeLimitBytes: number,
    synced: (seconds: number) => void,
  ): Promise<number> {
    const from = path.join(this.directory, temporary);
    const to = path.join(this.directory, name);
    const file = await this.fs.open(from, 'create');
    try {
      const sizeBytes = await writeAll(file, chunks, sizeLimitBytes, to, synced);
      await this.fs.rename(from, to);
      await this.fs.syncDirectory(this.directory);
      return sizeBytes;
    } catch (error) {
      // The first error is the one to report; what cannot be removed now, `removeTemporary` will.
      await this.fs.remove(from).catch(() => undefined);
      throw error;
    }
  }
}

/** Writes all and syncs; closes the file in any case. */
async function writeAll(
  file: StorageFile,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sizeLimitBytes: number,
  target: string,
  synced: (seconds: number) => void,
): Promise<number> {
  let position = 0;
  try {
    for await (const chunk of chunks) {
      if (position + chunk.length > sizeLimitBytes) {
        throw new SnapError('SNAP_TOO_LARGE', `${target} would be larger than ${sizeLimitBytes} bytes; it is not kept`);
      }
      await file.write([chunk], position);
      position += chunk.length;
    }
    const sync = stopwatch();
    await file.datasync();
    synced(sync());
  } finally {
    await file.close();
  }
  return position;
}

/** @returns what tells the seconds since now */
function stopwatch(): () => number {
  const startMs = performance.now();
  return () => (performance.now() - startMs) / 1000;
}

function decodeNamed(bytes: Uint8Array, where: string, term: number, index: number): Snapshot {
  const snapshot = decodeSnapFile(bytes, where);
  const { metadata } = snapshot;
  if (metadata.term === term && metadata.index === index) return snapshot;
  const inside = `index ${metadata.index}, term ${metadata.term}`;
  throw new SnapError('SNAP_CORRUPT', `${where} holds the snapshot of ${inside}, not of what its name says`);
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}
