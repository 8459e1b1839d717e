/** A gRPC call on a stream of node:http2. */
import type { X509Certificate } from 'node:crypto';
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2';
import { Code, EtcdError } from '../errors/etcd-error.ts';
import { decompress, encodeStatusMessage, frameMessage, MessageAssembler, parseTimeout } from './messages.ts';
import type { GrpcCall, GrpcStatus } from './transport.ts';

/** What a call needs to know of its connection. */
export interface Connection {
  readonly remoteAddress: string;
  readonly certificate: X509Certificate | undefined;
  /** Called with each answer that is sent, for the rules about pings. */
  answered(): void;
}

interface Reader {
  resolve(message: Uint8Array | undefined): void;
  reject(error: Error): void;
}

/** Above this size a message is not copied behind its prefix any more, but sent as a frame of its own. */
const copyLimitBytes = 32 * 1024;

const ok: GrpcStatus = { code: Code.OK, message: '' };

export class Http2Call implements GrpcCall {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  private readonly stream: ServerHttp2Stream;
  private readonly headers: IncomingHttpHeaders;
  private readonly connection: Connection;
  private readonly maxReceiveBytes: number;
  private readonly assembler: MessageAssembler;
  private reader: Reader | undefined;
  private abort: AbortController | undefined;
  private cancelListener: (() => void) | undefined;
  /** Why nothing more can be read, once that is so. */
  private failure: Error | undefined;
  private requestEnded = false;
  private headersSent = false;
  private finished = false;
  private status = ok;

  /**
   * @param maxReceiveBytes the largest message taken
   * @throws EtcdError for headers that upstream's library refuses
   */
  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: Connection,
    maxReceiveBytes: number,
  ) {
    this.stream = stream;
    this.headers = headers;
    this.connection = connection;
    this.path = headers[':path'] as string;
    this.maxReceiveBytes = maxReceiveBytes;
    this.assembler = new MessageAssembler(maxReceiveBytes);
    const timeout = headers['grpc-timeout'];
    this.timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout as string);
    stream.on('data', (chunk: Buffer) => this.receive(chunk));
    stream.on('end', () => this.endRequest());
    stream.on('aborted', () => this.cancel());
    stream.on('wantTrailers', () => this.endResponse());
  }

  get remoteAddress(): string {
    return this.connection.remoteAddress;
  }

  get signal(): AbortSignal {
    if (this.abort === undefined) {
      this.abort = new AbortController();
      if (this.finished || this.stream.aborted) this.abort.abort(canceled());
    }
    return this.abort.signal;
  }

  onCancel(listener: () => void): void {
    this.cancelListener = listener;
  }

  metadata(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  peerCertificate(): X509Certificate | undefined {
    return this.connection.certificate;
  }

  message(): Promise<Uint8Array | undefined> {
    if (this.reader !== undefined) throw new Error('a call is read by one reader at a time');
    const raw = this.assembler.take();
    if (raw !== undefined) {
      if (this.stream.isPaused()) this.stream.resume();
      return raw.compressed ? this.decompress(raw.bytes) : Promise.resolve(raw.bytes);
    }
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.requestEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.reader = { resolve, reject };
    });
  }

  send(message: Uint8Array): Promise<void> | undefined {
    if (this.finished) return undefined;
    this.sendHeaders();
    if (this.write(message)) return undefined;
    const { stream } = this;
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off('drain', done);
        stream.off('close', done);
        resolve();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }

  reply(message: Uint8Array): void {
    if (this.finished) return;
    this.finished = true;
    this.sendHeaders();
    if (message.length > copyLimitBytes) {
      this.write(message);
      this.stream.end();
    } else {
      this.stream.end(frameMessage(message));
    }
    this.release();
  }

  finish(status: GrpcStatus): void {
    if (this.finished) return;
    this.finished = true;
    this.status = status;
    if (this.headersSent) {
      this.stream.end();
    } else if (!this.gone) {
      if (status.code === Code.OK) {
        this.sendHeaders();
        this.stream.end();
      } else {
        this.connection.answered();
        this.stream.respond({ ...responseHeaders, ...trailers(status) }, headersOnly);
        this.refuseRest();
      }
    }
    this.release();
  }

  /** The end of a call: whoever listens can stop. */
  private release(): void {
    this.abort?.abort();
    if (this.stream.isPaused()) this.stream.resume();
  }

  /** node:http2 throws when it is asked to answer on such a stream. */
  private get gone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  private endResponse(): void {
    if (this.gone) return;
    this.stream.sendTrailers(trailers(this.status));
    this.refuseRest();
  }

  /**
   * RFC 9113 §8.1: an answer before the end of the request is followed by RST_STREAM with NO_ERROR. One turn later,
   * because the end is often in the next frame, and because a reset overtakes what is not yet written.
   */
  private refuseRest(): void {
    if (this.requestEnded) return;
    setImmediate(() => {
      if (!this.requestEnded && !this.gone) this.stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  private sendHeaders(): void {
    if (this.headersSent || this.gone) return;
    this.headersSent = true;
    this.connection.answered();
    this.stream.respond(responseHeaders, withTrailers);
  }

  /** @returns whether the stream can take more at once */
  private write(message: Uint8Array): boolean {
    const { stream } = this;
    if (this.gone) return true;
    if (message.length <= copyLimitBytes) return stream.write(frameMessage(message));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.cork();
    stream.write(prefix);
    const room = stream.write(message);
    stream.uncork();
    return room;
  }

  private receive(chunk: Buffer): void {
    if (this.finished || this.failure !== undefined) return;
    try {
      this.assembler.push(chunk);
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    if (this.reader !== undefined) this.deliver();
    // What nobody reads stays with the client: HTTP/2's flow control holds it back.
    if (this.assembler.hasMessage) this.stream.pause();
  }

  private deliver(): void {
    const raw = this.assembler.take();
    if (raw === undefined) return;
    const { resolve, reject } = this.reader as Reader;
    this.reader = undefined;
    if (raw.compressed) this.decompress(raw.bytes).then(resolve, reject);
    else resolve(raw.bytes);
  }

  private decompress(bytes: Uint8Array): Promise<Uint8Array> {
    return decompress(bytes, this.metadata('grpc-encoding') ?? 'identity', this.maxReceiveBytes);
  }

  private endRequest(): void {
    this.requestEnded = true;
    if (this.assembler.hasPartial) {
      this.fail(new EtcdError(Code.Unknown, 'unexpected EOF'));
      return;
    }
    this.reader?.resolve(undefined);
    this.reader = undefined;
  }

  private fail(error: Error): void {
    this.failure = error;
    this.reader?.reject(error);
    this.reader = undefined;
  }

  private cancel(): void {
    const error = canceled();
    this.fail(error);
    this.abort?.abort(error);
    this.cancelListener?.();
  }
}

function canceled(): EtcdError {
  return new EtcdError(Code.Canceled, 'context canceled');
}

// `sendDate` is not in the documentation, but a date in each answer would be 35 bytes and work for nobody.
const withTrailers = { waitForTrailers: true, sendDate: false } as ServerStreamResponseOptions;
export const headersOnly = { endStream: true, sendDate: false } as ServerStreamResponseOptions;
const responseHeaders: OutgoingHttpHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const okTrailers: OutgoingHttpHeaders = { 'grpc-status': '0', 'grpc-message': '' };

function trailers({ code, message }: GrpcStatus): OutgoingHttpHeaders {
  if (code === Code.OK) return okTrailers;
  return { 'grpc-status': String(code), 'grpc-message': encodeStatusMessage(message) };
}
