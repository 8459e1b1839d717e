/** etcdserverpb.KV. The member checks requests itself; a learner answers serializable reads. */
import type { EtcdMember } from '../member/etcd-member.ts';
import { KVService } from '../proto/gen/rpc.ts';
import { type Method, unary } from './method.ts';

export function kvMethods(member: EtcdMember): Method[] {
  return [
    unary(KVService.Range, (request) => member.range(request), {
      allowedOnLearner: ({ serializable }) => serializable,
    }),
    unary(KVService.Put, (request) => member.put(request)),
    unary(KVService.DeleteRange, (request) => member.deleteRange(request)),
    unary(KVService.Txn, (request) => member.txn(request)),
    unary(KVService.Compact, (request) => member.compact(request)),
  ];
}
