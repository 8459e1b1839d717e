/** `etcdutl hashkv`: the hash that members compare their keys by, of a file (contract: cli §7, api.md §2.8). */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BoltBackend } from '../backend/bolt-backend.ts';
import { nodeFileSystem } from '../base/file-system.ts';
import { goJson } from '../base/go-json.ts';
import { boxTable } from '../cli/box-table.ts';
import type { Command, Invocation } from '../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../cli/exit-error.ts';
import { flag } from '../cli/flag-set.ts';
import { requireStatusFormat } from '../cli/snapshot-status-text.ts';
import { EtcdError } from '../errors/etcd-error.ts';
import { MvccStore } from '../mvcc/mod.ts';
import { SnapshotError } from './snapshot-error.ts';
import {
  openDatabase,
  openSnapshotFile,
  readSnapshotFile,
  requireDatabaseSize,
  requireMatch,
} from './snapshot-file.ts';

export interface FileHashKv {
  readonly hash: number;
  /** The revision up to which the hash reaches. */
  readonly hashRevision: number;
  readonly compactRevision: number;
}

export const hashKvCommand: Command = {
  name: 'hashkv',
  argumentsUsage: '<filename>',
  short: 'Prints the hash of the keys in a snapshot or a database that no member uses',
  flags: [flag.int64('rev', 0n, 'up to this revision; all if not given')],
  run: runHashKv,
};

async function runHashKv({ args, flags, io }: Invocation): Promise<number> {
  const [file] = args;
  if (file === undefined || args.length > 1) throw badArgs('hashkv requires exactly one argument');
  const format = flags.string('write-out');
  requireStatusFormat(format);
  try {
    io.stdout.write(hashKvText(format, await fileHashKv(file, flags.integer('rev'))));
  } catch (error) {
    if (!(error instanceof SnapshotError) && !(error instanceof EtcdError)) throw error;
    throw new ExitError(ExitCode.Error, error.message, error);
  }
  return ExitCode.Success;
}

/**
 * Opens a copy, since opening a database takes up compactions that were interrupted: the file stays as it is.
 *
 * @param revision 0 for all
 * @param compactRevision as if the store had been compacted there, to compare it with one that has been
 * @throws SnapshotError when the file is damaged; EtcdError when the revision is compacted or still to come
 */
export async function fileHashKv(file: string, revision: number, compactRevision = -1): Promise<FileHashKv> {
  const work = await mkdtemp(path.join(os.tmpdir(), 'etcdutl-hashkv-'));
  try {
    const copy = path.join(work, 'db');
    await copyDatabase(file, copy);
    const backend = await BoltBackend.open(copy, {});
    const store = new MvccStore(backend);
    try {
      store.restore();
      if (compactRevision > store.compactRevision) await store.compact(compactRevision).done;
      const found = store.hashKv(revision);
      const hashRevision = revision > 0 ? revision : found.currentRevision;
      return { hash: found.hash, hashRevision, compactRevision: found.compactRevision };
    } finally {
      await store.close();
      await backend.close();
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function copyDatabase(file: string, copy: string): Promise<void> {
  const snapshot = await openSnapshotFile(file, nodeFileSystem, 'stat');
  const { databaseBytes: sizeBytes } = snapshot;
  try {
    requireDatabaseSize(snapshot);
    const target = await nodeFileSystem.open(copy, 'create-new', 0o600);
    try {
      const write = async (chunk: Uint8Array, position: number): Promise<void> => {
        if (position < sizeBytes) await target.write([chunk.subarray(0, sizeBytes - position)], position);
      };
      requireMatch(file, await readSnapshotFile(snapshot, write));
    } finally {
      await target.close();
    }
  } finally {
    await snapshot.file.close();
  }
  // Every page is read before anything is made of them.
  await (await openDatabase(copy, file, { fs: nodeFileSystem, readOnly: true, sizeBytes })).close();
}

function hashKvText(format: string, { hash, hashRevision, compactRevision }: FileHashKv): string {
  const row = [hash, hashRevision, compactRevision].map(String);
  if (format === 'json') return `${goJson({ hash, hashRevision, compactRevision })}\n`;
  if (format === 'fields') {
    return `"Hash" : ${row[0]}\n"Hash revision" : ${row[1]}\n"Compact revision" : ${row[2]}\n`;
  }
  return format === 'table' ? boxTable(['hash', 'hash revision', 'compact revision'], [row]) : `${row.join(', ')}\n`;
}
