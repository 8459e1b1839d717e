/**
 * Waiting lines of keys, as upstream's concurrency recipes make them: each who waits has a key `<name>/<lease id in hex>`
 * that goes with the lease, and it is the turn of the key that was created first (contract: api.md §1.7).
 */
import { Code, EtcdError, errStopped } from '../../errors/etcd-error.ts';
import type { EtcdMember } from '../../member/etcd-member.ts';
import { Event_EventType } from '../../proto/gen/kv.ts';
import {
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  LeaseGrantRequest,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RequestOp,
  TxnRequest,
  type TxnResponse,
} from '../../proto/gen/rpc.ts';
import { localWatch } from './local-watch.ts';

/** What waiting takes of a member. */
export type LineMember = Pick<EtcdMember, 'range' | 'put' | 'deleteRange' | 'txn' | 'leaseGrant' | 'watches'>;

/** The keys of one name. */
export interface KeySpan {
  readonly key: Buffer;
  readonly end: Buffer;
}

/** A place in the line: the key, and the revision that it was created at. */
export interface Place {
  readonly key: Uint8Array;
  readonly revision: number;
}

/** What a client that brings no lease is given; nobody renews it. */
const defaultTtlSeconds = 60;

const justTheKey = new Uint8Array(0);

/** All keys that begin with the name and a slash. */
export function lineOf(name: Uint8Array): KeySpan {
  const bytes = Buffer.from(name);
  // The character after "/" is "0".
  return { key: Buffer.concat([bytes, Buffer.from('/')]), end: Buffer.concat([bytes, Buffer.from('0')]) };
}

/** The key that a lease has in a line. */
export function keyInLine({ key }: KeySpan, lease: bigint): Buffer {
  return Buffer.concat([key, Buffer.from(lease.toString(16))]);
}

/** The client's lease, or a new one for the client that has none. */
export async function leaseFor(member: Pick<LineMember, 'leaseGrant'>, lease: bigint): Promise<bigint> {
  if (lease !== 0n) return lease;
  return (await member.leaseGrant(LeaseGrantRequest.create({ TTL: defaultTtlSeconds }))).ID;
}

/** Asks for the key whose turn it is. */
export function firstOf({ key, end }: KeySpan): RangeRequest {
  return RangeRequest.create({
    ...{ key, range_end: end, limit: 1 },
    ...{ sort_target: RangeRequest_SortTarget.CREATE, sort_order: RangeRequest_SortOrder.ASCEND },
  });
}

/** Does `then` if the key was created at `revision` (0: if it does not exist), and `otherwise` if not. */
export function ifCreatedAt(
  member: Pick<LineMember, 'txn'>,
  { key, revision }: Place,
  then: RequestOp[],
  otherwise: RequestOp[] = [],
): Promise<TxnResponse> {
  const compare = Compare.create({
    ...{ key, create_revision: revision },
    ...{ target: Compare_CompareTarget.CREATE, result: Compare_CompareResult.EQUAL },
  });
  return member.txn(TxnRequest.create({ compare: [compare], success: then, failure: otherwise }));
}

export const putOp = (key: Uint8Array, value: Uint8Array, lease: bigint): RequestOp => ({
  request_put: PutRequest.create({ key, value, lease }),
});
export const rangeOp = (request: RangeRequest): RequestOp => ({ request_range: request });

/** Takes a key out of the line if it is still the one that was put there. */
export function leave(member: Pick<LineMember, 'txn'>, place: Place): Promise<TxnResponse> {
  const request_delete_range = DeleteRangeRequest.create({ key: place.key });
  return ifCreatedAt(member, place, [{ request_delete_range }]);
}

/**
 * Waits until every key before `revision` is gone, watching only the last of them: nobody is woken for nothing.
 *
 * @throws EtcdError Canceled when `signal` fires, `server stopped` when the member stops
 */
export async function waitForTurn(
  member: Pick<LineMember, 'range' | 'watches'>,
  { key, end }: KeySpan,
  revision: number,
  signal: AbortSignal,
): Promise<void> {
  const before = RangeRequest.create({
    ...{ key, range_end: end, limit: 1, max_create_revision: revision - 1 },
    ...{ sort_target: RangeRequest_SortTarget.CREATE, sort_order: RangeRequest_SortOrder.DESCEND },
  });
  for (;;) {
    const { kvs, header } = await member.range(before);
    const [last] = kvs;
    if (last === undefined) return;
    await waitForDeletion(member, last.key, header?.revision ?? 0, signal);
  }
}

/** Returns early when deletions may have been missed: the caller looks again. */
async function waitForDeletion(
  { watches }: Pick<LineMember, 'watches'>,
  key: Uint8Array,
  startRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for await (const { events } of localWatch(watches, { key, end: justTheKey, startRevision }, signal)) {
    if (events.some(({ type }) => type === Event_EventType.DELETE)) return;
  }
}

/**
 * Runs a method of these services. Upstream's answer through a client of their own, which turns the code of every error
 * into Unknown; only that the call is over, or the member stops, keeps its code.
 */
export async function withUnknownCodes<T>(method: () => Promise<T>): Promise<T> {
  try {
    return await method();
  } catch (error) {
    if (!(error instanceof EtcdError) || error.code === Code.Canceled || error.message === errStopped().message) {
      throw error;
    }
    throw new EtcdError(Code.Unknown, error.message);
  }
}
