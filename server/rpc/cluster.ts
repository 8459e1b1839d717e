/** etcdserverpb.Cluster. Headers of this service carry no revision (contract: api.md §2.2). */
import type { EtcdMember } from '../member/etcd-member.ts';
import {
  ClusterService,
  MemberAddResponse,
  MemberListResponse,
  MemberPromoteResponse,
  MemberRemoveResponse,
  MemberUpdateResponse,
  type ResponseHeader,
} from '../proto/gen/rpc.ts';
import { type Method, unary } from './method.ts';

export function clusterMethods(member: EtcdMember): Method[] {
  const header = (): ResponseHeader => ({ ...member.header(), revision: 0 });
  return [
    unary(ClusterService.MemberList, async ({ linearizable }, caller) => {
      const members = await member.members(linearizable, caller);
      return MemberListResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberAdd, async ({ peerURLs, isLearner }, caller) => {
      const added = await member.memberAdd(peerURLs, isLearner, caller);
      return MemberAddResponse.create({ header: header(), ...added });
    }),
    unary(ClusterService.MemberRemove, async ({ ID }, caller) => {
      const members = await member.memberRemove(ID, caller);
      return MemberRemoveResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberUpdate, async ({ ID, peerURLs }, caller) => {
      const members = await member.memberUpdate(ID, peerURLs, caller);
      return MemberUpdateResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberPromote, async ({ ID }, caller) => {
      const members = await member.memberPromote(ID, caller);
      return MemberPromoteResponse.create({ header: header(), members });
    }),
  ];
}
