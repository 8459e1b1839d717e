/** What the services of locks and elections have in common: the member as a store of waiting lines. */
import type { LineStore, SeenEvents, WatchedSpan } from '../concurrency/mod.ts';
import { Code, EtcdError, errStopped } from '../errors/etcd-error.ts';
import type { Caller, EtcdMember } from '../member/etcd-member.ts';
import { LeaseGrantRequest } from '../proto/gen/rpc.ts';
import { localWatch } from './local-watch.ts';

/** What waiting takes of a member. */
export type LineMember = Pick<
  EtcdMember,
  'range' | 'deleteRange' | 'txn' | 'leaseGrant' | 'watches' | 'authorizeWatch' | 'header'
>;

/** What a client that brings no lease is given; nobody renews it. */
const defaultTtlSeconds = 60;

/** A member that takes every request for one of the caller's: users may wait in lines whose keys they may use. */
export function lineStore(member: LineMember, caller: Caller): LineStore {
  return {
    range: (request) => member.range(request, caller),
    txn: (request) => member.txn(request, caller),
    watch: (span, signal) => watchFor(member, caller, span, signal),
  };
}

async function* watchFor(
  member: LineMember,
  caller: Caller,
  span: WatchedSpan,
  signal: AbortSignal,
): AsyncGenerator<SeenEvents, void, undefined> {
  await member.authorizeWatch(span.key, span.end, caller);
  yield* localWatch(member.watches, span, signal);
}

/** The client's lease, or a new one for the client that has none. */
export async function leaseFor(member: Pick<LineMember, 'leaseGrant'>, lease: bigint, caller: Caller): Promise<bigint> {
  if (lease !== 0n) return lease;
  return (await member.leaseGrant(LeaseGrantRequest.create({ TTL: defaultTtlSeconds }), caller)).ID;
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
