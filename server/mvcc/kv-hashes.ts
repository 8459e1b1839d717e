/** The hashes of a store: computed on demand, or remembered from compactions (contract: disk-and-peer §5.3). */
import type { BackendView } from '../backend/backend.ts';
import { atOnce, inSlices, type Steps } from '../base/slices.ts';
import { errCompacted, errFutureRevision, errStopped } from '../errors/etcd-error.ts';
import { HashCache, type KvHash, KvHasher } from './hash.ts';
import { keepRule } from './keep.ts';
import type { RecordSource } from './read.ts';
import { encodeRevision } from './revision.ts';

export interface HashKvResult {
  /** CRC-32C, unsigned. */
  readonly hash: number;
  readonly compactRevision: number;
  readonly currentRevision: number;
}

/** What of the store a hash depends on, as it is when it is asked for. */
export interface HashedStore {
  currentRevision(): number;
  compactRevision(): number;
  isClosed(): boolean;
}

/** A hash that was asked for, and the state of the store when it was. */
interface AskedHash {
  /** Undefined when it is to be computed. */
  readonly hash: number | undefined;
  readonly upTo: number;
  readonly compactRevision: number;
  readonly currentRevision: number;
}

/** Records read in one go. */
const stepRecords = 64;
const firstRecord = encodeRevision(0, 0);

export class KvHashes {
  private readonly records: RecordSource;
  private readonly store: HashedStore;
  private readonly cache = new HashCache();
  /** One for each hash that is being computed in slices. None of these promises rejects. */
  private readonly underWay = new Set<Promise<void>>();

  constructor(records: RecordSource, store: HashedStore) {
    this.records = records;
    this.store = store;
  }

  /** Remembers the hash that a compaction computed. */
  add(hash: KvHash): void {
    this.cache.add(hash);
  }

  /** The remembered ones, the oldest first. */
  all(): readonly KvHash[] {
    return this.cache.all();
  }

  /**
   * Settles when those that are being computed now are done. They ask the index, record by record, for what a compaction
   * would take out of it: one that is scheduled later must not begin before.
   */
  async idle(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** Reads all records at once. @throws EtcdError OutOfRange for a compacted or a future revision */
  compute(revision: number): HashKvResult {
    const asked = this.lookUp(revision);
    if (asked.hash !== undefined) return resultOf(asked, asked.hash);
    const hasher = atOnce(this.hasherFor(asked));
    this.records.backend.scan('key', firstRecord, encodeRevision(asked.upTo + 1, 0), (key, value) => {
      hasher.add(key, value);
    });
    return resultOf(asked, hasher.sum);
  }

  /** As `compute`, a few milliseconds at a time. @throws EtcdError OutOfRange; Unavailable when the store is closed */
  async computeInSlices(revision: number): Promise<HashKvResult> {
    const asked = this.lookUp(revision);
    if (asked.hash !== undefined) return resultOf(asked, asked.hash);
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const { view, seen } = await this.records.backend.freeze(() => {
      // The store may have moved on while the backend was busy.
      const now = this.lookUp(revision);
      this.underWay.add(done);
      return now;
    });
    try {
      const hash = seen.hash ?? (await inSlices(this.steps(view, seen), () => this.checkOpen()));
      return resultOf(seen, hash);
    } finally {
      view.close();
      this.underWay.delete(done);
      finish();
    }
  }

  private lookUp(revision: number): AskedHash {
    const currentRevision = this.store.currentRevision();
    const compactRevision = this.store.compactRevision();
    const cached = this.cache.get(revision);
    if (cached !== undefined) {
      return { hash: cached.hash, upTo: revision, compactRevision: cached.compactRevision, currentRevision };
    }
    if (revision > 0 && revision < compactRevision) throw errCompacted();
    if (revision > currentRevision) throw errFutureRevision();
    const upTo = revision === 0 ? currentRevision : Math.max(revision, 0);
    return { hash: undefined, upTo, compactRevision, currentRevision };
  }

  private *hasherFor({ upTo, compactRevision }: AskedHash): Steps<KvHasher> {
    const { index } = this.records;
    const visible = keepRule(index, (history) => history.visible(upTo));
    // Without a visible key upstream lets every record count that is there. Those that the compaction is about to
    // delete are not: the hash must not depend on how far it has come.
    const retained = keepRule(index, (history) => history.retained(compactRevision));
    const isEmpty = yield* visible.isEmpty();
    return new KvHasher(compactRevision, isEmpty ? retained.keeps : visible.keeps);
  }

  private *steps(view: BackendView, asked: AskedHash): Steps<number> {
    const hasher = yield* this.hasherFor(asked);
    const end = encodeRevision(asked.upTo + 1, 0);
    let records = 0;
    for (const [key, value] of view.pairs('key', firstRecord)) {
      if (Buffer.compare(key, end) >= 0) break;
      hasher.add(key, value);
      if (++records % stepRecords === 0) yield;
    }
    return hasher.sum;
  }

  private checkOpen(): void {
    if (this.store.isClosed()) throw errStopped();
  }
}

function resultOf({ compactRevision, currentRevision }: AskedHash, hash: number): HashKvResult {
  return { hash, compactRevision, currentRevision };
}
