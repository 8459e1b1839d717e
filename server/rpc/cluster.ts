/** etcdserverpb.Cluster. Headers of this service carry no revision (contract: api.md §2.2). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { ClusterService, MemberListResponse } from '../proto/gen/rpc.ts';
import { type Method, unary, unimplemented } from './method.ts';

const reason = 'the members of this cluster cannot be changed';

export function clusterMethods(member: EtcdMember): Method[] {
  return [
    unary(ClusterService.MemberList, async ({ linearizable }) => {
      const members = await member.members(linearizable);
      return MemberListResponse.create({ header: { ...member.header(), revision: 0 }, members });
    }),
    unimplemented(ClusterService.MemberAdd, reason),
    unimplemented(ClusterService.MemberRemove, reason),
    unimplemented(ClusterService.MemberUpdate, reason),
    unimplemented(ClusterService.MemberPromote, reason),
  ];
}
