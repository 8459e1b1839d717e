/** gRPC as etcd's clients see it, and the sockets that it comes over. */
import type { EtcdMember } from '../member/etcd-member.ts';
import { authMethods } from './auth.ts';
import { clusterMethods } from './cluster.ts';
import { electionMethods } from './election.ts';
import { healthMethods } from './health.ts';
import { kvMethods } from './kv.ts';
import { leaseMethods } from './lease.ts';
import { lockMethods } from './lock.ts';
import { maintenanceMethods } from './maintenance.ts';
import type { Method } from './method.ts';
import { type WatchOptions, watchMethods } from './watch.ts';

export { type CallStats, codeNames, handlingBuckets, type MethodStats } from './call-stats.ts';
export { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
export type { KeepaliveRule } from './keepalive.ts';
export { type ListenAddress, Listener, type ListenerOptions, type ListenerServices, openListener } from './listener.ts';
export { bidiStream, type CallContext, type CallStream, type Method, serverStream, unary } from './method.ts';
export {
  type GrpcCall,
  type GrpcHandler,
  type GrpcStatus,
  grpcOverheadBytes,
  type MessageReader,
} from './transport.ts';

/** Every method that the server answers or refuses by name. */
export function etcdMethods(member: EtcdMember, watchOptions: WatchOptions = {}): Method[] {
  return [
    ...kvMethods(member),
    ...watchMethods(member, watchOptions),
    ...leaseMethods(member),
    ...clusterMethods(member),
    ...maintenanceMethods(member),
    ...authMethods(member),
    ...lockMethods(member),
    ...electionMethods(member),
    ...healthMethods(),
  ];
}
