import type { ReadView } from '../mvcc/mod.ts';
import type { KeyValue } from '../proto/gen/kv.ts';
import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeResponse,
  ResponseHeader,
  writeRangeResponse,
} from '../proto/gen/rpc.ts';
import { encodeWith } from '../proto/wire.ts';

const kvsFieldTag = (2 << 3) | 2;

type Comparator = (a: KeyValue, b: KeyValue) => number;

/**
 * Answers a range request: fetch, filter by revisions, sort, cut, blank the values (contract: api.md §2.3). The
 * response's header carries the revision only.
 *
 * @throws EtcdError OutOfRange for a compacted or a future revision
 */
export function applyRange(view: ReadView, request: RangeRequest): RangeResponse {
  const limit = Math.max(request.limit, 0);
  const isCutLast = request.sort_order !== RangeRequest_SortOrder.NONE || hasRevisionFilter(request);
  const result = view.range(request.key, request.range_end, {
    revision: request.revision,
    // One more than asked for tells whether there are more.
    limit: isCutLast || limit === 0 ? 0 : limit + 1,
    countOnly: request.count_only,
  });

  let kvs = hasRevisionFilter(request) ? result.kvs.filter((kv) => passesFilter(request, kv)) : result.kvs;
  const comparator = comparatorOf(request);
  if (comparator !== undefined) kvs.sort(comparator);
  const more = limit > 0 && kvs.length > limit;
  if (more) kvs = kvs.slice(0, limit);
  if (request.keys_only) for (const kv of kvs) kv.value = new Uint8Array(0);
  return { header: ResponseHeader.create({ revision: result.revision }), kvs, more, count: result.count };
}

/**
 * As `applyRange`, encoded. Pairs that are not to be changed, left out or put into another order go into the answer as
 * they lie in the database.
 *
 * @param header of the response; with the store's current revision
 * @throws EtcdError OutOfRange for a compacted or a future revision
 */
export function encodeRange(view: ReadView, request: RangeRequest, header: ResponseHeader): Uint8Array {
  if (request.keys_only || hasRevisionFilter(request) || comparatorOf(request) !== undefined) {
    return RangeResponse.encode({ ...applyRange(view, request), header });
  }
  const { key, range_end, revision, limit, count_only: countOnly } = request;
  return encodeWith((w) => {
    writeRangeResponse(w, RangeResponse.create({ header }));
    const { count } = view.visitRange(key, range_end, { revision, limit, countOnly }, (bytes, start, sizeBytes) => {
      w.uint32(kvsFieldTag);
      w.slice(bytes, start, sizeBytes);
    });
    writeRangeResponse(w, RangeResponse.create({ more: !countOnly && limit > 0 && count > limit, count }));
  });
}

function hasRevisionFilter(request: RangeRequest): boolean {
  return (
    request.min_mod_revision !== 0 ||
    request.max_mod_revision !== 0 ||
    request.min_create_revision !== 0 ||
    request.max_create_revision !== 0
  );
}

function passesFilter(request: RangeRequest, kv: KeyValue): boolean {
  const isWithin = (revision: number, min: number, max: number) =>
    (min === 0 || revision >= min) && (max === 0 || revision <= max);
  return (
    isWithin(kv.mod_revision, request.min_mod_revision, request.max_mod_revision) &&
    isWithin(kv.create_revision, request.min_create_revision, request.max_create_revision)
  );
}

const comparators: Record<RangeRequest_SortTarget, Comparator> = {
  [RangeRequest_SortTarget.KEY]: (a, b) => Buffer.compare(a.key, b.key),
  [RangeRequest_SortTarget.VERSION]: (a, b) => a.version - b.version,
  [RangeRequest_SortTarget.CREATE]: (a, b) => a.create_revision - b.create_revision,
  [RangeRequest_SortTarget.MOD]: (a, b) => a.mod_revision - b.mod_revision,
  [RangeRequest_SortTarget.VALUE]: (a, b) => Buffer.compare(a.value, b.value),
};

/** @returns undefined when the order of keys, in which the store answers, is the one that was asked for */
function comparatorOf(request: RangeRequest): Comparator | undefined {
  // Enums are open: an order or target that nobody has defined is accepted and sorts nothing, as in 3.5.
  const comparator: Comparator | undefined = comparators[request.sort_target];
  const isKey = request.sort_target === RangeRequest_SortTarget.KEY;
  switch (request.sort_order) {
    case RangeRequest_SortOrder.NONE:
    case RangeRequest_SortOrder.ASCEND:
      return isKey ? undefined : comparator;
    case RangeRequest_SortOrder.DESCEND:
      return comparator === undefined ? undefined : (a, b) => comparator(b, a);
    default:
      return undefined;
  }
}
