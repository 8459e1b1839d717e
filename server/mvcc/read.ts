import type { Backend } from '../backend/backend.ts';
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

export interface RangeResult {
  /** In key order. Key and value are copies, the caller's to keep. */
  readonly kvs: KeyValue[];
  /** Keys in the range, whatever the limit. */
  readonly count: number;
  /** The newest revision there was when reading, which is what response headers tell. */
  readonly revision: number;
}

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
}

/** The data under a view. */
export interface RecordSource {
  readonly index: KeyIndex;
  readonly backend: Backend;
}

/** Answers `ReadView.range` from index and backend. */
export function readRange(
  source: RecordSource,
  view: Pick<ReadView, 'currentRevision' | 'compactRevision'>,
  key: Uint8Array,
  end: Uint8Array,
  options: RangeOptions = {},
): RangeResult {
  const { revision: wanted = 0, limit = 0, countOnly = false } = options;
  const { currentRevision, compactRevision } = view;
  if (wanted > currentRevision) throw errFutureRevision();
  const revision = wanted <= 0 ? currentRevision : wanted;
  if (revision < compactRevision) throw errCompacted();

  const kvs: KeyValue[] = [];
  let count = 0;
  source.index.visit(keyRange(key, end), (_, history) => {
    const position = history.visible(revision);
    if (position < 0) return;
    count++;
    if (!countOnly && (limit <= 0 || kvs.length < limit)) kvs.push(readRecord(source.backend, history, position));
  });
  return { kvs, count, revision: currentRevision };
}

function readRecord(backend: Backend, history: KeyHistory, position: number): KeyValue {
  const main = history.mainAt(position);
  const sub = history.subAt(position);
  const record = backend.get('key', revisionToFind(main, sub));
  if (record === undefined) {
    throw new Error(`the record of revision ${main}.${sub} is missing from bucket "key": the database is damaged`);
  }
  return KeyValue.decode(Buffer.from(record));
}
