/** A disk of a few megabytes, to be filled: a tmpfs, which takes the right to mount. */
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const blockBytes = 4096;

export class SmallDisk {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @returns undefined where this process may not mount */
  static mount(sizeMegabytes: number): SmallDisk | undefined {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m,mode=700`, 'tmpfs', directory], {
        stdio: 'ignore',
      });
      return new SmallDisk(directory);
    } catch {
      rmdirSync(directory);
      return undefined;
    }
  }

  /** Whether this process may mount. */
  static isPossible(): boolean {
    const disk = SmallDisk.mount(1);
    disk?.unmount();
    return disk !== undefined;
  }

  private get ballast(): string {
    return path.join(this.directory, 'ballast');
  }

  /** Takes all room there is, to the last block, but what is to be left. */
  fill(leftMegabytes = 0): void {
    const file = openSync(this.ballast, 'a');
    try {
      for (let size = 1024 * 1024; size >= blockBytes; ) {
        try {
          if (writeSync(file, Buffer.alloc(size)) < size) size /= 2;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          size /= 2;
        }
      }
      ftruncateSync(file, fstatSync(file).size - leftMegabytes * 1024 * 1024);
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.ballast, { force: true });
  }

  /** Nothing may have a file open on it. */
  unmount(): void {
    execFileSync('umount', [this.directory]);
    rmdirSync(this.directory);
  }
}
