/** Frames to few large writes: they are collected until somebody takes them. */
import { Flag, FrameType, frameHeaderBytes } from './protocol.ts';

const blockBytes = 32 * 1024;
/** A payload larger than this is not copied beside its header, but written from where it is. */
const copyLimitBytes = 4096;

export class FrameWriter {
  private readonly pieces: Uint8Array[] = [];
  private block = Buffer.allocUnsafeSlow(0);
  private start = 0;
  private at = 0;
  private waitingBytes = 0;

  /** Bytes that wait to be taken. */
  get size(): number {
    return this.waitingBytes;
  }

  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const isCopied = payload.length <= copyLimitBytes;
    this.header(type, flags, streamId, payload.length, isCopied ? payload.length : 0);
    if (isCopied) {
      this.block.set(payload, this.at);
      this.at += payload.length;
    } else {
      this.cut();
      this.pieces.push(payload);
    }
    this.waitingBytes += frameHeaderBytes + payload.length;
  }

  /** A frame whose payload is one number of 32 bits. */
  number(type: number, streamId: number, value: number): void {
    this.header(type, 0, streamId, 4, 4);
    this.at = this.block.writeUInt32BE(value, this.at);
    this.waitingBytes += frameHeaderBytes + 4;
  }

  /** A block of header fields, in as many frames as it takes; nothing else may come between them. */
  headers(streamId: number, block: Uint8Array, isEnd: boolean, maxFrameBytes: number): void {
    let type: number = FrameType.HEADERS;
    let flags: number = isEnd ? Flag.END_STREAM : 0;
    for (let from = 0; ; from += maxFrameBytes) {
      const isLast = from + maxFrameBytes >= block.length;
      const part = isLast && from === 0 ? block : block.subarray(from, from + maxFrameBytes);
      this.frame(type, isLast ? flags | Flag.END_HEADERS : flags, streamId, part);
      if (isLast) return;
      type = FrameType.CONTINUATION;
      flags = 0;
    }
  }

  /** All that was written since the last time, in order. */
  take(): Uint8Array[] {
    this.cut();
    this.waitingBytes = 0;
    return this.pieces.splice(0);
  }

  private header(type: number, flags: number, streamId: number, payloadBytes: number, roomBytes: number): void {
    if (this.block.length - this.at < frameHeaderBytes + roomBytes) {
      this.cut();
      this.block = Buffer.allocUnsafeSlow(blockBytes);
      this.start = 0;
      this.at = 0;
    }
    const { block, at } = this;
    block[at] = payloadBytes >>> 16;
    block[at + 1] = payloadBytes >>> 8;
    block[at + 2] = payloadBytes;
    block[at + 3] = type;
    block[at + 4] = flags;
    this.at = block.writeUInt32BE(streamId, at + 5);
  }

  /** Ends the piece under way. Its block goes on being filled behind it. */
  private cut(): void {
    if (this.at > this.start) this.pieces.push(this.block.subarray(this.start, this.at));
    this.start = this.at;
  }
}
