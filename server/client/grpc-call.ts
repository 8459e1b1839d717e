/** One call over gRPC: messages out, messages and a status back (grpc/doc/PROTOCOL-HTTP2). */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { AnswerHandler, ClientSession, ClientStream, HeaderField, StreamFailure } from '../h2/mod.ts';
import { frameMessage, MessageAssembler } from '../rpc/messages.ts';
import { failureOf, statusOf, strangerStatus } from './grpc-status.ts';
import { RpcError } from './rpc-error.ts';

/** As upstream's client: what fits into Go's int32. */
const maxMessageBytes = 2 ** 31 - 1;
/** setTimeout's limit; a longer wait is as good as an endless one. */
const longestTimerMs = 2 ** 31 - 1;

/** The messages of a call, not decoded. Leaving the loop over them early cancels the call. */
export interface MessageStream extends AsyncIterable<Uint8Array> {
  send(message: Uint8Array): void;
  cancel(): void;
}

/** What a call goes by, besides its path and its messages. */
export interface GrpcCallOptions {
  readonly endpoint: string;
  /** Until the status must be there; Infinity for no limit. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class GrpcCall implements MessageStream, AnswerHandler {
  private readonly options: GrpcCallOptions;
  private readonly stream: ClientStream;
  private readonly assembler = new MessageAssembler(maxMessageBytes);
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly onAbort = (): void => this.cancel();
  private fieldsSeen: readonly HeaderField[] = [];
  /** Received, and not acknowledged to the server while a message waits for its reader. */
  private heldBytes = 0;
  private hasEnded = false;
  private failure: RpcError | undefined;
  /** Whether the end came from this side: what has arrived before it is of no use to anybody. */
  private isStopped = false;
  private wakeReader: (() => void) | undefined;

  /** @param head the request's header fields */
  constructor(session: ClientSession, head: readonly HeaderField[], options: GrpcCallOptions) {
    this.options = options;
    const { timeoutMs, signal } = options;
    this.stream = session.request(head, this);
    if (timeoutMs <= longestTimerMs) this.timer = setTimeout(() => this.expire(), timeoutMs);
    signal?.addEventListener('abort', this.onAbort, { once: true });
    if (signal?.aborted) this.cancel();
  }

  send(message: Uint8Array): void {
    this.stream.send(frameMessage(message), false);
  }

  /** Sends the one message of a request that has no more. */
  sendOnly(message: Uint8Array): void {
    this.stream.send(frameMessage(message), true);
  }

  /** The one message of an answer. @throws RpcError with the status, or Internal when there is not exactly one */
  async answer(): Promise<Uint8Array> {
    let only: Uint8Array | undefined;
    for await (const message of this) {
      if (only !== undefined) throw this.wrongCount('more messages than one');
      only = message;
    }
    if (only === undefined) throw this.wrongCount('0 messages');
    return only;
  }

  cancel(): void {
    this.stop(this.refused(Code.Canceled, 'context canceled'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (this.isStopped) throw this.failure;
        const message = this.assembler.take();
        if (message !== undefined) {
          this.acknowledge();
          if (message.compressed) throw this.refused(Code.Internal, 'grpc: compressed, which was not asked for');
          yield message.bytes;
        } else if (this.hasEnded) {
          if (this.failure !== undefined) throw this.failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.wakeReader = resolve;
          });
        }
      }
    } finally {
      this.cancel();
    }
  }

  /** For the stream: header fields or trailers. */
  fields(fields: readonly HeaderField[]): void {
    // What does not begin as gRPC has a body that means nothing here, and perhaps no end.
    const stranger = this.fieldsSeen.length === 0 ? strangerStatus(fields, this.options.endpoint) : undefined;
    this.fieldsSeen = [...this.fieldsSeen, ...fields];
    if (stranger !== undefined) this.stop(stranger);
  }

  /** For the stream: a part of the answer. */
  data(bytes: Uint8Array): void {
    this.heldBytes += bytes.length;
    try {
      this.assembler.push(bytes);
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      this.stop(this.refused(error.code, error.message));
      return;
    }
    this.acknowledge();
    this.wake();
  }

  /** For the stream: it is over. */
  end(failure: StreamFailure | undefined): void {
    const { endpoint } = this.options;
    if (failure !== undefined) this.finish(failureOf(failure, endpoint));
    else this.finish(statusOf(this.fieldsSeen, this.assembler.hasPartial, endpoint));
  }

  private expire(): void {
    // A request that still waits for its turn has certainly done nothing.
    const neverSent = this.stream.id === 0;
    const { endpoint } = this.options;
    this.stop(new RpcError(Code.DeadlineExceeded, 'context deadline exceeded', { endpoint, neverSent }));
  }

  private refused(code: Code, message: string): RpcError {
    return new RpcError(code, message, { endpoint: this.options.endpoint });
  }

  private wrongCount(what: string): RpcError {
    return this.refused(Code.Internal, `cardinality violation: ${what} for an answer of one`);
  }

  private stop(failure: RpcError): void {
    if (this.hasEnded) return;
    this.isStopped = true;
    this.stream.reset();
    this.finish(failure);
  }

  private finish(failure: RpcError | undefined): void {
    this.hasEnded = true;
    this.failure = failure;
    clearTimeout(this.timer);
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.wake();
  }

  private wake(): void {
    this.wakeReader?.();
    this.wakeReader = undefined;
  }

  /** What nobody reads stays with the server: HTTP/2's flow control holds it back. */
  private acknowledge(): void {
    if (this.assembler.hasMessage || this.heldBytes === 0) return;
    this.stream.consumed(this.heldBytes);
    this.heldBytes = 0;
  }
}
