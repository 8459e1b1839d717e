/** One request and its answer, as the client sees them (RFC 9113 §5.1). */
import type { Churning } from '../base/churn-table.ts';
import type { HeaderField } from './header-table.ts';
import type { Outbound, Sender } from './outbound.ts';
import { ErrorCode, Flag, FrameType, maxWindowBytes } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';

/** Whoever has asked. Calls come as frames are read, none after `end` or the stream's `reset`. */
export interface AnswerHandler {
  /** Header fields: those that the answer begins with, later its trailers. */
  fields(fields: readonly HeaderField[]): void;
  /** A part of the answer's body, the handler's to keep. It must be acknowledged by `ClientStream.consumed`. */
  data(bytes: Uint8Array): void;
  /** It is over. @param failure undefined when the answer is complete */
  end(failure: StreamFailure | undefined): void;
}

/** Why there is no answer, or no end of it. */
export interface StreamFailure {
  /** The server's, of RST_STREAM; undefined when it was the connection that has ended. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  /** Whether it is certain that the server has done nothing about the request. */
  readonly isUnprocessed: boolean;
}

/** What a stream needs of its connection. */
export interface ClientStreamOwner {
  readonly outbound: Outbound;
  /** Bytes that were received are out of the way. */
  release(bytes: number): void;
  /** The stream has ended. */
  forget(stream: ClientStream): void;
}

export class ClientStream implements Sender, Churning<ClientStream> {
  /** 0 until the server takes one more. */
  id = 0;
  /** For the connection's table. */
  next: ClientStream | undefined;
  private readonly head: readonly HeaderField[];
  private readonly handler: AnswerHandler;
  private readonly owner: ClientStreamOwner;
  private readonly receiveWindow: ReceiveWindow;
  /** Received and not consumed yet. */
  private heldBytes = 0;
  private sendWindowBytes = 0;
  private readonly queue: Uint8Array[] = [];
  /** Whether the last of what is queued ends the request. */
  private isEnding = false;
  private hasEndedRequest = false;
  private isGone = false;
  private hasAnswerHead = false;

  /** @param windowBytes what the server may send ahead */
  constructor(head: readonly HeaderField[], handler: AnswerHandler, owner: ClientStreamOwner, windowBytes: number) {
    this.head = head;
    this.handler = handler;
    this.owner = owner;
    this.receiveWindow = new ReceiveWindow(windowBytes);
  }

  get key(): number {
    return this.id;
  }

  /** Sends a part of the request's body. The bytes belong to the stream from now on. @param isEnd whether it is all */
  send(bytes: Uint8Array, isEnd: boolean): void {
    if (this.isGone || this.isEnding) return;
    this.isEnding = isEnd;
    this.queue.push(bytes);
    if (this.id !== 0 && this.queue.length === 1) this.sendQueue();
  }

  /** Ends the stream on both sides. The handler hears no more of it. */
  reset(code: ErrorCode = ErrorCode.CANCEL): void {
    if (this.isGone) return;
    if (this.id !== 0) {
      this.owner.outbound.writer.number(FrameType.RST_STREAM, this.id, code);
      this.owner.outbound.schedule();
    }
    this.close();
  }

  /** Tells that received bytes are out of the way; the server may send as many more. */
  consumed(bytes: number): void {
    if (this.isGone) return;
    this.heldBytes -= bytes;
    this.owner.release(bytes);
    const increment = this.receiveWindow.give(bytes);
    if (increment === 0) return;
    this.owner.outbound.writer.number(FrameType.WINDOW_UPDATE, this.id, increment);
    this.owner.outbound.schedule();
  }

  pump(): boolean {
    this.sendFrame();
    return this.mayPump;
  }

  /** For the connection: the request goes out. */
  begin(id: number): void {
    const { outbound } = this.owner;
    this.id = id;
    this.sendWindowBytes = outbound.streamWindowBytes;
    outbound.writer.headers(id, outbound.encoder.encode(this.head), false, outbound.maxFrameBytes);
    outbound.schedule();
    this.sendQueue();
  }

  /**
   * For the connection: header fields have come, other than interim ones.
   *
   * @param isEnd whether the answer ends with them
   * @returns false when they may not: what is neither the head nor the end (RFC 9113 §8.1)
   */
  receiveFields(fields: readonly HeaderField[], isEnd: boolean): boolean {
    if (this.hasAnswerHead && !isEnd) return false;
    this.hasAnswerHead = true;
    this.handler.fields(fields);
    return true;
  }

  /**
   * For the connection: a DATA frame has come.
   *
   * @param frameBytes its size with padding, which is what windows count
   * @returns false when the server has sent more than it may
   */
  receive(bytes: Uint8Array, frameBytes: number): boolean {
    this.heldBytes += frameBytes;
    if (!this.receiveWindow.take(frameBytes)) return false;
    if (frameBytes > bytes.length) this.consumed(frameBytes - bytes.length);
    if (bytes.length > 0) this.handler.data(bytes);
    return true;
  }

  /** For the connection: the answer is complete. What is left of the request is of no use to anybody. */
  receiveEnd(): void {
    if (this.isGone) return;
    if (this.hasEndedRequest) this.close();
    else this.reset();
    this.handler.end(undefined);
  }

  /** For the connection: there will be no answer. */
  abort(failure: StreamFailure): void {
    if (this.isGone) return;
    this.close();
    this.handler.end(failure);
  }

  /** For the connection: the server takes more, or by its SETTINGS less. @returns false beyond what windows can be */
  openWindow(bytes: number): boolean {
    this.sendWindowBytes += bytes;
    if (this.sendWindowBytes > maxWindowBytes) return false;
    if (this.mayPump) this.owner.outbound.block(this);
    return true;
  }

  private sendQueue(): void {
    while (this.queue.length > 0 && this.sendFrame());
    if (this.mayPump) this.owner.outbound.block(this);
  }

  /** @returns whether anything went out */
  private sendFrame(): boolean {
    const { outbound } = this.owner;
    const piece = this.queue[0] as Uint8Array;
    // Windows can be less than nothing, and an empty end goes out all the same.
    const size = Math.max(0, Math.min(piece.length, this.sendWindowBytes, outbound.room));
    if (size === 0 && piece.length > 0) return false;
    const isWhole = size === piece.length;
    const isLast = isWhole && this.isEnding && this.queue.length === 1;
    const payload = isWhole ? piece : piece.subarray(0, size);
    outbound.writer.frame(FrameType.DATA, isLast ? Flag.END_STREAM : 0, this.id, payload);
    outbound.schedule();
    this.sendWindowBytes -= size;
    outbound.windowBytes -= size;
    if (isWhole) this.queue.shift();
    else this.queue[0] = piece.subarray(size);
    if (isLast) this.hasEndedRequest = true;
    return true;
  }

  /** Whether the stream's own window lets the next piece begin; one without bytes needs none. */
  private get mayPump(): boolean {
    const piece = this.queue[0];
    return piece !== undefined && (this.sendWindowBytes > 0 || piece.length === 0);
  }

  private close(): void {
    this.isGone = true;
    this.queue.length = 0;
    this.owner.outbound.unblock(this);
    this.owner.release(this.heldBytes);
    this.heldBytes = 0;
    this.owner.forget(this);
  }
}
