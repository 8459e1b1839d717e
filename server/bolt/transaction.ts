/** Reading and writing transactions. `BoltDatabase` makes them. */
import { BoltCode, BoltError } from './bolt-error.ts';
import { type Bucket, emptyBucket } from './bucket.ts';
import { ChangeSet, compareEntries, Slab } from './change-set.ts';
import { Entry } from './entry.ts';
import { Finder } from './finder.ts';
import { bucketElementFlag, maxKeyBytes, maxValueBytes } from './format.ts';
import { compareBytes, type Page } from './page.ts';
import type { State } from './state.ts';
import { getFromTree, rootPage, TreeCursor } from './tree.ts';

/** Sees one pair; false ends the scan. Key and value may be kept, but not changed. */
export type Visit = (key: Buffer, value: Buffer) => unknown;

/** What both kinds of transaction can do. A bucket that is not there is a BoltError BOLT_NO_BUCKET. */
export interface Reader {
  /** Names in byte order; see `bucketName`. */
  bucketNames(): string[];
  get(bucket: string, key: Uint8Array): Buffer | undefined;
  /** Visits the pairs with `start <= key < end` in key order; `end` undefined: to the end of the bucket. */
  scan(bucket: string, start: Uint8Array, end: Uint8Array | undefined, visit: Visit): void;
}

/** What a transaction needs of its database. */
export interface TransactionOwner {
  readonly path: string;
  /** @throws BoltError when the database is closed */
  checkUsable(): void;
  /** Whether a transaction is in the file. */
  isDurable(txid: number): boolean;
}

function bucketOf(state: State, name: string, path: string): Bucket {
  const bucket = state.buckets.get(name);
  if (bucket === undefined) throw new BoltError(BoltCode.NoBucket, path, `there is no bucket ${name}`);
  return bucket;
}

function isBehind(key: Buffer, end: Uint8Array | undefined): boolean {
  return end !== undefined && compareBytes(key, 0, key.length, end, 0, end.length) >= 0;
}

/** The database frozen at one transaction. Close it, or the pages it sees are never reused. */
export class ReadTx implements Reader {
  readonly txid: number;
  private readonly state: State;
  private readonly owner: TransactionOwner;
  private onClose: (() => void) | undefined;

  constructor(state: State, owner: TransactionOwner, onClose: () => void) {
    this.state = state;
    this.owner = owner;
    this.onClose = onClose;
    this.txid = state.meta.txid;
  }

  /** Bytes of the file as this transaction sees it: all pages that have ever been in use. */
  get sizeBytes(): number {
    return this.state.sizeBytes;
  }

  bucketNames(): string[] {
    return [...this.checkOpen().buckets.keys()].sort();
  }

  get(bucket: string, key: Uint8Array): Buffer | undefined {
    const state = this.checkOpen();
    return getFromTree(state, rootPage(state, bucketOf(state, bucket, this.owner.path)), key);
  }

  scan(bucket: string, start: Uint8Array, end: Uint8Array | undefined, visit: Visit): void {
    for (const [key, value] of this.pairs(bucket, start)) {
      if (isBehind(key, end) || visit(key, value) === false) return;
    }
  }

  /** The pairs from `start` on, in key order, read as they are asked for. */
  *pairs(bucket: string, start: Uint8Array = Buffer.alloc(0)): Generator<[key: Buffer, value: Buffer]> {
    const state = this.checkOpen();
    const cursor = new TreeCursor(state, rootPage(state, bucketOf(state, bucket, this.owner.path)));
    for (cursor.seek(start); cursor.valid; cursor.next()) {
      if (cursor.page.flags(cursor.index) === bucketElementFlag) continue;
      yield [cursor.page.key(cursor.index), cursor.page.value(cursor.index)];
      this.checkOpen();
    }
  }

  /** The key behind all others of a bucket, undefined when it is empty. */
  lastKey(bucket: string): Buffer | undefined {
    const state = this.checkOpen();
    const cursor = new TreeCursor(state, rootPage(state, bucketOf(state, bucket, this.owner.path)));
    cursor.seekLast();
    return cursor.valid ? cursor.page.key(cursor.index) : undefined;
  }

  /**
   * The leaves of a bucket from first to last, for whoever wants all of it: they do not come into the page cache when the
   * transaction is durable. Each is good until the next.
   */
  *leaves(bucket: string): Generator<Page> {
    const state = this.checkOpen();
    // What is not in the file yet may come there between two reads.
    const source = this.owner.isDurable(this.txid) ? state.readAhead() : state;
    const cursor = new TreeCursor(source, rootPage(source, bucketOf(state, bucket, this.owner.path)));
    for (cursor.seek(Buffer.alloc(0)); cursor.valid; cursor.nextLeaf()) {
      yield cursor.page;
      this.checkOpen();
    }
  }

  /** Ends the transaction. Later calls do nothing. */
  close(): void {
    const onClose = this.onClose;
    this.onClose = undefined;
    onClose?.();
  }

  /** For the database's own use. @throws BoltError when the transaction or the database is closed */
  checkOpen(): State {
    this.owner.checkUsable();
    if (this.onClose === undefined) {
      throw new BoltError(BoltCode.TransactionClosed, this.owner.path, 'the reading transaction is closed');
    }
    return this.state;
  }
}

/** How a writing transaction ends; the database does the work. */
export interface WriteEnd {
  commit(changes: ReadonlyMap<string, ChangeSet>): Promise<void>;
  rollback(): void;
}

/** The one writing transaction. It sees its own changes at once. */
export class WriteTx implements Reader {
  private readonly state: State;
  private readonly owner: TransactionOwner;
  private readonly slab = new Slab();
  private readonly changes = new Map<string, ChangeSet>();
  private end: WriteEnd | undefined;

  constructor(state: State, owner: TransactionOwner, end: WriteEnd) {
    this.state = state;
    this.owner = owner;
    this.end = end;
  }

  get hasChanges(): boolean {
    return this.changes.size > 0;
  }

  hasChangesOf(bucket: string): boolean {
    return this.changes.has(bucket);
  }

  bucketNames(): string[] {
    this.checkOpen();
    return [...new Set([...this.state.buckets.keys(), ...this.changes.keys()])].sort();
  }

  /** Creates the bucket if it is not there. */
  createBucket(name: string): void {
    this.checkOpen();
    if (name === '' || name.length > maxKeyBytes) {
      throw new BoltError(BoltCode.KeySize, this.owner.path, `a bucket name of ${name.length} bytes`);
    }
    if (!this.state.buckets.has(name) && !this.changes.has(name)) this.changes.set(name, new ChangeSet());
  }

  get(bucket: string, key: Uint8Array): Buffer | undefined {
    this.checkOpen();
    const change = this.changes.get(bucket)?.get(key);
    if (change !== undefined) return change.deleted ? undefined : change.value();
    return getFromTree(this.state, rootPage(this.state, this.before(bucket)), key);
  }

  /** For looking up many keys while nothing is put, deleted or committed. */
  finder(bucket: string): Finder {
    this.checkOpen();
    return new Finder(this.state, this.before(bucket), this.changes.get(bucket));
  }

  /** @throws BoltError BOLT_KEY_SIZE for a key that is empty or over 32,768 bytes, BOLT_VALUE_SIZE over 2^31-2 bytes */
  put(bucket: string, key: Uint8Array, value: Uint8Array): void {
    const changes = this.changesFor(bucket, key.length, value.length);
    const { bytes, start } = this.slab.copy(key, value);
    changes.set(Entry.leaf(bytes, start, key.length, value.length, 0));
  }

  /** As `put`, of a key and the value behind it in one piece, which is not copied: it must never change. */
  putPair(bucket: string, pair: Uint8Array, keySize: number): void {
    const valueSize = pair.length - keySize;
    const changes = this.changesFor(bucket, keySize, valueSize);
    const bytes = Buffer.from(pair.buffer, pair.byteOffset, pair.length);
    changes.set(Entry.leaf(bytes, 0, keySize, valueSize, 0));
  }

  /** Removes the key; it need not be there. */
  delete(bucket: string, key: Uint8Array): void {
    const changes = this.changesFor(bucket, key.length, 0);
    const { bytes, start } = this.slab.copy(key, undefined);
    changes.set(Entry.deletion(bytes, start, key.length));
  }

  /** `visit` may put and delete: the scan goes on behind the key that it has just seen, in the bucket as it is then. */
  scan(bucket: string, start: Uint8Array, end: Uint8Array | undefined, visit: Visit): void {
    let from: Uint8Array | undefined = start;
    while (from !== undefined) from = this.scanUnchanged(bucket, from, end, visit);
  }

  /**
   * Seals the transaction before it returns: the next one may begin at once and sees its changes.
   *
   * @returns when it is durable; rejects with a BoltError when writing fails, and the database is of no use then
   */
  commit(): Promise<void> {
    return this.takeEnd().commit(this.changes);
  }

  /** Drops the changes. */
  rollback(): void {
    this.takeEnd().rollback();
  }

  /** Puts this transaction's changes into another one, of a database with the same contents, and drops them here. */
  moveTo(other: WriteTx): void {
    this.checkOpen();
    for (const [bucket, changes] of this.changes) {
      other.createBucket(bucket);
      for (const change of changes.sorted()) {
        if (change.deleted) other.delete(bucket, change.key());
        else other.put(bucket, change.key(), change.value());
      }
    }
    this.rollback();
  }

  /** @returns where to go on when `visit` has changed the bucket, undefined at the end */
  private scanUnchanged(
    bucket: string,
    start: Uint8Array,
    end: Uint8Array | undefined,
    visit: Visit,
  ): Uint8Array | undefined {
    this.checkOpen();
    const changes = this.changes.get(bucket);
    const version = changes?.version;
    const cursor = new TreeCursor(this.state, rootPage(this.state, this.before(bucket)));
    cursor.seek(start);
    const place = changes?.seek(start);
    for (;;) {
      const stored = cursor.valid ? cursor.page.entry(cursor.index) : undefined;
      const changed = place && changes?.at(place);
      const order = mergeOrder(stored, changed);
      const next = order < 0 ? stored : changed;
      if (next === undefined) return undefined;
      const key = next.key();
      if (isBehind(key, end)) return undefined;
      if (order <= 0) cursor.next();
      if (order >= 0 && place) changes?.advance(place);
      if (next.deleted || next.flags === bucketElementFlag) continue;
      if (visit(key, next.value()) === false) return undefined;
      this.checkOpen();
      const now = this.changes.get(bucket);
      if (now !== changes || now?.version !== version) return Buffer.concat([key, Buffer.alloc(1)]);
    }
  }

  /** The bucket as it was before this transaction. */
  private before(name: string): Bucket {
    const bucket = this.state.buckets.get(name);
    if (bucket !== undefined) return bucket;
    return this.changes.has(name) ? emptyBucket : bucketOf(this.state, name, this.owner.path);
  }

  private changesFor(bucket: string, keySize: number, valueSize: number): ChangeSet {
    this.checkOpen();
    if (keySize === 0 || keySize > maxKeyBytes) {
      throw new BoltError(BoltCode.KeySize, this.owner.path, `a key of ${keySize} bytes`);
    }
    if (valueSize > maxValueBytes) {
      throw new BoltError(BoltCode.ValueSize, this.owner.path, `a value of ${valueSize} bytes`);
    }
    let changes = this.changes.get(bucket);
    if (changes === undefined) {
      bucketOf(this.state, bucket, this.owner.path);
      changes = new ChangeSet();
      this.changes.set(bucket, changes);
    }
    return changes;
  }

  private checkOpen(): void {
    this.owner.checkUsable();
    if (this.end === undefined) throw this.isOver();
  }

  private takeEnd(): WriteEnd {
    const { end } = this;
    if (end === undefined) throw this.isOver();
    this.end = undefined;
    return end;
  }

  private isOver(): BoltError {
    return new BoltError(BoltCode.TransactionClosed, this.owner.path, 'the writing transaction is over');
  }
}

/** Negative: `stored` comes first; 0: `changed` replaces it; positive: `changed` comes first, or neither is there. */
function mergeOrder(stored: Entry | undefined, changed: Entry | undefined): number {
  if (stored === undefined) return 1;
  return changed === undefined ? -1 : compareEntries(stored, changed);
}
