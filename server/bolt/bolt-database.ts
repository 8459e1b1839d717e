/** A database file in bbolt's format: one writer, any number of readers, copy-on-write pages. */
import path from 'node:path';
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import { inSlices } from '../base/slices.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { writeDatabase } from './bulk-writer.ts';
import type { ChangeSet } from './change-set.ts';
import { CommitQueue } from './commit-queue.ts';
import { defaultPageSize } from './format.ts';
import { FreePages } from './free-pages.ts';
import { defaultChunkBytes, readImage } from './image.ts';
import { readMeta } from './open-meta.ts';
import { Pager } from './pager.ts';
import { type SealedTransaction, seal } from './seal.ts';
import { State } from './state.ts';
import { ReadTx, type TransactionOwner, WriteTx } from './transaction.ts';
import { type LeafVisitor, TreeWalk } from './tree-walk.ts';

const defaultPageCacheBytes = 64 * 1024 * 1024;
const defaultGrowthBytes = 16 * 1024 * 1024;

export interface OpenOptions {
  fs?: FileSystem;
  readOnly?: boolean;
  /** Make an empty database if there is no file, or an empty one. */
  create?: boolean;
  /** Memory for pages read from the file. */
  pageCacheBytes?: number;
  /** Of a file that is created; an existing file knows its own. */
  pageSize?: number;
  /** The file grows in steps of this size, so that not every commit changes its length. */
  growthBytes?: number;
  /** How much of the file counts: all of it but the SHA-256 of a snapshot file, for example. With `readOnly` only. */
  sizeBytes?: number;
  /** False: never sync; a crash may lose the file. */
  sync?: boolean;
  /** Goes along when the pages are read. What it has seen is of use only when the database is opened. */
  visitor?: LeafVisitor;
}

export class BoltDatabase implements TransactionOwner {
  private readonly pager: Pager;
  private readonly fs: FileSystem;
  private readonly readOnly: boolean;
  private readonly free: FreePages;
  private readonly queue: CommitQueue;
  /** The state of the last sealed transaction. */
  private state: State;
  /** The last transaction that is durable. */
  private durableTxid: number;
  private writer: WriteTx | undefined;
  /** Open readers by the transaction that they see. */
  private readonly readers = new Map<number, number>();
  private failure: BoltError | undefined;
  private closed = false;
  private onUnread: (() => void) | undefined;

  private constructor(pager: Pager, fileBytes: number, state: State, free: FreePages, options: OpenOptions) {
    this.pager = pager;
    this.fs = options.fs ?? nodeFileSystem;
    this.readOnly = options.readOnly ?? false;
    this.free = free;
    this.state = state;
    this.durableTxid = state.meta.txid;
    this.queue = new CommitQueue({
      file: pager.file,
      fileBytes,
      growthBytes: options.growthBytes ?? defaultGrowthBytes,
      sync: options.sync ?? true,
      onDurable: (transaction) => this.onDurable(transaction),
      onFailure: (cause) => this.fail(cause),
    });
  }

  /**
   * Opens a file at its last durable transaction. It reads every page in use once, in slices, to find the free ones and
   * to refuse a file whose tree is damaged; a file may still hold damage within values, which only etcd's hashes show.
   *
   * Nothing keeps a second process from opening the same file for writing: that is up to the caller.
   *
   * @throws BoltError BOLT_NOT_FOUND, BOLT_NOT_A_DATABASE, BOLT_TRUNCATED, BOLT_CORRUPT, BOLT_UNSUPPORTED, BOLT_IO
   */
  static async open(where: string, options: OpenOptions = {}): Promise<BoltDatabase> {
    const file = await openFile(where, options);
    try {
      const fileBytes = options.sizeBytes ?? (await file.size());
      const { meta } = await readMeta(where, file, fileBytes);
      const pager = new Pager(where, file, meta.pageSize, options.pageCacheBytes ?? defaultPageCacheBytes);
      const fail = (error: BoltError): never => {
        throw error;
      };
      const walk = new TreeWalk(pager, meta, fail, options.visitor);
      await inSlices(walk.steps());
      if (meta.freeList !== undefined) {
        const { overflow } = pager.firstPage(meta.freeList, meta.highWater).header;
        if (!walk.mark(meta.freeList, 1 + overflow)) {
          throw pager.corrupt(meta.freeList, 'the free list lies on a page that is in use');
        }
      }
      // A process that was killed may have left a transaction that only the cache has. Its predecessor's pages are free
      // to be written over only when that transaction is durable.
      if (!options.readOnly && (options.sync ?? true)) await file.datasync();
      const free = new FreePages(meta.highWater);
      free.add(walk.unreached());
      return new BoltDatabase(pager, fileBytes, new State(pager, meta, walk.buckets), free, options);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get path(): string {
    return this.pager.path;
  }

  get pageSize(): number {
    return this.pager.pageSize;
  }

  /** The last sealed transaction. */
  get txid(): number {
    return this.state.meta.txid;
  }

  /** Bytes of all pages that have ever been in use. The file itself is longer, as it grows in steps. */
  sizeBytes(): number {
    return this.state.sizeBytes;
  }

  /** Pages that hold nothing, those included that become free once a commit is durable or a reader closes. */
  freePageCount(): number {
    return this.free.count + this.free.pending;
  }

  /** Readers that are open. */
  openReaderCount(): number {
    return this.readers.values().reduce((sum, count) => sum + count, 0);
  }

  /** Begins the one writing transaction, on top of all sealed ones. @throws BoltError BOLT_TX_OPEN, BOLT_READ_ONLY */
  begin(): WriteTx {
    this.checkUsable();
    if (this.readOnly) throw new BoltError(BoltCode.ReadOnly, this.path, 'the file is open for reading only');
    if (this.writer !== undefined) {
      throw new BoltError(BoltCode.TransactionOpen, this.path, 'a writing transaction is open already');
    }
    this.writer = new WriteTx(this.state, this, {
      commit: (changes) => this.commit(changes),
      rollback: () => {
        this.writer = undefined;
      },
    });
    return this.writer;
  }

  /** Freezes the last sealed transaction for reading. */
  view(): ReadTx {
    this.checkUsable();
    const { state } = this;
    const { txid } = state.meta;
    this.readers.set(txid, (this.readers.get(txid) ?? 0) + 1);
    return new ReadTx(state, this, () => this.readerClosed(txid));
  }

  /**
   * The bytes of the file as `reader` sees it, `reader.sizeBytes` of them: a database file of its own. Waits until the
   * reader's transaction is durable.
   */
  async *image(reader: ReadTx, chunkBytes = defaultChunkBytes): AsyncGenerator<Uint8Array> {
    const state = reader.checkOpen();
    if (this.durableTxid < reader.txid) await this.queue.idle();
    yield* readImage(state, chunkBytes, () => reader.checkOpen());
  }

  /** @returns when every sealed transaction is durable */
  async durable(): Promise<void> {
    await this.queue.idle();
    this.checkUsable();
  }

  /** Gives the file another name, in the same directory, replacing what has it. Durable when it resolves. */
  async renameTo(where: string): Promise<void> {
    await this.fs.rename(this.path, where);
    this.pager.path = where;
    await this.fs.syncDirectory(path.dirname(where));
  }

  /** Waits for sealed transactions to be written and closes the file. An open transaction is of no use from then on. */
  async close(): Promise<void> {
    if (this.closed) return;
    await this.queue.idle();
    if (this.closed) return;
    this.closed = true;
    this.writer = undefined;
    await this.pager.file.close();
  }

  /** As `close`, once the last reader has closed. */
  async closeWhenUnread(): Promise<void> {
    if (this.readers.size > 0) {
      await new Promise<void>((resolve) => {
        this.onUnread = resolve;
      });
    }
    await this.close();
  }

  checkUsable(): void {
    if (this.closed) throw new BoltError(BoltCode.Closed, this.path, 'the database is closed');
    if (this.failure !== undefined) {
      const { reason } = this.failure;
      throw new BoltError(BoltCode.Failed, this.path, `an earlier commit failed: ${reason}`, { cause: this.failure });
    }
  }

  isDurable(txid: number): boolean {
    return txid <= this.durableTxid;
  }

  /** Every page's use, for `check`. */
  inspect(): { state: State; free: FreePages } {
    this.checkUsable();
    return { state: this.state, free: this.free };
  }

  private commit(changes: ReadonlyMap<string, ChangeSet>): Promise<void> {
    this.writer = undefined;
    try {
      this.checkUsable();
      if (changes.size === 0) return this.durable();
      const sealed = seal(this.state, changes, this.free);
      for (const page of sealed.pages) this.pager.pin(page);
      this.free.addPending(sealed.state.meta.txid, sealed.freed);
      this.state = sealed.state;
      return this.queue.push(sealed);
    } catch (cause) {
      // Half of the pages may be taken: there is no way back to the state before.
      return Promise.reject(this.fail(cause));
    }
  }

  private onDurable(transaction: SealedTransaction): void {
    this.durableTxid = transaction.state.meta.txid;
    for (const page of transaction.pages) this.pager.unpin(page);
    this.releasePages();
  }

  private readerClosed(txid: number): void {
    const others = (this.readers.get(txid) as number) - 1;
    if (others > 0) {
      this.readers.set(txid, others);
      return;
    }
    this.readers.delete(txid);
    this.releasePages();
    if (this.readers.size === 0) this.onUnread?.();
  }

  private releasePages(): void {
    const oldestReader = Math.min(...this.readers.keys());
    this.free.release(Math.min(this.durableTxid, oldestReader - 1));
  }

  private fail(cause: unknown): BoltError {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error =
      cause instanceof BoltError ? cause : new BoltError(BoltCode.InputOutput, this.path, reason, { cause });
    this.failure ??= error;
    return error;
  }
}

async function openFile(where: string, options: OpenOptions): Promise<StorageFile> {
  const fs = options.fs ?? nodeFileSystem;
  const mode = options.readOnly ? 'read' : 'write';
  if (!(await fs.exists(where))) {
    if (!options.create) throw new BoltError(BoltCode.NotFound, where, 'there is no such file');
    await createEmpty(fs, where, options);
  }
  let file = await fs.open(where, mode);
  if (options.create && !options.readOnly && (await file.size()) === 0) {
    await file.close();
    await createEmpty(fs, where, options);
    file = await fs.open(where, mode);
  }
  return file;
}

/** Under another name first, so that there is a whole database or none. */
async function createEmpty(fs: FileSystem, where: string, options: OpenOptions): Promise<void> {
  const temporary = `${where}.tmp.new`;
  await writeDatabase(temporary, [], { fs, pageSize: options.pageSize ?? defaultPageSize, sync: options.sync ?? true });
  await fs.rename(temporary, where);
  await fs.syncDirectory(path.dirname(where));
}
