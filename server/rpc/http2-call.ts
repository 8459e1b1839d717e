/** A gRPC call on a stream of HTTP/2. */
import type { X509Certificate } from 'node:crypto';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { HeaderField, ServerStream, StreamHandler } from '../h2/mod.ts';
import {
  decompress,
  encodeStatusMessage,
  frameMessage,
  MessageAssembler,
  parseTimeout,
  type RawMessage,
} from './messages.ts';
import type { GrpcCall, GrpcStatus, MessageReader } from './transport.ts';

/** What a call needs to know of its connection. */
export interface Connection {
  readonly remoteAddress: string;
  readonly certificate: X509Certificate | undefined;
  /** Called with each answer that is sent, for the rules about pings. */
  answered(): void;
  /** Memory taken by messages that are not complete or not read has become more or less. @returns whether it may */
  hold(bytes: number): boolean;
}

/** Above this size a message is not copied behind its prefix any more, but sent as a frame of its own. */
const copyLimitBytes = 32 * 1024;

export class Http2Call implements GrpcCall, StreamHandler {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  private readonly stream: ServerStream;
  private readonly connection: Connection;
  private readonly maxReceiveBytes: number;
  private readonly assembler: MessageAssembler;
  private reader: MessageReader | undefined;
  private abort: AbortController | undefined;
  private cancelListener: (() => void) | undefined;
  /** Whoever waits until the client can take more. */
  private waitingForRoom: (() => void)[] = [];
  /** Why nothing more can be read, once that is so. */
  private failure: Error | undefined;
  /** Received, and not acknowledged to the client while a message waits for its reader. */
  private heldBytes = 0;
  /** What the connection knows that this call holds. */
  private countedBytes = 0;
  private requestEnded = false;
  private headersSent = false;
  private finished = false;

  /**
   * @param maxReceiveBytes the largest message taken
   * @throws EtcdError for headers that upstream's library refuses
   */
  constructor(stream: ServerStream, connection: Connection, maxReceiveBytes: number) {
    this.stream = stream;
    this.connection = connection;
    this.path = stream.head.path;
    this.maxReceiveBytes = maxReceiveBytes;
    this.assembler = new MessageAssembler(maxReceiveBytes);
    const timeout = stream.head.get('grpc-timeout');
    this.timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  get signal(): AbortSignal {
    if (this.abort === undefined) {
      this.abort = new AbortController();
      if (this.finished || this.failure !== undefined) this.abort.abort(canceled());
    }
    return this.abort.signal;
  }

  onCancel(listener: () => void): void {
    this.cancelListener = listener;
  }

  metadata(name: string): string | undefined {
    return this.stream.head.get(name);
  }

  peerCertificate(): X509Certificate | undefined {
    return this.connection.certificate;
  }

  message(): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => this.read({ message: resolve, failed: reject }));
  }

  read(reader: MessageReader): void {
    if (this.reader !== undefined) throw new Error('a call is read by one reader at a time');
    if (this.assembler.hasMessage) {
      this.deliver(reader);
      this.acknowledge();
    } else if (this.failure !== undefined || this.finished) {
      reader.failed(this.failure ?? canceled());
    } else if (this.requestEnded) {
      reader.message(undefined);
    } else {
      this.reader = reader;
    }
  }

  send(message: Uint8Array): Promise<void> | undefined {
    if (this.finished || this.stream.isClosed) return undefined;
    this.sendHeaders();
    if (this.write(message)) return undefined;
    return new Promise((resolve) => this.waitingForRoom.push(resolve));
  }

  reply(message: Uint8Array): void {
    if (this.finished) return;
    this.finished = true;
    this.sendHeaders();
    this.write(message);
    this.stream.trailers(okTrailers);
    this.release();
  }

  finish(status: GrpcStatus): void {
    if (this.finished) return;
    this.finished = true;
    if (!this.headersSent && status.code !== Code.OK) {
      this.connection.answered();
      this.stream.respond([...responseHeaders, ...trailers(status)], true);
    } else {
      this.sendHeaders();
      this.stream.trailers(trailers(status));
    }
    this.release();
  }

  /** For the stream: a part of the request. */
  data(bytes: Uint8Array): void {
    this.heldBytes += bytes.length;
    if (!this.finished && this.failure === undefined) this.receive(bytes);
    this.acknowledge();
  }

  /** For the stream: the client has sent all. */
  end(): void {
    this.requestEnded = true;
    if (this.assembler.hasPartial) {
      this.fail(new EtcdError(Code.Unknown, 'unexpected EOF'));
      return;
    }
    const { reader } = this;
    this.reader = undefined;
    reader?.message(undefined);
  }

  /** For the stream: the client has cancelled or gone. */
  reset(): void {
    const error = canceled();
    this.fail(error);
    this.abort?.abort(error);
    this.drain();
    this.forgetHeld();
    if (!this.finished) this.cancelListener?.();
  }

  /** For the stream: the client can take more. */
  drain(): void {
    for (const resolve of this.waitingForRoom.splice(0)) resolve();
  }

  /** The end of a call: whoever listens can stop, and whoever reads. */
  private release(): void {
    this.abort?.abort();
    // Nearly no call has a reader at its end, and an error with its stack takes longer than all of an answer.
    if (this.reader !== undefined) this.fail(canceled());
    this.drain();
    this.forgetHeld();
    this.acknowledge();
  }

  private sendHeaders(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    this.connection.answered();
    this.stream.respond(responseHeaders);
  }

  /** @returns whether the stream can take more at once */
  private write(message: Uint8Array): boolean {
    if (message.length <= copyLimitBytes) return this.stream.data(frameMessage(message));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.stream.data(prefix);
    return this.stream.data(message);
  }

  private receive(bytes: Uint8Array): void {
    try {
      this.assembler.push(bytes);
      if (!this.countHeld()) throw new EtcdError(Code.ResourceExhausted, 'too much that is unread on one connection');
    } catch (error) {
      this.fail(error as Error);
      this.forgetHeld();
      return;
    }
    const { reader } = this;
    if (reader === undefined || !this.assembler.hasMessage) return;
    this.reader = undefined;
    this.deliver(reader);
  }

  /** What nobody reads stays with the client: HTTP/2's flow control holds it back. */
  private acknowledge(): void {
    if (this.heldBytes === 0 || (this.assembler.hasMessage && !this.finished)) return;
    this.stream.consumed(this.heldBytes);
    this.heldBytes = 0;
  }

  /** @returns whether the connection may hold so much */
  private countHeld(): boolean {
    const change = this.assembler.heldBytes - this.countedBytes;
    this.countedBytes += change;
    return this.connection.hold(change);
  }

  private forgetHeld(): void {
    this.connection.hold(-this.countedBytes);
    this.countedBytes = 0;
  }

  private deliver(reader: MessageReader): void {
    const { bytes, compressed } = this.assembler.take() as RawMessage;
    this.countHeld();
    if (!compressed) {
      reader.message(bytes);
      return;
    }
    this.decompress(bytes).then(
      (message) => reader.message(message),
      (error) => reader.failed(error),
    );
  }

  private decompress(bytes: Uint8Array): Promise<Uint8Array> {
    return decompress(bytes, this.metadata('grpc-encoding') ?? 'identity', this.maxReceiveBytes);
  }

  private fail(error: Error): void {
    this.failure = error;
    const { reader } = this;
    this.reader = undefined;
    reader?.failed(error);
  }
}

function canceled(): EtcdError {
  return new EtcdError(Code.Canceled, 'context canceled');
}

const responseHeaders: readonly HeaderField[] = Object.freeze([
  { name: ':status', value: '200' },
  { name: 'content-type', value: 'application/grpc' },
]);
const okTrailers: readonly HeaderField[] = Object.freeze([
  { name: 'grpc-status', value: '0' },
  { name: 'grpc-message', value: '' },
]);

function trailers({ code, message }: GrpcStatus): readonly HeaderField[] {
  if (code === Code.OK) return okTrailers;
  return [
    { name: 'grpc-status', value: String(code) },
    { name: 'grpc-message', value: encodeStatusMessage(message) },
  ];
}
