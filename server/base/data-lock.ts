/**
 * One process per data directory (contract: disk-and-peer §1.8). Two locks, because Node has neither flock(2) nor
 * fcntl(2); the operating system drops both when the process ends, however it ends, so none is ever left behind.
 *
 * `member/lock` keeps our own processes apart, and `WAL-DIR.lock` those that share a log which is elsewhere. SQLite,
 * which is part of Node, holds an fcntl lock on them; the files stay empty, and upstream ignores them.
 *
 * `member/snap/db` keeps upstream's etcd and etcdutl apart from us: they take a flock(2) on it. The program `flock` of
 * util-linux takes it for us on a file that we have opened and it inherits: such a lock belongs to the open file, not
 * to the process that asked for it, so it is ours until we close the file. Without that program, only the first lock is
 * there, and the log says so.
 */
import { spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { lockOwner } from './lock-owner.ts';
import type { Logger } from './logger.ts';

/** `flock` is told not to wait for the lock; this is for a machine that hardly moves. */
const flockTimeoutMs = 10_000;
const sqliteBusy = 5;

/** Thrown when the data directory cannot be locked. Nothing in it was changed. */
export class DataLockError extends Error {
  override readonly name = 'DataLockError';
}

export interface DataLockOptions {
  log: Logger;
  /** Where the log is, if not in the data directory. */
  walDir?: string;
  /** The program of util-linux, looked for in PATH. */
  flockProgram?: string;
}

export class DataLock {
  private readonly dataDir: string;
  private readonly walDir: string | undefined;
  private readonly log: Logger;
  private readonly flockProgram: string;
  /** One for the data directory, one for a log elsewhere. */
  private own: DatabaseSync[] = [];
  /** The database file that is locked, open. */
  private database: FileHandle | undefined;
  private hasWarned = false;

  /** Locks nothing yet. */
  constructor(dataDir: string, { log, walDir, flockProgram = 'flock' }: DataLockOptions) {
    this.dataDir = dataDir;
    this.walDir = walDir;
    this.log = log;
    this.flockProgram = flockProgram;
  }

  /**
   * Locks the directory, with the database that is in it and a log that is elsewhere, against every other process. Takes
   * about 1 ms, and some 10 ms more for the database. Makes the directory if it is not there.
   *
   * @throws DataLockError naming the directory and, where it can be found, the process that uses it
   */
  async take(): Promise<void> {
    if (this.own.length > 0) return;
    const member = path.join(this.dataDir, 'member');
    try {
      await this.lockOwn(member, 'lock', `data directory ${path.resolve(this.dataDir)}`, '--data-dir');
      if (this.walDir !== undefined) {
        // Beside it: a new log takes the place of the whole directory.
        const { dir, base } = path.parse(await realPath(this.walDir));
        await this.lockOwn(dir, `${base}.lock`, `log directory ${path.resolve(this.walDir)}`, '--wal-dir');
      }
      await this.lockDatabase(path.join(member, 'snap/db'));
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /**
   * Locks the database file, if it exists and is not locked by us already.
   *
   * @throws DataLockError when another process uses it
   */
  async lockDatabase(file: string): Promise<void> {
    if (!existsSync(file) || (await isSameFile(this.database, file))) return;
    const locked = await this.lockFile(file);
    await this.database?.close();
    this.database = locked;
  }

  /**
   * Puts another file in the place of the locked database, without a moment in which neither is locked.
   *
   * @param rename gives `file` the database's name
   * @throws what `rename` throws: the old file is the locked one then; DataLockError when another process uses `file`
   */
  async replaceDatabase(file: string, rename: () => Promise<void>): Promise<void> {
    const locked = await this.lockFile(file);
    try {
      await rename();
    } catch (error) {
      await locked?.close();
      throw error;
    }
    await this.database?.close();
    this.database = locked;
  }

  /** Lets other processes in. Close the files first. */
  async release(): Promise<void> {
    const { own, database } = this;
    this.own = [];
    this.database = undefined;
    await database?.close();
    for (const each of own) each.close();
  }

  /** @param what is locked, and the flag that names it: for the error */
  private async lockOwn(directory: string, name: string, what: string, flag: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = path.join(directory, name);
    // Created here and not by SQLite, which would let everybody read it.
    await (await open(file, 'a', 0o600)).close();
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      // An exclusive transaction that never writes: it is the lock, and leaves no journal.
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if ((error as { errcode?: number }).errcode === sqliteBusy) throw inUse(file, what, flag);
      throw new DataLockError(`cannot lock ${file}: ${(error as Error).message}. Put it on a file system with locks.`, {
        cause: error,
      });
    }
    this.own.push(database);
  }

  /** @returns undefined when the program is missing */
  private async lockFile(file: string): Promise<FileHandle | undefined> {
    const handle = await open(file, constants.O_RDWR);
    const outcome = await flock(this.flockProgram, handle.fd);
    if (outcome === 'locked') return handle;
    await handle.close();
    if (outcome === 'held') throw inUse(file, `data directory ${path.resolve(this.dataDir)}`, '--data-dir');
    if (!this.hasWarned) {
      this.log.warn('upstream etcd and etcdutl are not kept away from the data directory while it is in use', {
        'data-dir': this.dataDir,
        reason: outcome.unavailable,
      });
    }
    this.hasWarned = true;
    return undefined;
  }
}

/** A link to a directory is that directory; one that is not there yet is what its name says. */
async function realPath(directory: string): Promise<string> {
  return realpath(directory).catch(() => path.resolve(directory));
}

function inUse(file: string, what: string, flag: string): DataLockError {
  const owner = lockOwner(file) ?? 'another process';
  return new DataLockError(
    `${what} is in use by ${owner}. Two processes on it would destroy it: stop that one first, or name another ` +
      `${flag}. Nothing was changed.`,
  );
}

async function isSameFile(handle: FileHandle | undefined, file: string): Promise<boolean> {
  if (handle === undefined) return false;
  const [a, b] = await Promise.all([handle.stat(), stat(file)]);
  return a.ino === b.ino && a.dev === b.dev;
}

type FlockOutcome = 'locked' | 'held' | { readonly unavailable: string };

/** Locks an open file. util-linux and BusyBox both exit with 1 and say nothing when another process has the lock. */
async function flock(program: string, fd: number): Promise<FlockOutcome> {
  const child = spawn(program, ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd], timeout: flockTimeoutMs });
  const ended = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, error }));
    child.once('close', (code) => resolve({ code }));
  });
  const [{ code, error }, message] = await Promise.all([ended, text(child.stderr as NodeJS.ReadableStream)]);
  if (code === 0) return 'locked';
  if (code === 1 && message === '') return 'held';
  return { unavailable: error?.message ?? (message.trim() || `${program} ended with ${code}`) };
}
