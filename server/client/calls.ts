/**
 * The part of the client that makes calls. Command lines take it from here: what else the client can do takes longer to
 * load than a call takes.
 */
export type { CallOptions, ClientTls, EtcdClientOptions } from './client-options.ts';
export { parseEndpoint } from './endpoint-address.ts';
export { EtcdClient } from './etcd-client.ts';
export { describeRpcError, RpcError } from './rpc-error.ts';
