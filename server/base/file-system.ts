/**
 * The few file operations that durable storage is made of. `wal/`, `snap/`, `bolt/` and `etcdutl` take one of these
 * instead of importing node:fs, so that tests can stop at any write or sync and lose what was not yet durable.
 */
import fs from 'node:fs';
import fsp from 'node:fs/promises';

/** An open file. Offsets and lengths are bytes. */
export interface StorageFile {
  /** Reads up to `target.length` bytes at `position`; fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** As `read`, on the calling thread: for a page that is very likely in the operating system's cache. */
  readSync(target: Uint8Array, position: number): number;
  /** Writes all of `chunks`, one behind the other, starting at `position`. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** As `write`, on the calling thread: for few bytes, which end in the operating system's cache. */
  writeSync(bytes: Uint8Array, position: number): void;
  /** Makes data and size durable (fdatasync). */
  datasync(): Promise<void>;
  /** As `datasync`, on the calling thread: for a disk that is known to be quick. */
  datasyncSync(): void;
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** `read`: existing file. `write`: existing file, also readable. `create`: new or emptied. `create-new`: fails if it exists. */
export type OpenMode = 'read' | 'write' | 'create' | 'create-new';

export interface FileSystem {
  /** @param mode permission bits of a created file; 0600 unless said otherwise */
  open(path: string, how: OpenMode, mode?: number): Promise<StorageFile>;
  /** @returns the names in the directory, sorted */
  list(directory: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Creates the directory and its parents, mode 0700; no error if it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Removes a directory with everything in it; no error if it is not there. */
  removeDirectory(path: string): Promise<void>;
  /** Makes created, renamed and removed names in the directory durable. */
  syncDirectory(path: string): Promise<void>;
}

const flags: Record<OpenMode, string> = { read: 'r', write: 'r+', create: 'w+', 'create-new': 'wx+' };

class NodeFile implements StorageFile {
  private readonly handle: fsp.FileHandle;
  private readonly path: string;

  /** @param path as it was opened, for errors */
  constructor(handle: fsp.FileHandle, path: string) {
    this.handle = handle;
    this.path = path;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await this.handle.read(target, done, target.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  readSync(target: Uint8Array, position: number): number {
    let done = 0;
    while (done < target.length) {
      const bytesRead = fs.readSync(this.handle.fd, target, done, target.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.named(this.writeAll(chunks, position));
  }

  private async writeAll(chunks: readonly Uint8Array[], position: number): Promise<void> {
    // writev takes at most IOV_MAX (1,024) buffers a call.
    let offset = position;
    for (let i = 0; i < chunks.length; i += 1024) {
      const batch = chunks.slice(i, i + 1024);
      const total = batch.reduce((sum, chunk) => sum + chunk.length, 0);
      const { bytesWritten } = await this.handle.writev(batch, offset);
      if (bytesWritten < total) {
        const rest = Buffer.concat(batch).subarray(bytesWritten);
        for (let done = 0; done < rest.length; ) {
          done += (await this.handle.write(rest, done, rest.length - done, offset + bytesWritten + done)).bytesWritten;
        }
      }
      offset += total;
    }
  }

  writeSync(bytes: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += fs.writeSync(this.handle.fd, bytes, done, bytes.length - done, position + done);
      }
    } catch (error) {
      throw this.withPath(error);
    }
  }

  datasync(): Promise<void> {
    return this.named(this.handle.datasync());
  }

  datasyncSync(): void {
    try {
      fs.fdatasyncSync(this.handle.fd);
    } catch (error) {
      throw this.withPath(error);
    }
  }

  truncate(size: number): Promise<void> {
    return this.named(this.handle.truncate(size));
  }

  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async named<T>(operation: Promise<T>): Promise<T> {
    try {
      return await operation;
    } catch (error) {
      throw this.withPath(error);
    }
  }

  /** Node's errors name the path of a file only where it was given one; a full disk is met on open files. */
  private withPath(error: unknown): unknown {
    if (error instanceof Error) error.message += ` '${this.path}'`;
    return error;
  }
}

/** The real file system, on Node's thread pool. */
export const nodeFileSystem: FileSystem = {
  async open(path, how, mode = 0o600) {
    return new NodeFile(await fsp.open(path, flags[how], mode), path);
  },
  async list(directory) {
    return (await fsp.readdir(directory)).sort();
  },
  async exists(path) {
    return fs.existsSync(path);
  },
  rename: fsp.rename,
  remove: fsp.unlink,
  async makeDirectory(path) {
    await fsp.mkdir(path, { recursive: true, mode: 0o700 });
  },
  async removeDirectory(path) {
    await fsp.rm(path, { recursive: true, force: true });
  },
  async syncDirectory(path) {
    const handle = await fsp.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
