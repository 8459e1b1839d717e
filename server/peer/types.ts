/** What the peer protocol needs from the rest of the member, and tells it. */
import type { Message } from '../proto/gen/raft.ts';

/** Where messages go that have arrived, and what became of those that were sent. `member/` implements it. */
export interface RaftHandler {
  /** Steps a received message into raft. Bytes in it are views of the network's buffers, and may be kept. Must not throw. */
  process(message: Message): void;
  isRemoved(id: bigint): boolean;
  /** A message to this member was dropped or may have been lost: raft shall probe before it sends more. */
  reportUnreachable(id: bigint): void;
  /** What became of `sendSnapshot`. */
  reportSnapshot(id: bigint, ok: boolean): void;
  /**
   * Stores the database as `<index>.snap.db`, durably, then steps `message` into raft. `chunks` throws when the
   * transfer breaks off: only what comes before its regular end is a whole database.
   */
  receiveSnapshot(message: Message, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Another member says for certain that this one was removed from the cluster: stop for good. Called once. */
  removedFromCluster(): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields: Record<string, unknown>) => void;

/** Counters and observations under upstream's metric names, `etcd_network_...` (contract: api.md §6). */
export interface PeerMetrics {
  bytesSent(to: bigint, bytes: number): void;
  bytesReceived(from: bigint, bytes: number): void;
  sendFailed(to: bigint): void;
  receiveFailed(from: bigint): void;
  roundTrip(to: bigint, seconds: number): void;
  /** A peer became reachable or stopped being so. */
  activeChanged(id: bigint, active: boolean): void;
  snapshotSent(to: bigint, ok: boolean, seconds: number): void;
  snapshotReceived(from: bigint, ok: boolean, seconds: number): void;
}

/** The times of the protocol, in milliseconds. Upstream fixes all but the first; tests shorten them. */
export interface PeerTimes {
  /** To connect, TLS handshake included. Upstream: 1 s + election timeout. */
  dialTimeoutMs: number;
  /** Longest silence on a connection in use, either way. Upstream's 5 s is why both sides send heartbeats. */
  readTimeoutMs: number;
  /** Between two heartbeats of a stream, whatever else is sent. */
  heartbeatIntervalMs: number;
  /** Between two attempts of one stream to connect. */
  redialIntervalMs: number;
  probeIntervalMs: number;
  /** For the answer to a snapshot, once all of it is sent: the receiver has to make it durable first. */
  snapshotResponseTimeoutMs: number;
}

export const defaultTimes: PeerTimes = {
  dialTimeoutMs: 2000,
  readTimeoutMs: 5000,
  heartbeatIntervalMs: 5000 / 3,
  redialIntervalMs: 100,
  probeIntervalMs: 4000,
  snapshotResponseTimeoutMs: 30_000,
};

/** The text of anything thrown, with its error code when the message does not have it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message === '' ? error.name : error.message;
}
