import type { Backend, ValueFinder } from '../backend/backend.ts';
import { errCompacted, errFutureRevision } from '../errors/etcd-error.ts';
import { KeyValue } from '../proto/gen/kv.ts';
import type { KeyHistory } from './key-history.ts';
import type { KeyIndex } from './key-index.ts';
import { keyRange } from './key-range.ts';
import { revisionToFind } from './revision.ts';

export interface RangeOptions {
  /** Read as of this revision; the newest when left out, 0 or negative. */
  readonly revision?: number;
  /** The most pairs to read; all when left out, 0 or negative. Does not change the count. */
  readonly limit?: number;
  /** Count only and read no pair. */
  readonly countOnly?: boolean;
}

/** What a range covers, whatever was read of it. */
export interface RangeExtent {
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  /** The newest revision there was when reading, which is what response headers tell. */
  readonly revision: number;
}

export interface RangeResult extends RangeExtent {
  /** In key order. Key and value are copies, the caller's to keep. */
  readonly kvs: KeyValue[];
}

/** Sees where a pair's KeyValue lies, encoded: `sizeBytes` of `bytes` from `start` on. They are valid within the call. */
export type VisitRecord = (bytes: Buffer, start: number, sizeBytes: number) => void;

/** What a range is read from: the store, or a write transaction that sees its own changes. */
export interface ReadView {
  /** The newest revision that a reader sees. */
  readonly currentRevision: number;
  /** The revision of the last compaction, the oldest that can be read; -1 before the first one. */
  readonly compactRevision: number;
  /**
   * Reads the pairs from `key` up to `end` (contract: api.md §2.3; empty `end`: that key alone, one zero byte: all from
   * `key` on).
   *
   * @throws EtcdError OutOfRange for a compacted or a future revision
   */
  range(key: Uint8Array, end: Uint8Array, options?: RangeOptions): RangeResult;
  /** As `range`, for whoever needs the pairs as they are stored. The store must not be changed meanwhile. */
  visitRange(key: Uint8Array, end: Uint8Array, options: RangeOptions, visit: VisitRecord): RangeExtent;
}

type CurrentView = Pick<ReadView, 'currentRevision' | 'compactRevision'>;

/** The data under a view. */
export interface RecordSource {
  readonly index: KeyIndex;
  readonly backend: Backend;
}

/** Answers `ReadView.range` from index and backend. */
export function readRange(
  source: RecordSource,
  view: CurrentView,
  key: Uint8Array,
  end: Uint8Array,
  options?: RangeOptions,
): RangeResult {
  const kvs: KeyValue[] = [];
  const extent = visitRange(source, view, key, end, options, (bytes, start, sizeBytes) => {
    kvs.push(KeyValue.decode(Buffer.from(bytes.subarray(start, start + sizeBytes))));
  });
  return { kvs, ...extent };
}

/** Answers `ReadView.visitRange` from index and backend. */
export function visitRange(
  source: RecordSource,
  view: CurrentView,
  key: Uint8Array,
  end: Uint8Array,
  options: RangeOptions | undefined,
  visit: VisitRecord,
): RangeExtent {
  const { revision: wanted = 0, limit = 0, countOnly = false } = options ?? {};
  const { currentRevision, compactRevision } = view;
  if (wanted > currentRevision) throw errFutureRevision();
  const revision = wanted <= 0 ? currentRevision : wanted;
  if (revision < compactRevision) throw errCompacted();

  const visited = countOnly ? 0 : limit <= 0 ? Number.POSITIVE_INFINITY : limit;
  const finder = source.backend.finder('key');
  let count = 0;
  source.index.visit(keyRange(key, end), (_, history) => {
    const position = history.visible(revision);
    if (position < 0) return;
    if (count++ >= visited) return;
    findRecord(finder, history, position);
    visit(finder.bytes, finder.start, finder.sizeBytes);
  });
  return { count, revision: currentRevision };
}

function findRecord(finder: ValueFinder, history: KeyHistory, position: number): void {
  const main = history.mainAt(position);
  const sub = history.subAt(position);
  if (finder.find(revisionToFind(main, sub))) return;
  throw new Error(`the record of revision ${main}.${sub} is missing from bucket "key": the database is damaged`);
}
