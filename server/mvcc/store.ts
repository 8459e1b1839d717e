import { setImmediate } from 'node:timers/promises';
import type { Backend } from '../backend/backend.ts';
import { atOnce, type Steps } from '../base/slices.ts';
import { errCompacted, errFutureRevision, errStopped } from '../errors/etcd-error.ts';
import { type Event, Event_EventType, KeyValue } from '../proto/gen/kv.ts';
import { type CompactionObserver, compactRecords } from './compaction.ts';
import type { KvHash } from './hash.ts';
import { KeyIndex } from './key-index.ts';
import { type HashKvResult, KvHashes } from './kv-hashes.ts';
import { noOperations, type OperationCounts } from './operation-counts.ts';
import type { RangeExtent, RangeOptions, RangeResult, ReadView, RecordSource, VisitRecord } from './read.ts';
import { readRange, visitRange } from './read.ts';
import { decodeRecordHead } from './record-head.ts';
import { decodeRevision, encodeRevision, isTombstone } from './revision.ts';
import { WriteTxn } from './write-txn.ts';

/** What a store has begun when it was restored. */
export interface Restored {
  /** An interrupted compaction that goes on; settles as with `compact`. Undefined when there was none. */
  readonly compaction: Promise<void> | undefined;
}

export interface MvccStoreOptions {
  /** Waited for after each commit of a compaction's deletions (upstream pauses 10 ms). By default one turn of the event loop. */
  readonly yieldControl?: () => Promise<void>;
  /** Records that a compaction looks at in one go, and deletes in one commit: 1000 unless told. */
  readonly compactionBatchRecords?: number;
  readonly onCompaction?: CompactionObserver | undefined;
  /** Called once for each write transaction that changed something, with its revision and changes, in order. */
  readonly onChange?: (revision: number, events: Event[]) => void;
  /** Called by `restore` for each record, in order, with its key and lease; 0 for none, and when the key was deleted. */
  readonly onRestore?: (key: string, lease: bigint) => void;
}

const scheduledCompactRevision = Buffer.from('scheduledCompactRev');
const finishedCompactRevision = Buffer.from('finishedCompactRev');
const neverCompacted = -1;

/**
 * The multi-version key-value store: keys and their revisions in memory, values by revision in the backend
 * (contract: api.md §2.3, §2.4; disk-and-peer §5).
 *
 * Everything but a compaction's deletions happens at once, so that a reader never meets half a transaction. Call
 * `restore` first, and `close` before the backend is closed.
 */
export class MvccStore implements ReadView {
  private readonly backend: Backend;
  private readonly options: MvccStoreOptions;
  private readonly index = new KeyIndex();
  private readonly records: RecordSource;
  private readonly hashes: KvHashes;
  private current = 1;
  private compacted = neverCompacted;
  private finished = neverCompacted;
  /** As of `restoreSteps`: behind `finished` unless a compaction was interrupted. */
  private scheduled = neverCompacted;
  private openTxn: WriteTxn | undefined;
  /** Since the start. */
  readonly counts: OperationCounts = noOperations();
  private compactions: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(backend: Backend, options: MvccStoreOptions = {}) {
    this.backend = backend;
    this.options = options;
    this.records = { index: this.index, backend };
    this.hashes = new KvHashes(this.records, {
      currentRevision: () => this.current,
      compactRevision: () => this.compacted,
      isClosed: () => this.isClosed,
    });
  }

  get currentRevision(): number {
    return this.current;
  }

  get compactRevision(): number {
    return this.compacted;
  }

  /** Keys that the store has a record of, recently deleted ones included. */
  get keyCount(): number {
    return this.index.size;
  }

  /**
   * Reads the backend's records into the index, and takes up a compaction that was interrupted.
   *
   * @throws Error when the database is damaged
   */
  restore(): Restored {
    atOnce(this.restoreSteps());
    return this.resume();
  }

  /** As `restore`, with places to interrupt it, and without the compaction: `resume` takes that up. */
  *restoreSteps(): Steps<void> {
    yield* this.backend.walk('key', (key, value) => this.restoreRecord(key, value));
    this.finished = this.readMeta(finishedCompactRevision);
    this.scheduled = this.readMeta(scheduledCompactRevision);
    this.compacted = Math.max(this.finished, this.scheduled);
    this.current = Math.max(this.current, this.compacted);
  }

  /** Takes up a compaction that was interrupted. */
  resume(): Restored {
    const { scheduled, finished } = this;
    if (scheduled <= finished) return { compaction: undefined };
    this.compacted = finished;
    return { compaction: this.startCompaction(scheduled, false) };
  }

  range(key: Uint8Array, end: Uint8Array, options?: RangeOptions): RangeResult {
    this.counts.ranges++;
    return readRange(this.records, this, key, end, options);
  }

  visitRange(key: Uint8Array, end: Uint8Array, options: RangeOptions, visit: VisitRecord): RangeExtent {
    this.counts.ranges++;
    return visitRange(this.records, this, key, end, options, visit);
  }

  /**
   * Visits the changes from a revision on, in order, until `visit` returns false: what watches are caught up with. Keys
   * and values are views, valid within the call. The store must not be changed meanwhile.
   *
   * @param from not before the last compaction, or changes are missing
   */
  changes(from: number, visit: (revision: number, event: Event) => unknown): void {
    this.backend.scan('key', encodeRevision(from, 0), undefined, (key, value) => {
      const { main } = decodeRevision(key);
      const kv = KeyValue.decode(value);
      if (!isTombstone(key)) return visit(main, { type: Event_EventType.PUT, kv });
      return visit(main, { type: Event_EventType.DELETE, kv: KeyValue.create({ key: kv.key, mod_revision: main }) });
    });
  }

  /** Starts a write transaction. There is one at a time, and it must come to its `end` in the same turn. */
  beginWrite(): WriteTxn {
    if (this.openTxn !== undefined) throw new Error('a write transaction is already open');
    const { records, options } = this;
    this.openTxn = new WriteTxn({
      ...records,
      currentRevision: this.current,
      compactRevision: this.compacted,
      wantsEvents: options.onChange !== undefined,
      counts: this.counts,
      finishWrite: (revision, events) => {
        this.openTxn = undefined;
        if (revision === this.current) return;
        this.current = revision;
        options.onChange?.(revision, events);
      },
    });
    return this.openTxn;
  }

  /**
   * Makes the revisions before `revision` unreadable, at once, and deletes what only they need, later and in batches.
   *
   * @returns `done` settles when the deletions are durable. It rejects with EtcdError Unavailable when the store is
   *   closed first, and with the backend's error when that fails; then the process must not go on
   * @throws EtcdError OutOfRange when the revision is compacted already or in the future
   */
  compact(revision: number): { done: Promise<void> } {
    if (revision <= this.compacted) throw errCompacted();
    if (revision > this.current) throw errFutureRevision();
    // The hash of a pass is only comparable between members when the pass before it was complete.
    return { done: this.startCompaction(revision, this.finished === this.compacted) };
  }

  /**
   * The hash by which members compare their data (contract: disk-and-peer §5.3).
   *
   * @param revision up to where; 0 for all
   * @throws EtcdError OutOfRange for a compacted or a future revision
   */
  hashKv(revision: number): HashKvResult {
    return this.hashes.compute(revision);
  }

  /**
   * As `hashKv`, beside everything else that the process does: the answer is about the moment at which it begins.
   *
   * @throws EtcdError OutOfRange; Unavailable when the store is closed meanwhile
   */
  hashKvInSlices(revision: number): Promise<HashKvResult> {
    return this.hashes.computeInSlices(revision);
  }

  /** The hashes of the last ten compactions, the oldest first, as far as this process has run them. */
  compactionHashes(): readonly KvHash[] {
    return this.hashes.all();
  }

  /** Stops compacting and waits until no batch is under way. A compaction that was cut short goes on after `restore`. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.compactions.catch(() => {});
  }

  private startCompaction(revision: number, isHashComparable: boolean): Promise<void> {
    const previousRevision = this.compacted;
    this.compacted = revision;
    this.backend.put('meta', scheduledCompactRevision, encodeRevision(revision, 0));
    // Durable before the first deletion: a restart must know that what is gone went by compaction.
    const scheduled = this.backend.commit();
    const done = Promise.all([scheduled, this.compactions, this.hashes.idle()]).then(async () => {
      const hash = await this.runCompaction(previousRevision, revision);
      // Under number 0, "the hash of revision 0" would be taken for "the newest".
      if (isHashComparable && revision > 0) this.hashes.add({ hash, revision, compactRevision: previousRevision });
      await this.backend.commit();
    });
    this.compactions = done;
    // Nobody has to wait for `done`, but a failing backend must not go unnoticed: it surfaces as an unhandled rejection.
    done.catch((error: unknown) => {
      if (!this.isClosed) throw error;
    });
    return done;
  }

  private async runCompaction(previousRevision: number, revision: number): Promise<number> {
    if (this.isClosed) throw errStopped();
    const { records, backend, options } = this;
    const hash = await compactRecords({
      ...records,
      revision,
      previousRevision,
      batchRecords: options.compactionBatchRecords ?? 1000,
      yieldControl: options.yieldControl ?? (() => setImmediate()),
      isStopped: () => this.isClosed,
      observe: options.onCompaction,
    });
    backend.put('meta', finishedCompactRevision, encodeRevision(revision, 0));
    this.finished = revision;
    return hash;
  }

  private restoreRecord(key: Uint8Array, value: Uint8Array): void {
    const { main, sub } = decodeRevision(key);
    // A restore with --bump-revision leaves a record with an empty value. It is indexed under the empty key, which no
    // request can name, so that compactions and hashes treat it as upstream does.
    const head = decodeRecordHead(value);
    const history = this.index.getOrAdd(head.key);
    if (isTombstone(key)) history.tombstone(main, sub);
    else history.restore(main, sub, head.createRevision, head.version);
    // A tombstone's value holds the key alone.
    this.options.onRestore?.(head.key, head.lease);
    this.current = Math.max(this.current, main);
  }

  private readMeta(name: Uint8Array): number {
    const value = this.backend.get('meta', name);
    return value === undefined ? neverCompacted : decodeRevision(value).main;
  }
}
