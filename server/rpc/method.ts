/** How services declare their methods to the dispatcher. */
import type { X509Certificate } from 'node:crypto';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { MethodDefinition, ProtoCodec } from '../proto/wire.ts';

/** What a handler may know about its caller. */
export interface CallContext {
  /** A header of the request by its lower-case name. */
  metadata(name: string): string | undefined;
  readonly remoteAddress: string;
  /** The client's verified certificate. */
  peerCertificate(): X509Certificate | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** A call with a streamed request, response, or both. */
export interface CallStream<Request, Response> extends CallContext {
  /**
   * The next message of the client, or undefined when it has half-closed.
   *
   * @throws EtcdError when the message cannot be read, or the client has gone
   */
  receive(): Promise<Request | undefined>;
  /** @returns nothing, or a promise to wait for before sending more */
  send(response: Response): Promise<void> | undefined;
}

type Definition<Request, Response> = MethodDefinition<Request, Response>;

/** One method as the dispatcher runs it. A learner answers only those that say that they can. */
export type Method = UnaryMethod | StreamMethod;

export interface UnaryMethod {
  readonly kind: 'unary';
  readonly definition: Definition<unknown, unknown>;
  readonly allowedOnLearner: (request: unknown) => boolean;
  readonly handle: (request: unknown, context: CallContext) => Promise<unknown>;
}

export interface StreamMethod {
  readonly kind: 'stream';
  readonly definition: Definition<unknown, unknown>;
  readonly allowedOnLearner: boolean;
  /** Whether it comes to an end without the client: one that does not is cut when the server stops. */
  readonly isFinite: boolean;
  /** Settles when the call is over; rejecting gives its status. */
  readonly handle: (stream: CallStream<unknown, unknown>) => Promise<void>;
}

export interface UnaryOptions<Request> {
  /** Whether a learner may answer such a request; never, unless given. */
  readonly allowedOnLearner?: (request: Request) => boolean;
}

/** Declares a method with one request and one response. */
export function unary<Request, Response>(
  definition: Definition<Request, Response>,
  handle: (request: Request, context: CallContext) => Promise<Response>,
  { allowedOnLearner = () => false }: UnaryOptions<Request> = {},
): Method {
  return { kind: 'unary', definition, handle, allowedOnLearner } as UnaryMethod;
}

/** As `unary`, for a handler that gives the response encoded. */
export function unaryEncoded<Request, Response>(
  { response, ...definition }: Definition<Request, Response>,
  handle: (request: Request, context: CallContext) => Promise<Uint8Array>,
  options?: UnaryOptions<Request>,
): Method {
  const asItIs = { ...response, encode: (bytes: Uint8Array) => bytes };
  return unary({ ...definition, response: asItIs as unknown as ProtoCodec<Uint8Array> }, handle, options);
}

/** Declares a method with one request and many responses. */
export function serverStream<Request, Response>(
  definition: Definition<Request, Response>,
  handle: (request: Request, stream: CallStream<Request, Response>) => Promise<void>,
  { allowedOnLearner = false, isFinite = false }: { allowedOnLearner?: boolean; isFinite?: boolean } = {},
): Method {
  const receiveAndHandle = async (stream: CallStream<Request, Response>): Promise<void> => {
    const request = await stream.receive();
    if (request === undefined) throw new EtcdError(Code.Unknown, 'EOF');
    await handle(request, stream);
  };
  return { kind: 'stream', definition, handle: receiveAndHandle, allowedOnLearner, isFinite } as StreamMethod;
}

/** Declares a method with many requests and many responses, independent of each other. */
export function bidiStream<Request, Response>(
  definition: Definition<Request, Response>,
  handle: (stream: CallStream<Request, Response>) => Promise<void>,
): Method {
  return { kind: 'stream', definition, handle, allowedOnLearner: false, isFinite: false } as StreamMethod;
}
