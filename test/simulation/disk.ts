/** A machine's disk: files that survive the process, with the time that a disk takes and the faults that it has. */
import type { FileSystem, OpenMode, StorageFile } from '../../server/base/file-system.ts';
import { CrashFileSystem } from '../../server/base/testing/crash-file-system.ts';
import type { Prng } from '../../server/raft/testing/prng.ts';
import type { Owner, VirtualTime } from './virtual-time.ts';

/** Longest durations in milliseconds; each operation takes some of it. */
const longestMs = { read: 0.1, write: 0.5, sync: 4 };
type Kind = keyof typeof longestMs;

/**
 * Virtual time stands still while a process has its turn. A sync on the calling thread therefore holds the process up
 * behind it, but the log that times it sees 0 ms: to its `DiskPace` this disk is quick, however slow it is.
 */
export class SimulatedDisk {
  /** How many times slower than a healthy disk. */
  slowness = 1;
  /** The next sync fails, and nobody knows what of the file is on the disk. */
  failNextSync = false;
  private files: CrashFileSystem;
  private readonly time: VirtualTime;
  private readonly prng: Prng;
  private readonly holdUp: (durationMs: number) => void;

  /** @param holdUp stops the process that waits for the disk on its only thread */
  constructor(time: VirtualTime, prng: Prng, holdUp: (durationMs: number) => void) {
    this.time = time;
    this.prng = prng;
    this.holdUp = holdUp;
    this.files = this.empty();
  }

  /** The power fails: of what was not synced some is there, in parts of a sector's size, and some is not. */
  losePower(): void {
    this.files = this.files.reboot({ seed: this.prng.int(2 ** 31) });
    this.slowness = 1;
    this.failNextSync = false;
  }

  /** The files as a process on this machine sees them, until it ends. */
  mount(owner: Owner): FileSystem {
    const { files } = this;
    const read = <T>(work: () => Promise<T>): Promise<T> => this.take('read', owner, work);
    // What is under way when the power fails may have happened, in part or in whole: so it begins at once.
    const change = (work: () => Promise<void>): Promise<void> => {
      const begun = work();
      begun.catch(() => undefined);
      return this.take('write', owner, () => begun);
    };
    return {
      open: async (where: string, how: OpenMode, mode?: number) => {
        const file = await read(() => files.open(where, how, mode));
        return this.wrap(file, read, change, owner);
      },
      list: (where) => read(() => files.list(where)),
      exists: (where) => read(() => files.exists(where)),
      rename: (from, to) => change(() => files.rename(from, to)),
      remove: (where) => change(() => files.remove(where)),
      makeDirectory: (where) => change(() => files.makeDirectory(where)),
      removeDirectory: (where) => change(() => files.removeDirectory(where)),
      syncDirectory: (where) => this.sync(owner, () => files.syncDirectory(where)),
    };
  }

  private wrap(
    file: StorageFile,
    read: <T>(work: () => Promise<T>) => Promise<T>,
    change: (work: () => Promise<void>) => Promise<void>,
    owner: Owner,
  ): StorageFile {
    return {
      read: (target, position) => read(() => file.read(target, position)),
      readSync: (target, position) => file.readSync(target, position),
      write: (chunks, position) => change(() => file.write(chunks, position)),
      writeSync: (bytes, position) => file.writeSync(bytes, position),
      datasyncSync: () => {
        this.holdUp(this.durationMs('sync'));
        this.failSyncIfTold();
        file.datasyncSync();
      },
      truncate: (size) => change(() => file.truncate(size)),
      datasync: () => this.sync(owner, () => file.datasync()),
      size: () => read(() => file.size()),
      close: () => file.close(),
    };
  }

  private sync(owner: Owner, work: () => Promise<void>): Promise<void> {
    return this.take('sync', owner, async () => {
      this.failSyncIfTold();
      await work();
    });
  }

  private failSyncIfTold(): void {
    if (!this.failNextSync) return;
    this.failNextSync = false;
    throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  }

  /** Does it after the time that the disk takes, unless the process has ended by then. */
  private take<T>(kind: Kind, owner: Owner, work: () => Promise<T>): Promise<T> {
    const delayMs = this.durationMs(kind);
    return new Promise((resolve, reject) => {
      this.time.after(delayMs, owner, () => work().then(resolve, reject));
    });
  }

  private durationMs(kind: Kind): number {
    return longestMs[kind] * this.slowness * this.prng.next();
  }

  private empty(): CrashFileSystem {
    return new CrashFileSystem({ seed: this.prng.int(2 ** 31) });
  }
}
