/** A lock that one lease has at a time (contract: api.md §1.7). */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { RangeRequest, type ResponseHeader } from '../proto/gen/rpc.ts';
import {
  firstOf,
  ifCreatedAt,
  justTheKey,
  keyInLine,
  type LineStore,
  leave,
  lineOf,
  type Place,
  putOp,
  rangeOp,
  waitForTurn,
} from './waiting-line.ts';

/** A lock that is held as long as `place.key` exists with that create revision. */
export interface HeldLock {
  readonly place: Place;
  readonly header: ResponseHeader | undefined;
}

/**
 * Waits until `lease` has the lock. Whoever has it already goes on with it: a call may be repeated.
 *
 * @throws EtcdError when the lease has ended while it waited; what the store throws, with nothing left in the line
 */
export async function acquireLock(
  store: LineStore,
  name: Uint8Array,
  lease: bigint,
  signal: AbortSignal,
): Promise<HeldLock> {
  const line = lineOf(name);
  const key = keyInLine(line, lease);
  const first = rangeOp(firstOf(line));
  const own = RangeRequest.create({ key });
  const free: Place = { key, revision: 0 };
  const entered = await ifCreatedAt(store, free, [putOp(key, justTheKey, lease), first], [rangeOp(own), first]);
  const [mine, owner] = entered.responses.map(({ response_range }) => response_range?.kvs[0]);
  const place: Place = { key, revision: mine?.create_revision ?? entered.header?.revision ?? 0 };
  if (owner === undefined || owner.create_revision === place.revision) return { place, header: entered.header };
  try {
    await waitForTurn(store, line, place.revision, signal);
    const { header, kvs } = await store.range(own);
    if (kvs.length === 0) throw new EtcdError(Code.Unknown, 'mutex: session is expired');
    // Its turn came as it went away: nobody is told that the lock is held.
    if (signal.aborted) throw new EtcdError(Code.Canceled, 'context canceled');
    return { place, header };
  } catch (error) {
    // Else others would wait for somebody who has gone. If this fails as well, the lease takes the key away.
    await leave(store, place).catch(() => undefined);
    throw error;
  }
}
