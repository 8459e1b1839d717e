/** etcdserverpb.Lease (contract: api.md §2.6). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { type LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseService } from '../proto/gen/rpc.ts';
import { bidiStream, type CallStream, type Method, unary } from './method.ts';

export function leaseMethods(member: EtcdMember): Method[] {
  return [
    unary(LeaseService.LeaseGrant, (request) => member.leaseGrant(request)),
    unary(LeaseService.LeaseRevoke, (request) => member.leaseRevoke(request)),
    bidiStream(LeaseService.LeaseKeepAlive, (stream) => keepAlive(member, stream)),
    unary(LeaseService.LeaseTimeToLive, (request) => member.leaseTimeToLive(request)),
    unary(LeaseService.LeaseLeases, async () => member.leaseLeases()),
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
    const TTL = await member.leaseRenew(ID);
    await stream.send(LeaseKeepAliveResponse.create({ header, ID, TTL }));
  }
}
