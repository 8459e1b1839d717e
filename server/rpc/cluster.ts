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
    unary(ClusterService.MemberList, async ({ linearizable }) => {
      const members = await member.members(linearizable);
      return MemberListResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberAdd, async ({ peerURLs, isLearner }) => {
      const added = await member.memberAdd(peerURLs, isLearner);
      return MemberAddResponse.create({ header: header(), ...added });
    }),
    unary(ClusterService.MemberRemove, async ({ ID }) => {
      const members = await member.memberRemove(ID);
      return MemberRemoveResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberUpdate, async ({ ID, peerURLs }) => {
      const members = await member.memberUpdate(ID, peerURLs);
      return MemberUpdateResponse.create({ header: header(), members });
    }),
    unary(ClusterService.MemberPromote, async ({ ID }) => {
      const members = await member.memberPromote(ID);
      return MemberPromoteResponse.create({ header: header(), members });
    }),
  ];
}
