/** A store in a folder of another machine, over SFTP. */
import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { Readable } from 'node:stream';
import { LabError, messageOf, throwIfInterrupted } from '../../../toolkit/errors.ts';
import type { SshConnection } from '../../../toolkit/hosts/ssh/connection.ts';
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
import { receiveBytes, receiveFile } from './receive.ts';
import { SftpSession, SftpStatus } from './sftp-session.ts';
import {
  isAnother,
  isFull,
  isMissing,
  isThereAlready,
  isTooLarge,
  persistently,
  TransientError,
  unreachable,
} from './store-error.ts';

/** Requests that are on their way at the same time, of this size. */
const maxInFlight = 16;
const pieceBytes = 32 * 1024;
/** A disk with less than this has no room. */
const littleBytes = 64 * 1024;
/** Of the folders within the store: lab, backup, and what they hold. */
const maxDepth = 8;

export class SftpStore implements ObjectStore {
  readonly location: string;
  private readonly connection: SshConnection;
  private readonly folder: string;
  private current: Promise<SftpSession> | undefined;

  /** @param folder absolute; must be there. @param connection is closed with the store */
  constructor(connection: SshConnection, folder: string, location: string) {
    this.connection = connection;
    this.folder = folder;
    this.location = location;
  }

  async put(name: string, content: Content, { signal, replace = false }: PutOptions): Promise<void> {
    const target = this.file(name);
    await this.persistently(signal, name, async (session) => {
      await this.makeFolders(session, path.posix.dirname(target));
      const part = `${target}.${randomUUID()}${partSuffix}`;
      try {
        await this.upload(session, part, name, content, signal);
        if (replace) await session.replace(part, target);
        else await this.moveInto(session, part, target, name, content);
      } catch (error) {
        await session.remove(part).catch(() => undefined);
        throw error;
      }
    });
  }

  /** A renaming whose answer was lost is met again when it is repeated: then just this content is there. */
  private async moveInto(session: SftpSession, part: string, target: string, name: string, content: Content) {
    const there = await session.stat(target).catch(() => undefined);
    if (there === undefined) return session.rename(part, target);
    if (there.size !== content.sizeBytes || (await this.sha256Of(session, target)) !== content.sha256) {
      throw isThereAlready(this.location, name);
    }
    await session.remove(part);
  }

  private async sha256Of(session: SftpSession, file: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const chunk of readAhead(session, file, 0)) hash.update(chunk);
    return hash.digest('hex');
  }

  private async upload(session: SftpSession, part: string, name: string, content: Content, signal: AbortSignal) {
    const handle = await session.open(part, 'wx', { mode: 0o600 } as never);
    const hash = createHash('sha256');
    const inFlight: Promise<void>[] = [];
    let offset = 0;
    try {
      for await (const chunk of content.open()) {
        hash.update(chunk as Buffer);
        for (let start = 0; start < (chunk as Buffer).length; start += pieceBytes) {
          throwIfInterrupted(signal);
          const piece = (chunk as Buffer).subarray(start, start + pieceBytes);
          const writing = session.write(handle, piece, offset);
          // What fails meanwhile is thrown when its turn comes.
          writing.catch(() => undefined);
          inFlight.push(writing);
          offset += piece.length;
          if (inFlight.length >= maxInFlight) await inFlight.shift();
        }
      }
      await Promise.all(inFlight);
      await session.sync(handle);
    } finally {
      await session.closeFile(handle).catch(() => undefined);
    }
    const sha256 = hash.digest('hex');
    if (sha256 !== content.sha256) throw isAnother(this.location, name, `its SHA-256 is ${sha256}`);
    const { size } = await session.stat(part);
    if (size !== content.sizeBytes)
      throw isAnother(this.location, name, `${size} of ${content.sizeBytes} bytes arrived`);
  }

  async get(name: string, file: string, options: GetOptions): Promise<Digest> {
    const source = this.file(name);
    const explain = (error: unknown) => this.explain(error, name);
    const open = async (offset: number): Promise<Readable> => {
      const session = await this.session();
      await session.stat(source).catch(async (error: unknown) => {
        throw await explain(error);
      });
      return Readable.from(readAhead(session, source, offset), { objectMode: false, highWaterMark: pieceBytes });
    };
    return receiveFile({ location: this.location, name, open, explain }, file, options);
  }

  async read(name: string, maxBytes: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const source = this.file(name);
    return this.persistently(signal, name, async (session) => {
      const info = await session.stat(source).catch(undefinedIfMissing);
      if (info === undefined) return undefined;
      const stream = Readable.from(readAhead(session, source, 0), { objectMode: false });
      const tooLarge = isTooLarge(this.location, name, maxBytes);
      return receiveBytes(stream, maxBytes, signal, { explain: (error) => error, tooLarge });
    });
  }

  async list(prefix: string, signal: AbortSignal): Promise<ObjectInfo[]> {
    const found = await this.files(signal);
    return found.filter(({ name }) => name.startsWith(prefix) && !name.endsWith(partSuffix));
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const file = this.file(name);
    await this.persistently(signal, name, async (session) => {
      await session.remove(file).catch(undefinedIfMissing);
      // Fails while others are in it, which is as it should be.
      await session.removeDirectory(path.posix.dirname(file)).catch(() => undefined);
    });
  }

  async sweep(before: Date, signal: AbortSignal): Promise<number> {
    const left = (await this.files(signal)).filter(
      ({ name, modifiedAt }) => name.endsWith(partSuffix) && modifiedAt < before,
    );
    await this.persistently(signal, '', async (session) => {
      for (const { name } of left) {
        await session.remove(path.posix.join(this.folder, name)).catch(undefinedIfMissing);
      }
    });
    return left.length;
  }

  async close(): Promise<void> {
    const session = await this.current?.catch(() => undefined);
    this.current = undefined;
    session?.end();
    await this.connection.close();
  }

  private files(signal: AbortSignal): Promise<ObjectInfo[]> {
    return this.persistently(signal, '', async (session) => {
      await this.requireFolder(session);
      const found: ObjectInfo[] = [];
      const visit = async (folder: string, depth: number): Promise<void> => {
        throwIfInterrupted(signal);
        const entries = (await session.list(path.posix.join(this.folder, folder)).catch(undefinedIfMissing)) ?? [];
        for (const { filename, attrs } of entries) {
          const name = path.posix.join(folder, filename);
          if (filename === '.' || filename === '..') continue;
          if (attrs.isDirectory() && depth < maxDepth) await visit(name, depth + 1);
          if (attrs.isFile()) found.push({ name, sizeBytes: attrs.size, modifiedAt: new Date(attrs.mtime * 1000) });
        }
      };
      await visit('', 0);
      return found.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  private async makeFolders(session: SftpSession, folder: string): Promise<void> {
    await this.requireFolder(session);
    for (let at = this.folder; at !== folder; ) {
      const [next = ''] = path.posix.relative(at, folder).split('/');
      at = path.posix.join(at, next);
      if ((await session.stat(at).catch(undefinedIfMissing)) !== undefined) continue;
      await session.makeDirectory(at).catch(async (error: unknown) => {
        // Somebody else may have made it meanwhile.
        if ((await session.stat(at).catch(() => undefined)) === undefined) throw error;
      });
    }
  }

  private async requireFolder(session: SftpSession): Promise<void> {
    const info = await session.stat(this.folder).catch(undefinedIfMissing);
    if (info?.isDirectory() === true) return;
    throw new LabError('LAB_STORE_MISSING', `${this.location}: there is no such folder`, {
      advice: 'make it there, mode 700, or correct backups.store in lab.yaml',
    });
  }

  private file(name: string): string {
    requireObjectName(name);
    return path.posix.join(this.folder, name);
  }

  private async session(): Promise<SftpSession> {
    const known = await this.current?.catch(() => undefined);
    if (known !== undefined && !known.isOver) return known;
    this.current = this.connect();
    return this.current;
  }

  private async connect(): Promise<SftpSession> {
    try {
      return new SftpSession(await this.connection.sftp());
    } catch (error) {
      throw error instanceof LabError && error.code === 'LAB_HOST_UNREACHABLE' ? this.lost(error) : error;
    }
  }

  private persistently<T>(signal: AbortSignal, name: string, work: (session: SftpSession) => Promise<T>): Promise<T> {
    return persistently(signal, async () => {
      try {
        return await work(await this.session());
      } catch (error) {
        throw await this.explain(error, name);
      }
    });
  }

  /** @returns the error in the codes of `ObjectStore`; a TransientError where another try may succeed */
  private async explain(error: unknown, name: string): Promise<unknown> {
    if (error instanceof LabError || error instanceof TransientError) return error;
    const { code } = error as { code?: unknown };
    if (code === SftpStatus.noSuchFile) return isMissing(this.location, name);
    if (code === SftpStatus.permissionDenied) {
      return new LabError('LAB_STORE_ACCESS', `${this.location} does not allow it: ${name}: ${messageOf(error)}`, {
        advice: 'check who owns the folder there, and that it can be written to',
        cause: error,
      });
    }
    if (typeof code !== 'number') {
      const session = await this.current?.catch(() => undefined);
      // What is read here, and sent there, has its own errors.
      return session === undefined || session.isOver ? this.lost(error) : error;
    }
    // SFTP has no word for a full disk.
    const free = await this.session()
      .then((session) => session.freeBytes(this.folder))
      .catch(() => undefined);
    if (free !== undefined && free < littleBytes) return isFull(this.location, error);
    return new LabError('LAB_STORE', `${this.location}: ${name}: ${messageOf(error)}`, {
      advice: 'look whether its disk is full or broken',
      cause: error,
    });
  }

  private lost(error: unknown): TransientError {
    return new TransientError(unreachable(this.location, error));
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== SftpStatus.noSuchFile) throw error;
}

/** Reads a file with many requests on their way: one after the other, each would wait for the network. */
async function* readAhead(session: SftpSession, file: string, from: number): AsyncGenerator<Buffer> {
  const { size } = await session.stat(file);
  const handle = await session.open(file, 'r');
  const pieces: Promise<Buffer>[] = [];
  try {
    for (let offset = from; offset < size || pieces.length > 0; ) {
      for (; offset < size && pieces.length < maxInFlight; offset += pieceBytes) {
        const piece = readPiece(session, handle, offset, Math.min(pieceBytes, size - offset));
        // What fails meanwhile is thrown when its turn comes.
        piece.catch(() => undefined);
        pieces.push(piece);
      }
      yield (await pieces.shift()) as Buffer;
    }
  } finally {
    await session.closeFile(handle).catch(() => undefined);
  }
}

async function readPiece(session: SftpSession, handle: Buffer, offset: number, sizeBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let done = 0; done < sizeBytes; ) {
    const part = await session.read(handle, offset + done, sizeBytes - done);
    if (part.length === 0) break;
    parts.push(part);
    done += part.length;
  }
  return Buffer.concat(parts);
}
