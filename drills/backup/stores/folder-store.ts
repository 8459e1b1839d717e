/** A store in a folder of this machine, such as one that a file server is mounted at. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { LabError, messageOf, throwIfInterrupted } from '../../../toolkit/errors.ts';
import { syncDirectory } from '../../../toolkit/hosts/atomic-file.ts';
import {
  type Content,
  type Digest,
  type GetOptions,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
  partSuffix,
  requireObjectName,
} from './object-store.ts';
import { receiveFile } from './receive.ts';
import { isAnother, isMissing, isThereAlready, isTooLarge, localError } from './store-error.ts';

export class FolderStore implements ObjectStore {
  readonly location: string;

  /** @param folder absolute; must be there: an empty mount point is not taken for a store that is empty */
  constructor(folder: string) {
    this.location = folder;
  }

  async put(name: string, content: Content, { signal, replace = false }: PutOptions): Promise<void> {
    const target = this.file(name);
    await this.requireFolder();
    const part = `${target}.${randomUUID()}${partSuffix}`;
    try {
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      await this.write(part, name, content, signal);
      if (replace) await rename(part, target);
      // Unlike a renaming, a link never takes the place of what is there.
      else await link(part, target);
      await syncDirectory(path.dirname(target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw isThereAlready(this.location, name);
      throw localError(error, target);
    } finally {
      await rm(part, { force: true });
    }
  }

  private async write(part: string, name: string, content: Content, signal: AbortSignal): Promise<void> {
    const handle = await open(part, 'wx', 0o600);
    const hash = createHash('sha256');
    try {
      for await (const chunk of content.open()) {
        throwIfInterrupted(signal);
        await handle.writeFile(chunk as Buffer);
        hash.update(chunk as Buffer);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    const sha256 = hash.digest('hex');
    if (sha256 !== content.sha256) throw isAnother(this.location, name, `its SHA-256 is ${sha256}`);
  }

  async get(name: string, file: string, options: GetOptions): Promise<Digest> {
    const source = this.file(name);
    await stat(source).catch((error: unknown) => {
      throw this.explain(error, name);
    });
    return receiveFile(
      {
        location: this.location,
        name,
        open: async (start) => createReadStream(source, { start }),
        explain: (error) => this.explain(error, name),
      },
      file,
      options,
    );
  }

  async read(name: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const file = this.file(name);
    try {
      if ((await stat(file)).size > maxBytes) throw isTooLarge(this.location, name, maxBytes);
      return await readFile(file, { signal });
    } catch (error) {
      throwIfInterrupted(signal);
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw this.explain(error, name);
    }
  }

  async list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]> {
    await this.requireFolder();
    return (await this.files(signal)).filter(({ name }) => name.startsWith(prefix) && !name.endsWith(partSuffix));
  }

  async remove(name: string, _signal: AbortSignal): Promise<void> {
    const file = this.file(name);
    try {
      await rm(file, { force: true });
      // Fails while others are in it, which is as it should be.
      await rmdir(path.dirname(file)).catch(() => undefined);
    } catch (error) {
      throw localError(error, file);
    }
  }

  async sweep(before: Date, signal: AbortSignal): Promise<number> {
    const left = (await this.files(signal)).filter(
      ({ name, modifiedAt }) => name.endsWith(partSuffix) && modifiedAt < before,
    );
    for (const { name } of left) await rm(path.join(this.location, name), { force: true });
    return left.length;
  }

  async close(): Promise<void> {}

  private file(name: string): string {
    requireObjectName(name);
    return path.join(this.location, name);
  }

  private async files(signal: AbortSignal): Promise<ObjectInfo[]> {
    const entries = await readdir(this.location, { recursive: true, withFileTypes: true });
    const found: ObjectInfo[] = [];
    for (const entry of entries) {
      throwIfInterrupted(signal);
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const info = await stat(file).catch(() => undefined);
      const name = path.relative(this.location, file).split(path.sep).join('/');
      if (info !== undefined) found.push({ name, sizeBytes: info.size, modifiedAt: info.mtime });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private async requireFolder(): Promise<void> {
    const info = await stat(this.location).catch(() => undefined);
    if (info?.isDirectory() === true) return;
    throw new LabError('LAB_STORE_MISSING', `${this.location}, the store of the backups, is no folder`, {
      advice: `make it, or mount what belongs there: mkdir -m 700 ${this.location}`,
    });
  }

  private explain(error: unknown, name: string): unknown {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return isMissing(this.location, name);
    if (error instanceof LabError) return error;
    const explained = localError(error, path.join(this.location, name));
    if (explained !== error) return explained;
    return new LabError('LAB_STORE', `${name} in ${this.location} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
