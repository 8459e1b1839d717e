/** One gRPC call as a load generator makes it: messages in and out, nothing decoded. */
import type { Outbound, Sender } from '../../server/h2/outbound.ts';
import { Flag, FrameType } from '../../server/h2/protocol.ts';
import { MessageReader } from './message-reader.ts';

/** Who is told what comes back. */
export interface Receiver {
  /** A message without its prefix, a view that holds until this returns. */
  message(bytes: Buffer): void;
  /** @param failure undefined for status OK */
  end(failure: Error | undefined): void;
}

export class LoadCall implements Sender {
  readonly id: number;
  readonly receiver: Receiver;
  private readonly outbound: Outbound;
  private windowBytes: number;
  private queue: { bytes: Uint8Array; isEnd: boolean }[] = [];
  private readonly reader = new MessageReader();

  constructor(id: number, outbound: Outbound, receiver: Receiver) {
    this.id = id;
    this.outbound = outbound;
    this.receiver = receiver;
    this.windowBytes = outbound.streamWindowBytes;
  }

  /** @param bytes what `framed` has made, or nothing; @param isEnd whether it is the last one */
  send(bytes: Uint8Array, isEnd: boolean): void {
    this.queue.push({ bytes, isEnd });
    if (this.queue.length > 1) return;
    while (this.queue.length > 0 && this.sendFrame());
    if (this.queue.length > 0 && this.windowBytes > 0) this.outbound.block(this);
  }

  /** For the connection: there is room. */
  pump(): boolean {
    this.sendFrame();
    return this.queue.length > 0 && this.windowBytes > 0;
  }

  /** For the connection: the server takes more of this call. */
  openWindow(bytes: number): void {
    this.windowBytes += bytes;
    if (this.queue.length > 0 && this.windowBytes > 0) this.outbound.block(this);
  }

  /** For the connection: a part of the answer. */
  receive(payload: Uint8Array): void {
    this.reader.push(payload, (message) => this.receiver.message(message));
  }

  /** @returns whether anything went out */
  private sendFrame(): boolean {
    const first = this.queue[0];
    if (first === undefined) return false;
    const { bytes, isEnd } = first;
    // Windows can be less than nothing, and an empty end goes out all the same.
    const size = Math.max(0, Math.min(bytes.length, this.windowBytes, this.outbound.room));
    if (size === 0 && bytes.length > 0) return false;
    const isLast = size === bytes.length;
    const payload = isLast ? bytes : bytes.subarray(0, size);
    this.outbound.writer.frame(FrameType.DATA, isLast && isEnd ? Flag.END_STREAM : 0, this.id, payload);
    this.outbound.schedule();
    this.windowBytes -= size;
    this.outbound.windowBytes -= size;
    if (isLast) this.queue.shift();
    else first.bytes = bytes.subarray(size);
    return true;
  }
}
