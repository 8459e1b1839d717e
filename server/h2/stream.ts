/** One request and its answer, as the server sees them (RFC 9113 §5.1). */
import type { Churning } from '../base/churn-table.ts';
import type { HeaderField } from './header-table.ts';
import type { Outbound, Sender } from './outbound.ts';
import { ErrorCode, Flag, FrameType, maxWindowBytes } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { RequestHead } from './request-head.ts';

/** Whoever serves a stream. Calls come as frames are read, none after `reset`. */
export interface StreamHandler {
  /** A part of the request's body, the handler's to keep. It must be acknowledged by `ServerStream.consumed`. */
  data(bytes: Uint8Array): void;
  /** The request is complete. */
  end(): void;
  /** The client has cancelled, or is gone. */
  reset(): void;
  /** All that had to wait has been sent. */
  drain(): void;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly outbound: Outbound;
  /** Bytes that were received are out of the way. */
  release(bytes: number): void;
  /** The stream has ended on both sides, or was reset. */
  forget(stream: ServerStream, isComplete: boolean): void;
}

export class ServerStream implements Sender, Churning<ServerStream> {
  readonly id: number;
  /** For the connection's table. */
  next: ServerStream | undefined;
  readonly head: RequestHead;
  private readonly owner: StreamOwner;
  private handler: StreamHandler | undefined;
  private readonly receiveWindow: ReceiveWindow;
  /** Received and not consumed yet. */
  private heldBytes = 0;
  private receivedBytes = 0;
  private sendWindowBytes: number;
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;
  /** How the answer ends once the queue is empty: with the last data, or with these fields. */
  private ending: 'data' | readonly HeaderField[] | undefined;
  private hasEndedRequest = false;
  private hasEndedAnswer = false;
  private isGone = false;

  /** @param windowBytes what the client may send ahead */
  constructor(id: number, head: RequestHead, owner: StreamOwner, windowBytes: number) {
    this.id = id;
    this.head = head;
    this.owner = owner;
    this.receiveWindow = new ReceiveWindow(windowBytes);
    this.sendWindowBytes = owner.outbound.streamWindowBytes;
  }

  get key(): number {
    return this.id;
  }

  /** Whether nothing can be sent any more: the answer is complete, or nobody waits for it. */
  get isClosed(): boolean {
    return this.hasEndedAnswer || this.isGone;
  }

  /** Whether the client has sent all of its request. */
  get requestEnded(): boolean {
    return this.hasEndedRequest;
  }

  /** Sends header fields. @param isEnd whether they are the whole answer */
  respond(fields: readonly HeaderField[], isEnd = false): void {
    if (this.isClosed) return;
    const { outbound } = this.owner;
    outbound.writer.headers(this.id, outbound.encoder.encode(fields), isEnd, outbound.maxFrameBytes);
    outbound.schedule();
    if (isEnd) this.endAnswer();
  }

  /**
   * Sends a part of the answer's body. The bytes belong to the stream from now on.
   *
   * @returns whether all went out; if not, the handler's `drain` follows when it has
   */
  data(bytes: Uint8Array, isEnd = false): boolean {
    if (this.isClosed || this.ending !== undefined || (bytes.length === 0 && !isEnd)) return true;
    if (isEnd) this.ending = 'data';
    const sent = this.queue.length > 0 ? 0 : this.sendSome(bytes, Number.POSITIVE_INFINITY);
    if (this.isClosed || (sent === bytes.length && this.queue.length === 0)) return true;
    this.queue.push(sent === 0 ? bytes : bytes.subarray(sent));
    this.count(bytes.length - sent);
    if (this.mayPump) this.owner.outbound.block(this);
    return false;
  }

  /** Ends the answer with trailers, behind all data. */
  trailers(fields: readonly HeaderField[]): void {
    if (this.isClosed || this.ending !== undefined) return;
    if (this.queue.length > 0) this.ending = fields;
    else this.respond(fields, true);
  }

  /** Ends the stream on both sides. The handler hears no more of it. */
  reset(code: ErrorCode): void {
    if (this.isGone) return;
    const { outbound } = this.owner;
    outbound.writer.number(FrameType.RST_STREAM, this.id, code);
    outbound.schedule();
    this.close(false);
  }

  /** Tells that received bytes are out of the way; the client may send as many more. */
  consumed(bytes: number): void {
    if (this.isGone) return;
    this.heldBytes -= bytes;
    this.owner.release(bytes);
    const increment = this.hasEndedRequest ? 0 : this.receiveWindow.give(bytes);
    if (increment === 0) return;
    const { outbound } = this.owner;
    outbound.writer.number(FrameType.WINDOW_UPDATE, this.id, increment);
    outbound.schedule();
  }

  pump(): boolean {
    const piece = this.queue.shift() as Uint8Array;
    this.count(-piece.length);
    const sent = this.sendSome(piece, 1);
    if (sent < piece.length) {
      this.queue.unshift(piece.subarray(sent));
      this.count(piece.length - sent);
    }
    if (this.queue.length > 0) return this.mayPump;
    const { ending } = this;
    if (ending !== undefined && ending !== 'data') this.respond(ending, true);
    if (!this.isGone) this.handler?.drain();
    return false;
  }

  /** For the connection: whoever serves this stream from now on. */
  serve(handler: StreamHandler): void {
    this.handler = handler;
  }

  /**
   * For the connection: a DATA frame has come.
   *
   * @param frameBytes its size with padding, which is what windows count
   * @returns the error of the stream, if there is one
   */
  receive(bytes: Uint8Array, frameBytes: number): ErrorCode | undefined {
    this.heldBytes += frameBytes;
    if (this.hasEndedRequest) return ErrorCode.STREAM_CLOSED;
    if (!this.receiveWindow.take(frameBytes)) return ErrorCode.FLOW_CONTROL_ERROR;
    this.receivedBytes += bytes.length;
    if (this.receivedBytes > (this.head.contentLength ?? Number.POSITIVE_INFINITY)) return ErrorCode.PROTOCOL_ERROR;
    if (frameBytes > bytes.length) this.consumed(frameBytes - bytes.length);
    if (this.hasEndedAnswer) this.consumed(bytes.length);
    else if (bytes.length > 0) this.handler?.data(bytes);
    return undefined;
  }

  /** For the connection: the client has sent all. @returns the error of the stream, if there is one */
  receiveEnd(): ErrorCode | undefined {
    if (this.isGone) return undefined;
    if (this.receivedBytes !== (this.head.contentLength ?? this.receivedBytes)) return ErrorCode.PROTOCOL_ERROR;
    this.hasEndedRequest = true;
    this.handler?.end();
    if (this.hasEndedAnswer && !this.isGone) this.close(true);
    return undefined;
  }

  /** For the connection: the client has reset the stream, or gone. */
  abort(): void {
    if (this.isGone) return;
    this.close(true);
    this.handler?.reset();
  }

  /** For the connection: the client takes more, or by its SETTINGS less. @returns false beyond what windows can be */
  openWindow(bytes: number): boolean {
    this.sendWindowBytes += bytes;
    if (this.sendWindowBytes > maxWindowBytes) return false;
    if (this.mayPump) this.owner.outbound.block(this);
    return true;
  }

  /** @returns how many bytes went out */
  private sendSome(bytes: Uint8Array, maxFrames: number): number {
    const { outbound } = this.owner;
    let sent = 0;
    for (let frames = 0; frames < maxFrames; frames++) {
      const left = bytes.length - sent;
      // Windows can be less than nothing, and an empty end goes out all the same.
      const size = Math.max(0, Math.min(left, this.sendWindowBytes, outbound.room));
      if (size === 0 && left > 0) break;
      const isLast = size === left && this.ending === 'data' && this.queue.length === 0;
      const payload = size === bytes.length ? bytes : bytes.subarray(sent, sent + size);
      outbound.writer.frame(FrameType.DATA, isLast ? Flag.END_STREAM : 0, this.id, payload);
      outbound.schedule();
      sent += size;
      this.sendWindowBytes -= size;
      outbound.windowBytes -= size;
      outbound.sentDataBytes += size;
      if (isLast) this.endAnswer();
      if (size === left) break;
    }
    return sent;
  }

  /** Whether the stream's own window lets the next piece begin; one without bytes needs none. */
  private get mayPump(): boolean {
    const next = this.queue[0];
    return next !== undefined && (this.sendWindowBytes > 0 || next.length === 0);
  }

  private count(bytes: number): void {
    this.queuedBytes += bytes;
    this.owner.outbound.queuedBytes += bytes;
  }

  /**
   * An answer before the end of its request is followed by RST_STREAM with NO_ERROR (RFC 9113 §8.1). One turn later,
   * because that end is often in the next frame.
   */
  private endAnswer(): void {
    this.hasEndedAnswer = true;
    if (this.hasEndedRequest) this.close(true);
    else setImmediate(() => this.reset(ErrorCode.NO_ERROR));
  }

  private close(isComplete: boolean): void {
    if (this.isGone) return;
    this.isGone = true;
    this.owner.outbound.unblock(this);
    this.owner.outbound.queuedBytes -= this.queuedBytes;
    this.queue = [];
    this.queuedBytes = 0;
    this.owner.release(this.heldBytes);
    this.heldBytes = 0;
    this.owner.forget(this, isComplete);
  }
}
