/** The database under a member's state machine: how it is opened, read at the start, and replaced by a received one. */
import path from 'node:path';
import { BoltBackend } from '../backend/bolt-backend.ts';
import { nodeFileSystem } from '../base/file-system.ts';
import { BoltError } from '../bolt/mod.ts';
import type { MemberConfig } from './config.ts';

/** Thrown when a member cannot start on its configuration or its data directory. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
}

/**
 * Gives a received database the name of the present one, durably, and never leaves the name to other processes. Neither
 * is open.
 */
export async function replaceDatabase(config: MemberConfig, received: string, file: string): Promise<void> {
  const { fs = nodeFileSystem, lock } = config;
  const rename = (): Promise<void> => fs.rename(received, file);
  await (lock === undefined ? rename() : lock.replaceDatabase(received, rename));
  await fs.syncDirectory(path.dirname(file));
}

/** Opens the database with the member's settings, locked. */
export async function openDatabase(config: MemberConfig, file: string): Promise<BoltBackend> {
  const backend = await openReceived(config, file);
  try {
    // One that was there was locked with the directory; this is for one that was created just now.
    await config.lock?.lockDatabase(file);
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}

/** As `openDatabase`, for a file that does not have the database's name yet: it is locked when it gets it. */
export async function openReceived(config: MemberConfig, file: string): Promise<BoltBackend> {
  const { lock } = config;
  return BoltBackend.open(file, {
    fs: config.fs ?? nodeFileSystem,
    batchIntervalMs: config.backendBatchIntervalMs,
    batchLimit: config.backendBatchLimit,
    // Both or neither: a log that is behind its database after a crash could not be trusted.
    sync: !config.unsafeNoFsync,
    onCommit: (seconds) => config.observe?.backendCommit?.(seconds),
    onSnapshot: (seconds) => config.observe?.backendSnapshot?.(seconds),
    onDefragment: (seconds) => config.observe?.defragment?.(seconds),
    onFailure: (error) => config.onDatabaseFailure(error as Error),
    ...(lock && { replaceFile: (replacement, rename) => lock.replaceDatabase(replacement, rename) }),
  });
}

/**
 * Reads state out of a database. Bolt says which file a damaged page is in; a damaged record within a sound page shows
 * only here.
 *
 * @throws BootstrapError naming the file; BoltError
 */
export function readState<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BoltError) throw error;
    throw new BootstrapError(
      `${file} is damaged: ${(error as Error).message}. Restore the member from a snapshot, or remove it from the cluster ` +
        'and add it anew.',
      { cause: error },
    );
  }
}
