/** v3lockpb.Lock (contract: api.md §1.7). */
import { acquireLock } from '../concurrency/mod.ts';
import { LockResponse, LockService, UnlockResponse } from '../proto/gen/lock.ts';
import { DeleteRangeRequest } from '../proto/gen/rpc.ts';
import { type LineMember, leaseFor, lineStore, withUnknownCodes } from './line-store.ts';
import { type Method, unary } from './method.ts';

export function lockMethods(member: LineMember): Method[] {
  return [
    unary(LockService.Lock, ({ name, lease }, context) =>
      withUnknownCodes(async () => {
        const given = await leaseFor(member, lease, context);
        const { place, header } = await acquireLock(lineStore(member, context), name, given, context.signal);
        return LockResponse.create({ header, key: place.key });
      }),
    ),
    unary(LockService.Unlock, ({ key }, context) =>
      withUnknownCodes(async () => {
        const { header } = await member.deleteRange(DeleteRangeRequest.create({ key }), context);
        return UnlockResponse.create({ header });
      }),
    ),
  ];
}
