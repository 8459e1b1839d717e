/** The backend on a bolt file: batches of operations, one transaction each (contract: disk-and-peer §4.7, §5). */
import path from 'node:path';
import { inSlices, type Steps } from '../base/slices.ts';
import { BoltDatabase, type HashIgnore, hashSteps, type ReadTx, type WriteTx, writeDatabase } from '../bolt/mod.ts';
import {
  type Backend,
  type BackendSnapshot,
  type BucketName,
  bucketNames,
  type Frozen,
  type ValueFinder,
} from './backend.ts';
import { type BoltBackendOptions, withDefaults } from './backend-options.ts';
import { scanSteps } from './scan-steps.ts';

/**
 * Up to this many commits are under way: one being written and one sealed behind it. What comes meanwhile is gathered
 * into a third, however many callers ask for it.
 */
const maxCommitsUnderWay = 2;

/** Names in the file's directory that begin so are leftovers of something that did not finish. */
const temporarySuffix = '.tmp.';

interface SealedView<T> {
  readonly database: BoltDatabase;
  readonly reader: ReadTx;
  readonly durable: Promise<void>;
  readonly seen: T;
}

export type { BoltBackendOptions, SetTimer } from './backend-options.ts';

export class BoltBackend implements Backend {
  private database: BoltDatabase;
  private transaction: WriteTx;
  private readonly options: Required<BoltBackendOptions>;
  private readonly hooks: (() => void)[] = [];
  /** Puts and deletes since the last commit was sealed. */
  private operations = 0;
  private stopTimer: (() => void) | undefined;
  /** Commits that are sealed but not durable. None of these promises rejects. */
  private readonly underWay = new Set<Promise<void>>();
  /** The commit that waits for one of those under way, or for the end of a defragmentation. */
  private gathering: Promise<void> | undefined;
  private defragmenting: Promise<void> | undefined;
  private closing: Promise<void> | undefined;
  private isRetired = false;
  private keepsItsFile = false;
  private hasFailed = false;
  private isFullCommitDue = false;

  private constructor(database: BoltDatabase, options: Required<BoltBackendOptions>) {
    this.database = database;
    this.transaction = database.begin();
    this.options = options;
  }

  /**
   * Opens the database, or creates it with etcd's buckets, and removes what an interrupted defragmentation has left.
   *
   * @throws BoltError see `BoltDatabase.open`
   */
  static async open(where: string, options: BoltBackendOptions = {}): Promise<BoltBackend> {
    const complete = withDefaults(options);
    const { fs, pageCacheBytes, sync } = complete;
    const directory = path.dirname(where);
    for (const name of await fs.list(directory)) {
      if (name.startsWith(path.basename(where) + temporarySuffix)) await fs.remove(path.join(directory, name));
    }
    const database = await BoltDatabase.open(where, { fs, pageCacheBytes, sync, create: true });
    try {
      const backend = new BoltBackend(database, complete);
      for (const name of bucketNames) backend.transaction.createBucket(name);
      await backend.commit();
      return backend;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  get(bucket: BucketName, key: Uint8Array): Buffer | undefined {
    return this.transaction.get(bucket, key);
  }

  finder(bucket: BucketName): ValueFinder {
    return this.transaction.finder(bucket);
  }

  scan(
    bucket: BucketName,
    start: Uint8Array,
    end: Uint8Array | undefined,
    visit: (key: Uint8Array, value: Uint8Array) => unknown,
  ): void {
    this.transaction.scan(bucket, start, end, visit);
  }

  *walk(bucket: BucketName, visit: (key: Uint8Array, value: Uint8Array) => void): Steps<void> {
    if (this.transaction.hasChangesOf(bucket)) return yield* scanSteps(this, bucket, visit);
    const reader = this.database.view();
    try {
      for (const leaf of reader.leaves(bucket)) {
        for (let i = 0; i < leaf.count; i++) visit(leaf.key(i), leaf.value(i));
        yield;
      }
    } finally {
      reader.close();
    }
  }

  /** @throws BoltError for a key or value of a size that the format does not allow, or after a failure */
  put(bucket: BucketName, key: Uint8Array, value: Uint8Array): void {
    this.transaction.put(bucket, key, value);
    this.changed();
  }

  putPair(bucket: BucketName, pair: Uint8Array, keySize: number): void {
    this.transaction.putPair(bucket, pair, keySize);
    this.changed();
  }

  delete(bucket: BucketName, key: Uint8Array): void {
    this.transaction.delete(bucket, key);
    this.changed();
  }

  onBeforeCommit(hook: () => void): void {
    this.hooks.push(hook);
  }

  async commit(): Promise<void> {
    if (!this.mustWait()) return this.seal();
    this.gathering ??= this.turn().then(() => {
      this.gathering = undefined;
      return this.seal();
    });
    return this.gathering;
  }

  async freeze<T>(look: () => T): Promise<Frozen<T>> {
    const { reader, seen } = await this.sealAndView(look);
    return { view: reader, seen };
  }

  async snapshot(look: () => void = () => undefined): Promise<BackendSnapshot> {
    const { database, reader, durable } = await this.sealAndView(look);
    try {
      await durable;
    } catch (error) {
      reader.close();
      throw error;
    }
    const { now, onSnapshot } = this.options;
    const startMs = now();
    return {
      sizeBytes: reader.sizeBytes,
      chunks: () => database.image(reader),
      close: () => {
        reader.close();
        onSnapshot((now() - startMs) / 1000);
      },
    };
  }

  /** Whether a defragmentation is under way. */
  get isDefragmenting(): boolean {
    return this.defragmenting !== undefined;
  }

  /** Snapshots and other reads of one moment that are open. */
  openReaderCount(): number {
    return this.database.openReaderCount();
  }

  /**
   * Rewrites the file without its free pages (contract: disk-and-peer §5.2). Reads and writes go on meanwhile, but
   * commits wait, and what is put is held in memory until the new file is in place. Fails without effect when there is
   * no room for a second file. A snapshot that is open keeps the old file until it is closed.
   */
  defragment(): Promise<void> {
    this.defragmenting ??= this.replaceFile().finally(() => {
      this.defragmenting = undefined;
    });
    return this.defragmenting;
  }

  /**
   * CRC-32C over all buckets as they are when it begins, uncommitted changes included (see `DatabaseDigest`). Reads the
   * whole database, in slices.
   *
   * @param look as of `freeze`
   */
  async hash(ignore?: HashIgnore, look: () => void = () => undefined): Promise<number> {
    const { reader, durable } = await this.sealAndView(look);
    try {
      // Pages that are in the file are read around the cache.
      await durable;
      return await inSlices(hashSteps(reader, ignore));
    } finally {
      reader.close();
    }
  }

  sizeBytes(): number {
    return this.database.sizeBytes();
  }

  sizeInUseBytes(): number {
    return this.database.sizeBytes() - this.database.freePageCount() * this.database.pageSize;
  }

  /**
   * Ends a defragmentation, if one is under way, and refuses any from now on: another file is about to take this one's
   * name, and must not be replaced in turn. Does not reject.
   */
  async keepFile(): Promise<void> {
    this.keepsItsFile = true;
    await this.defragmenting?.catch(() => {});
  }

  /** Gives the file another name, in the same directory, replacing what has it. Durable when it resolves. */
  async renameTo(where: string): Promise<void> {
    const { database } = this;
    await this.options.replaceFile(database.path, () => database.renameTo(where));
  }

  /**
   * Leaves the file to those who read it, and closes it when the last of them is done: another database has taken its
   * place, after `keepFile`. What was not committed is dropped, and a failure to write is of no interest any more.
   */
  retire(): void {
    if (this.isRetired || this.closing !== undefined) return;
    this.isRetired = true;
    this.hasFailed = true;
    this.stopTimer?.();
    this.stopTimer = undefined;
    Promise.all(this.underWay)
      .then(() => this.database.closeWhenUnread())
      .catch(() => {});
  }

  /**
   * Commits what is left and closes the file; a snapshot that is still being read fails from then on. After `retire`:
   * closes the file at once.
   */
  close(): Promise<void> {
    this.closing ??= this.isRetired ? this.database.close() : this.finish();
    return this.closing;
  }

  /**
   * @param look runs in the very moment: no turn of anybody else, not even a microtask, is between it and the view
   * @returns a reader of all that was put, and when that is durable; whoever does not wait for it need not catch it
   */
  private async sealAndView<T>(look: () => T): Promise<SealedView<T>> {
    await this.turn();
    const durable = this.seal();
    durable.catch(() => {});
    const { database } = this;
    const reader = database.view();
    try {
      return { database, reader, durable, seen: look() };
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  private changed(): void {
    this.operations++;
    this.stopTimer ??= this.options.setTimer(() => {
      this.stopTimer = undefined;
      this.commitUnasked();
    }, this.options.batchIntervalMs);
    this.commitIfFull();
  }

  /**
   * Commits once the batch is full, but not before the caller's turn is over: what one turn puts (a whole log entry
   * with its consistent index) is committed together or not at all.
   */
  private commitIfFull(): void {
    if (this.operations < this.options.batchLimit || this.isFullCommitDue) return;
    this.isFullCommitDue = true;
    queueMicrotask(() => {
      this.isFullCommitDue = false;
      const isFull = this.operations >= this.options.batchLimit && this.gathering === undefined;
      if (isFull && this.closing === undefined) this.commitUnasked();
    });
  }

  /** Nobody waits for this commit: its failure goes to `onFailure`, and every later call has it. */
  private commitUnasked(): void {
    this.commit().catch((error) => this.fail(error));
  }

  private mustWait(): boolean {
    return this.defragmenting !== undefined || this.underWay.size >= maxCommitsUnderWay;
  }

  private async turn(): Promise<void> {
    while (this.mustWait()) await (this.defragmenting?.catch(() => {}) ?? Promise.race(this.underWay));
  }

  /** Seals the transaction and begins the next. @returns when it is durable @throws BoltError when the database is of no use */
  private seal(): Promise<void> {
    this.database.checkUsable();
    for (const hook of this.hooks) hook();
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.operations = 0;
    if (!this.transaction.hasChanges) return this.database.durable();
    const startMs = this.options.now();
    const durable = this.transaction.commit().then(() => {
      this.options.onCommit((this.options.now() - startMs) / 1000);
    });
    const settled = durable
      .catch((error) => this.fail(error))
      .finally(() => {
        this.underWay.delete(settled);
      });
    this.underWay.add(settled);
    this.transaction = this.database.begin();
    return durable;
  }

  private async replaceFile(): Promise<void> {
    const { fs, sync, pageCacheBytes, now, replaceFile } = this.options;
    const startMs = now();
    await Promise.all(this.underWay);
    await this.seal();
    const old = this.database;
    const where = old.path;
    const reader = old.view();
    const temporary = `${where}${temporarySuffix}defrag`;
    let copy: BoltDatabase | undefined;
    try {
      const buckets = reader
        .bucketNames()
        .map((name) => ({ name, leaves: this.whileReplaceable(reader.leaves(name)) }));
      await writeDatabase(temporary, buckets, { fs, sync, pageSize: old.pageSize, txid: reader.txid + 1 });
      const opened = await BoltDatabase.open(temporary, { fs, sync, pageCacheBytes });
      copy = opened;
      this.checkReplaceable();
      await replaceFile(temporary, () => opened.renameTo(where));
    } catch (error) {
      await copy?.close();
      if (copy?.path === where) {
        // The new file has the name, perhaps not durably. What is written to either could be lost: stop.
        await old.close();
        this.fail(error);
      } else if (await fs.exists(temporary)) {
        await fs.remove(temporary);
      }
      throw error;
    } finally {
      reader.close();
    }
    const transaction = copy.begin();
    this.transaction.moveTo(transaction);
    this.database = copy;
    this.transaction = transaction;
    old.closeWhenUnread().catch((error) => this.fail(error));
    this.options.onDefragment((now() - startMs) / 1000);
  }

  private *whileReplaceable<T>(leaves: Iterable<T>): Generator<T> {
    for (const leaf of leaves) {
      this.checkReplaceable();
      yield leaf;
    }
  }

  private checkReplaceable(): void {
    if (this.keepsItsFile) throw new Error(`${this.database.path} is being replaced by another database`);
  }

  private async finish(): Promise<void> {
    await this.turn();
    try {
      await this.seal();
      await Promise.all(this.underWay);
    } finally {
      this.stopTimer?.();
      this.stopTimer = undefined;
      await this.database.close();
    }
  }

  private fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.options.onFailure(error);
  }
}
