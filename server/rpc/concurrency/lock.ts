/** v3lockpb.Lock (contract: api.md §1.7). */
import { Code, EtcdError } from '../../errors/etcd-error.ts';
import { LockResponse, LockService, UnlockResponse } from '../../proto/gen/lock.ts';
import { DeleteRangeRequest, RangeRequest } from '../../proto/gen/rpc.ts';
import { type Method, unary } from '../method.ts';
import {
  firstOf,
  ifCreatedAt,
  keyInLine,
  type LineMember,
  leaseFor,
  leave,
  lineOf,
  type Place,
  putOp,
  rangeOp,
  waitForTurn,
  withUnknownCodes,
} from './waiting-line.ts';

export function lockMethods(member: LineMember): Method[] {
  return [
    unary(LockService.Lock, ({ name, lease }, { signal }) =>
      withUnknownCodes(async () => lock(member, name, await leaseFor(member, lease), signal)),
    ),
    unary(LockService.Unlock, ({ key }) =>
      withUnknownCodes(async () => {
        const { header } = await member.deleteRange(DeleteRangeRequest.create({ key }));
        return UnlockResponse.create({ header });
      }),
    ),
  ];
}

async function lock(member: LineMember, name: Uint8Array, lease: bigint, signal: AbortSignal): Promise<LockResponse> {
  const line = lineOf(name);
  const key = keyInLine(line, lease);
  const first = rangeOp(firstOf(line));
  const own = RangeRequest.create({ key });
  // Whoever has the key already goes on with it: a call may be repeated.
  const entered = await ifCreatedAt(
    member,
    { key, revision: 0 },
    [putOp(key, new Uint8Array(0), lease), first],
    [rangeOp(own), first],
  );
  const [mine, owner] = entered.responses.map(({ response_range }) => response_range?.kvs[0]);
  const revision = mine?.create_revision ?? entered.header?.revision ?? 0;
  if (owner === undefined || owner.create_revision === revision) {
    return LockResponse.create({ header: entered.header, key });
  }
  const place: Place = { key, revision };
  try {
    await waitForTurn(member, line, revision, signal);
    const { header, kvs } = await member.range(own);
    if (kvs.length === 0) throw new EtcdError(Code.Unknown, 'mutex: session is expired');
    return LockResponse.create({ header, key });
  } catch (error) {
    // Else others would wait for somebody who has gone. If this fails as well, the lease takes the key away.
    await leave(member, place).catch(() => undefined);
    throw error;
  }
}
