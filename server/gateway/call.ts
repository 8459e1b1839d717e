/** A call of the gateway: JSON from an HTTP request on one side, protobuf for the dispatcher on the other. */
import { Code, EtcdError } from '../errors/etcd-error.ts';
import type { HttpRequest, HttpResponse } from '../http/mod.ts';
import type { MethodType } from '../proto/reflection.ts';
import type { GrpcCall, GrpcStatus, MessageReader } from '../rpc/mod.ts';
import { errorJson, errorResponse } from './error-response.ts';
import { jsonToWire } from './from-json.ts';
import { JsonSplitter } from './json-splitter.ts';
import { wireToJson } from './to-json.ts';

export interface GatewayCallOptions {
  readonly path: string;
  readonly method: MethodType;
  readonly timeoutMs: number | undefined;
  /** The largest message taken, in protobuf. */
  readonly maxReceiveBytes: number;
}

/** JSON takes more bytes than the message that it stands for: base64 a third more, names and brackets of small fields most. */
const textBytesPerMessageByte = 4;
/** How long the one message of a call may take to arrive. Streams may be silent for as long as they like. */
const bodyTimeoutMs = 60_000;

const successHeaders = { 'content-type': 'application/json', 'grpc-metadata-content-type': 'application/grpc' };

export class GatewayCall implements GrpcCall {
  readonly path: string;
  readonly timeoutMs: number | undefined;
  readonly remoteAddress: string;
  /** Resolves when there is something to answer: for streams, the first message. */
  readonly response: Promise<HttpResponse>;
  private readonly request: HttpRequest;
  private readonly method: MethodType;
  private readonly maxReceiveBytes: number;
  private readonly body: AsyncIterator<Uint8Array>;
  private readonly splitter: JsonSplitter;
  private readonly abort = new AbortController();
  private respond!: (response: HttpResponse) => void;
  private responded = false;
  private finished = false;
  private requestEnded = false;
  private cancelListener: (() => void) | undefined;
  /** Lines of a streamed answer that the client has not taken yet. */
  private lines: string[] = [];
  private wakeReader: (() => void) | undefined;
  /** Ends a read of the body that is under way. */
  private endRead: (() => void) | undefined;
  private wakeSenders: (() => void)[] = [];

  constructor(request: HttpRequest, { path, method, timeoutMs, maxReceiveBytes }: GatewayCallOptions) {
    this.path = path;
    this.timeoutMs = timeoutMs;
    this.remoteAddress = request.remoteAddress;
    this.request = request;
    this.method = method;
    this.maxReceiveBytes = maxReceiveBytes;
    this.body = request.body[Symbol.asyncIterator]();
    this.splitter = new JsonSplitter(textBytesPerMessageByte * maxReceiveBytes);
    this.response = new Promise((resolve) => {
      this.respond = resolve;
    });
    request.signal.addEventListener('abort', () => this.cancel(), { once: true });
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** `Authorization` as it is, and `Grpc-Metadata-X` as `x`: nothing else of a request reaches the methods. */
  metadata(name: string): string | undefined {
    const { headers } = this.request;
    const value = name === 'authorization' ? headers.authorization : headers[`grpc-metadata-${name}`];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** None: who comes by the gateway is known by a token only, as upstream has it (contract: api.md §2.7, §7). */
  peerCertificate(): undefined {
    return undefined;
  }

  onCancel(listener: () => void): void {
    this.cancelListener = listener;
  }

  async message(): Promise<Uint8Array | undefined> {
    if (this.requestEnded) return undefined;
    const json = this.method.requestStream ? await this.readValue() : await this.readOnlyValue();
    if (json === undefined) return undefined;
    const message = json.length === 0 ? new Uint8Array(0) : jsonToWire(this.method.request, json);
    if (message.length > this.maxReceiveBytes) {
      const text = `grpc: received message larger than max (${message.length} vs. ${this.maxReceiveBytes})`;
      throw new EtcdError(Code.ResourceExhausted, text);
    }
    return message;
  }

  read(reader: MessageReader): void {
    this.message().then(
      (bytes) => reader.message(bytes),
      (error) => reader.failed(error),
    );
  }

  send(message: Uint8Array): Promise<void> | undefined {
    if (this.finished) return undefined;
    // First, because it may throw: then there is still an answer to be given.
    const json = wireToJson(this.method.response, message, ',');
    this.startStream();
    this.push(`{"result":${json}}\n`);
    return new Promise((resolve) => this.wakeSenders.push(resolve));
  }

  reply(message: Uint8Array): void {
    if (this.finished) return;
    let response: HttpResponse;
    try {
      response = { status: 200, headers: successHeaders, body: wireToJson(this.method.response, message, ', ') };
    } catch (error) {
      // Whoever calls this takes the call for answered: an error that went up would leave the client waiting.
      response = errorResponse(Code.Internal, `the answer cannot be given as JSON: ${(error as Error).message}`);
    }
    this.end(response);
  }

  finish({ code, message }: GrpcStatus): void {
    if (this.finished) return;
    if (this.responded) {
      if (code !== Code.OK) this.push(`{"error":${errorJson(code, message, ',')}}\n`);
      this.end(undefined);
    } else if (code === Code.OK) {
      this.end({ status: 200, headers: {}, body: '' });
    } else {
      this.end(errorResponse(code, message));
    }
  }

  private end(response: HttpResponse | undefined): void {
    this.finished = true;
    if (response !== undefined) {
      this.responded = true;
      this.respond(response);
    }
    this.wakeReader?.();
    this.endRead?.();
    this.releaseSenders();
    this.abort.abort();
  }

  private startStream(): void {
    if (this.responded) return;
    this.responded = true;
    this.respond({ status: 200, headers: successHeaders, body: this.takeLines() });
  }

  private push(line: string): void {
    this.lines.push(line);
    this.wakeReader?.();
  }

  private async *takeLines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.lines.shift();
      if (line !== undefined) {
        // The consumer comes back when the client has taken it.
        yield line;
      } else if (this.finished) {
        return;
      } else {
        this.releaseSenders();
        await new Promise<void>((resolve) => {
          this.wakeReader = resolve;
        });
      }
    }
  }

  private releaseSenders(): void {
    for (const wake of this.wakeSenders.splice(0)) wake();
  }

  /** The one message of a call: an empty body is an empty message, and what follows it is not looked at. */
  private async readOnlyValue(): Promise<Uint8Array> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new EtcdError(Code.DeadlineExceeded, 'the request did not arrive in time');
      timer = setTimeout(() => reject(error), bodyTimeoutMs);
    });
    try {
      const value = await Promise.race([this.readValue(), late]);
      return value ?? new Uint8Array(0);
    } finally {
      this.requestEnded = true;
      clearTimeout(timer);
    }
  }

  /** @returns undefined at the end of the body; what is cut off there is for the parser to refuse */
  private async readValue(): Promise<Uint8Array | undefined> {
    while (!this.splitter.hasValue) {
      const { done, value } = await this.nextPiece();
      if (done === true) {
        this.requestEnded = true;
        const rest = this.splitter.rest();
        return rest.length === 0 ? undefined : rest;
      }
      this.splitter.push(value);
    }
    return this.splitter.next();
  }

  /** A call that is over waits for no more of its body: the client may be silent for as long as it likes. */
  private async nextPiece(): Promise<IteratorResult<Uint8Array>> {
    if (this.finished) throw canceled();
    // One for each read: a promise for the whole call would gather the reactions of all reads of a long stream.
    const over = Promise.withResolvers<never>();
    this.endRead = () => over.reject(canceled());
    try {
      return await Promise.race([this.body.next(), over.promise]);
    } catch {
      throw canceled();
    } finally {
      this.endRead = undefined;
    }
  }

  private cancel(): void {
    if (this.finished) return;
    this.finished = true;
    this.responded = true;
    this.lines = [];
    this.respond(errorResponse(Code.Canceled, 'context canceled'));
    this.abort.abort(canceled());
    this.wakeReader?.();
    this.endRead?.();
    this.releaseSenders();
    this.cancelListener?.();
  }
}

function canceled(): EtcdError {
  return new EtcdError(Code.Canceled, 'context canceled');
}
