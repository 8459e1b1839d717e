/** etcdserverpb.KV. The member checks requests itself; a learner answers serializable reads. */
import type { EtcdMember } from '../member/etcd-member.ts';
import { KVService } from '../proto/gen/rpc.ts';
import { type Method, unary, unaryEncoded } from './method.ts';

export function kvMethods(member: EtcdMember): Method[] {
  return [
    unaryEncoded(KVService.Range, (request, caller) => member.rangeEncoded(request, caller), {
      allowedOnLearner: ({ serializable }) => serializable,
    }),
    unary(KVService.Put, (request, caller) => member.put(request, caller)),
    unary(KVService.DeleteRange, (request, caller) => member.deleteRange(request, caller)),
    unary(KVService.Txn, (request, caller) => member.txn(request, caller)),
    unary(KVService.Compact, (request, caller) => member.compact(request, caller)),
  ];
}
