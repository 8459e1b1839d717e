import { type Event, Event_EventType, KeyValue, writeKeyValue } from '../proto/gen/kv.ts';
import { encodeWith } from '../proto/wire.ts';
import type { KeyHistory } from './key-history.ts';
import { keyBytes, keyRange, keyString } from './key-range.ts';
import type { OperationCounts } from './operation-counts.ts';
import type { RangeExtent, RangeOptions, RangeResult, ReadView, RecordSource, VisitRecord } from './read.ts';
import { readRange, visitRange } from './read.ts';
import { encodeRevision, encodeTombstone } from './revision.ts';

/** What the store gives a transaction and takes back from it. */
export interface WriteTxnOwner extends RecordSource {
  readonly currentRevision: number;
  readonly compactRevision: number;
  /** Whether anybody wants to hear of the changes. */
  readonly wantsEvents: boolean;
  readonly counts: OperationCounts;
  /** Takes over the transaction's revision; called once. */
  finishWrite(revision: number, events: Event[]): void;
}

/**
 * Changes that share one main revision, numbered by sub revisions 0, 1, 2 ... Reads see the changes made so far; readers
 * of the store see none of them before `end`. Nothing can be taken back: check first, then change.
 */
export class WriteTxn implements ReadView {
  readonly compactRevision: number;
  private readonly owner: WriteTxnOwner;
  private readonly beginRevision: number;
  private readonly events: Event[] = [];
  private changes = 0;
  private operations = 0;
  private isOpen = true;

  constructor(owner: WriteTxnOwner) {
    this.owner = owner;
    this.beginRevision = owner.currentRevision;
    this.compactRevision = owner.compactRevision;
  }

  /** The revision before the transaction, one more as soon as it has changed something. */
  get currentRevision(): number {
    return this.changes === 0 ? this.beginRevision : this.beginRevision + 1;
  }

  range(key: Uint8Array, end: Uint8Array, options?: RangeOptions): RangeResult {
    this.operations++;
    this.owner.counts.ranges++;
    return readRange(this.owner, this, key, end, options);
  }

  visitRange(key: Uint8Array, end: Uint8Array, options: RangeOptions, visit: VisitRecord): RangeExtent {
    this.operations++;
    this.owner.counts.ranges++;
    return visitRange(this.owner, this, key, end, options, visit);
  }

  /**
   * Stores a value.
   *
   * @param lease the lease to attach the key to, 0 for none; whether it exists is the caller's to check
   * @returns the transaction's main revision
   */
  put(key: Uint8Array, value: Uint8Array, lease: bigint): number {
    const revision = this.openRevision();
    this.countPut(key.length + value.length);
    const sub = this.changes++;
    const history = this.owner.index.getOrAdd(keyString(key));
    history.put(revision, sub);
    const kv: KeyValue = {
      key,
      create_revision: history.createRevision,
      mod_revision: revision,
      version: history.version,
      value,
      lease,
    };
    this.putRecord(encodeRevision(revision, sub), kv);
    if (this.owner.wantsEvents) this.events.push({ type: Event_EventType.PUT, kv });
    return revision;
  }

  /** Deletes the keys of a range, in key order. @returns how many there were */
  deleteRange(key: Uint8Array, end: Uint8Array): number {
    const revision = this.openRevision();
    this.operations++;
    this.owner.counts.deletes++;
    const found: [string, KeyHistory][] = [];
    this.owner.index.visit(keyRange(key, end), (name, history) => {
      if (history.isAlive) found.push([name, history]);
    });
    for (const [name, history] of found) this.delete(keyBytes(name), history, revision);
    return found.length;
  }

  /** Ends the transaction. @returns the store's revision from now on */
  end(): number {
    this.openRevision();
    this.isOpen = false;
    if (this.operations > 1) this.owner.counts.txns++;
    this.owner.finishWrite(this.currentRevision, this.events);
    return this.currentRevision;
  }

  private countPut(sizeBytes: number): void {
    this.operations++;
    this.owner.counts.puts++;
    this.owner.counts.putBytes += sizeBytes;
  }

  private delete(key: Uint8Array, history: KeyHistory, revision: number): void {
    const sub = this.changes++;
    history.tombstone(revision, sub);
    this.putRecord(encodeTombstone(revision, sub), KeyValue.create({ key }));
    if (this.owner.wantsEvents) {
      const kv = KeyValue.create({ key, mod_revision: revision });
      this.events.push({ type: Event_EventType.DELETE, kv });
    }
  }

  private putRecord(revision: Uint8Array, record: KeyValue): void {
    const pair = encodeWith((writer) => {
      writer.raw(revision);
      writeKeyValue(writer, record);
    });
    this.owner.backend.putPair('key', pair, revision.length);
  }

  /** The main revision of the transaction's changes. */
  private openRevision(): number {
    if (!this.isOpen) throw new Error('the write transaction has ended');
    return this.beginRevision + 1;
  }
}
