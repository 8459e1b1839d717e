/** etcdserverpb.Lease (contract: api.md §2.6). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { type LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseService } from '../proto/gen/rpc.ts';
import { bidiStream, type CallStream, type Method, unary } from './method.ts';

export function leaseMethods(member: EtcdMember): Method[] {
  return [
    unary(LeaseService.LeaseGrant, (request, caller) => member.leaseGrant(request, caller)),
    unary(LeaseService.LeaseRevoke, (request, caller) => member.leaseRevoke(request, caller)),
    bidiStream(LeaseService.LeaseKeepAlive, (stream) => keepAlive(member, stream)),
    unary(LeaseService.LeaseTimeToLive, (request, caller) => member.leaseTimeToLive(request, caller)),
    unary(LeaseService.LeaseLeases, (_request, caller) => member.leaseLeases(caller)),
  ];
}

/** One renewal after the other, as they come; a lease that is gone does not end the stream. */
async function keepAlive(
  member: Pick<EtcdMember, 'header' | 'leaseRenew'>,
  stream: CallStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
): Promise<void> {
  for (let request = await stream.receive(); request !== undefined; request = await stream.receive()) {
    const { ID } = request;
    // Before the renewal: a client must not be told of a revision at which the lease may be gone already.
    const header = member.header();
    const TTL = await member.leaseRenew(ID, stream);
    await stream.send(LeaseKeepAliveResponse.create({ header, ID, TTL }));
  }
}
