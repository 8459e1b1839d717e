/**
 * What lies between the gRPC services and HTTP/2. The dispatcher sees calls and nothing of frames or sockets, so that
 * the layer below can be exchanged.
 */
import type { X509Certificate } from 'node:crypto';
import type { Code } from '../errors/etcd-error.ts';

/** A message may be larger than a request by this, upstream's allowance for what surrounds it. */
export const grpcOverheadBytes = 512 * 1024;

/** How a call ends; `message` is the text that clients match on, empty for success. */
export interface GrpcStatus {
  readonly code: Code;
  readonly message: string;
}

/** Whoever reads a message of a call. */
export interface MessageReader {
  /** The message; undefined when the client has said that there is none left. */
  message(bytes: Uint8Array | undefined): void;
  failed(error: Error): void;
}

/** One call, from its headers to its status. */
export interface GrpcCall {
  /** `/package.Service/Method`, as it came. */
  readonly path: string;
  /** One header of the request by its lower-case name; several of one name are joined with a comma. */
  metadata(name: string): string | undefined;
  /** Time that the client gives the call, in milliseconds from its start; undefined for no limit. */
  readonly timeoutMs: number | undefined;
  /** `address:port` of the client. */
  readonly remoteAddress: string;
  /** The client's certificate, when the listener has verified one. */
  peerCertificate(): X509Certificate | undefined;

  /**
   * Aborted when nobody waits any more: the client has cancelled or gone, or the call was finished. The reason is an
   * EtcdError Canceled in the first case.
   */
  readonly signal: AbortSignal;

  /** Calls `listener` when the client cancels or goes before the call is finished: `signal` for those in a hurry. */
  onCancel(listener: () => void): void;

  /**
   * The next message of the request; `undefined` when the client has said that there is none left. The bytes are the
   * caller's to keep. One read at a time.
   *
   * @throws EtcdError ResourceExhausted, Unimplemented or Internal when a message is too large, compressed in an
   *   unknown way or not a frame; Canceled when the client has gone
   */
  message(): Promise<Uint8Array | undefined>;

  /** As `message`, without a promise: the reader is told, within this call or later. */
  read(reader: MessageReader): void;

  /**
   * Sends one message of a streamed response.
   *
   * @returns nothing while the client keeps up; otherwise a promise that resolves when it can take more, or when it
   *   has gone
   */
  send(message: Uint8Array): Promise<void> | undefined;

  /** Answers a unary call: the message and success. */
  reply(message: Uint8Array): void;

  /** Ends the call. Once is enough: later calls of `finish`, `reply` and `send` do nothing. */
  finish(status: GrpcStatus): void;
}

export type GrpcHandler = (call: GrpcCall) => void;
