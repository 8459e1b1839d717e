/** The sending side of a connection: its window, its share for each stream, few writes. */
import type { Duplex } from 'node:stream';
import { FrameWriter } from './frame-writer.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { defaults, maxWindowBytes } from './protocol.ts';

/** A stream that has data to send and may not or cannot now. */
export interface Sender {
  /** Sends one frame. @returns whether there is more that its own window allows */
  pump(): boolean;
}

/** Data beyond this waits with its stream, where it can be cancelled, instead of in the socket. */
const maxUnsentBytes = 1024 * 1024;

export class Outbound {
  readonly writer = new FrameWriter();
  readonly encoder = new HpackEncoder();
  /** What the other side takes on the whole connection. */
  windowBytes: number = defaults.windowBytes;
  /** The other side's SETTINGS: the largest frame, the window that a stream begins with, how many it serves at a time. */
  maxFrameBytes: number = defaults.maxFrameBytes;
  streamWindowBytes: number = defaults.windowBytes;
  maxOpenStreams = Number.POSITIVE_INFINITY;
  /** Data that waits with streams. */
  queuedBytes = 0;
  /** Payload of all DATA frames so far. */
  sentDataBytes = 0;
  private readonly socket: Duplex;
  private readonly blocked = new Set<Sender>();
  private isScheduled = false;

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('drain', () => this.resume());
  }

  /** Bytes on their way that the socket has not taken. */
  get unsentBytes(): number {
    return this.writer.size + this.socket.writableLength;
  }

  /** How much of a stream's data may go out in the next frame, as far as the connection is concerned. */
  get room(): number {
    if (this.unsentBytes >= maxUnsentBytes) return 0;
    return Math.min(this.windowBytes, this.maxFrameBytes);
  }

  /** @returns false when the window would become larger than windows can be */
  open(bytes: number): boolean {
    this.windowBytes += bytes;
    if (this.windowBytes > maxWindowBytes) return false;
    this.resume();
    return true;
  }

  /** Remembers a stream until there is room. */
  block(sender: Sender): void {
    this.blocked.add(sender);
  }

  unblock(sender: Sender): void {
    this.blocked.delete(sender);
  }

  /** Streams that wait take turns, a frame each. */
  resume(): void {
    for (const sender of this.blocked) {
      if (this.room <= 0) return;
      // Added again it comes last, and this loop gets to it when the others have had theirs.
      this.blocked.delete(sender);
      if (sender.pump()) this.blocked.add(sender);
    }
  }

  /** What is written until the next tick goes out in one piece: all that the event or the promises under way say. */
  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.isScheduled = false;
    const pieces = this.writer.take();
    if (pieces.length === 0 || !this.socket.writable) return;
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
    this.resume();
  }
}
