/**
 * Waiting lines of keys, as upstream's concurrency recipes make them: each who waits has a key `<name>/<lease id in hex>`
 * that goes with the lease, and it is the turn of the key that was created first (contract: api.md §1.7). Locks and
 * elections of the server and of its clients are made of them, so that they stand in the same lines.
 */
import { type Event, Event_EventType } from '../proto/gen/kv.ts';
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RangeResponse,
  type RequestOp,
  TxnRequest,
  type TxnResponse,
} from '../proto/gen/rpc.ts';

/** Where the keys are: a member, or a cluster over a client. */
export interface LineStore {
  range(request: RangeRequest): Promise<RangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  /** Ends when events may have been missed. Rejects when `signal` fires, and when there can be no more events. */
  watch(span: WatchedSpan, signal: AbortSignal): AsyncIterable<SeenEvents>;
}

/** `end` as in requests: empty for the key alone. */
export interface WatchedSpan {
  readonly key: Uint8Array;
  readonly end: Uint8Array;
  readonly startRevision: number;
}

/** Events that came together, oldest first. */
export interface SeenEvents {
  readonly events: readonly Event[];
}

/** The keys of one name. */
export interface Line {
  readonly key: Buffer;
  readonly end: Buffer;
}

/** A place in the line: the key, and the revision that it was created at. */
export interface Place {
  readonly key: Uint8Array;
  readonly revision: number;
}

export const justTheKey = new Uint8Array(0);

/** All keys that begin with the name and a slash. */
export function lineOf(name: Uint8Array): Line {
  const bytes = Buffer.from(name);
  // The character after "/" is "0".
  return { key: Buffer.concat([bytes, Buffer.from('/')]), end: Buffer.concat([bytes, Buffer.from('0')]) };
}

/** The key that a lease has in a line. */
export function keyInLine({ key }: Line, lease: bigint): Buffer {
  return Buffer.concat([key, Buffer.from(lease.toString(16))]);
}

/** Asks for the key whose turn it is. */
export function firstOf({ key, end }: Line): RangeRequest {
  return RangeRequest.create({
    ...{ key, range_end: end, limit: 1 },
    ...{ sort_target: RangeRequest_SortTarget.CREATE, sort_order: RangeRequest_SortOrder.ASCEND },
  });
}

/** Does `then` if the key was created at `revision` (0: if it does not exist), and `otherwise` if not. */
export function ifCreatedAt(
  store: Pick<LineStore, 'txn'>,
  { key, revision }: Place,
  then: RequestOp[],
  otherwise: RequestOp[] = [],
): Promise<TxnResponse> {
  const compare = Compare.create({
    ...{ key, create_revision: revision },
    ...{ target: Compare_CompareTarget.CREATE, result: Compare_CompareResult.EQUAL },
  });
  return store.txn(TxnRequest.create({ compare: [compare], success: then, failure: otherwise }));
}

export const putOp = (key: Uint8Array, value: Uint8Array, lease: bigint): RequestOp => ({
  request_put: PutRequest.create({ key, value, lease }),
});
export const rangeOp = (request: RangeRequest): RequestOp => ({ request_range: request });

/** Takes a key out of the line if it is still the one that was put there. */
export function leave(store: Pick<LineStore, 'txn'>, place: Place): Promise<TxnResponse> {
  const request_delete_range = DeleteRangeRequest.create({ key: place.key });
  return ifCreatedAt(store, place, [{ request_delete_range }]);
}

/**
 * Waits until every key before `revision` is gone, watching only the last of them: nobody is woken for nothing.
 *
 * @throws whatever the store's watch does when `signal` fires or it cannot go on
 */
export async function waitForTurn(
  store: LineStore,
  { key, end }: Line,
  revision: number,
  signal: AbortSignal,
): Promise<void> {
  const before = RangeRequest.create({
    ...{ key, range_end: end, limit: 1, max_create_revision: revision - 1 },
    ...{ sort_target: RangeRequest_SortTarget.CREATE, sort_order: RangeRequest_SortOrder.DESCEND },
  });
  for (;;) {
    const { kvs, header } = await store.range(before);
    const [last] = kvs;
    if (last === undefined) return;
    await waitForDeletion(store, last.key, header?.revision ?? 0, signal);
  }
}

/** Returns early when deletions may have been missed: the caller looks again. */
async function waitForDeletion(
  store: LineStore,
  key: Uint8Array,
  startRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const { events } of store.watch({ key, end: justTheKey, startRevision }, signal)) {
    if (events.some(({ type }) => type === Event_EventType.DELETE)) return;
  }
}
