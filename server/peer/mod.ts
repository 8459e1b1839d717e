/** Upstream's peer protocol: messages between members, and what members ask each other besides. */
export type { NameService } from './client-address.ts';
export {
  PeerClient,
  PeerClientError,
  type PeerClientOptions,
  type RemoteCluster,
  type RemoteHashKv,
  type RemoteVersion,
} from './peer-client.ts';
export type { HashKv, PeerHandlers } from './peer-endpoints.ts';
export { createPeerServer, type PeerServer, type PeerServerOptions } from './peer-server.ts';
export { type PeerTls, PeerTlsError, TlsFiles } from './tls.ts';
export { Transport, type TransportOptions } from './transport.ts';
export { defaultTimes, type Log, type LogLevel, type PeerMetrics, type PeerTimes, type RaftHandler } from './types.ts';
