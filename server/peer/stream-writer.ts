/**
 * The sending end of one stream: the answer to a peer's GET, an endless chunked body.
 *
 * The chunks are written to the socket as they are instead of through node:http, which makes four buffers of each:
 * all messages of one call leave in one write.
 */
import type { Socket } from 'node:net';
import type { Message } from '../proto/gen/raft.ts';
import { ChunkBuilder } from './frames.ts';
import { newEncoder, type StreamEncoder, type StreamKind } from './stream-codec.ts';
import { reasonOf } from './types.ts';

export interface StreamWriterOptions {
  heartbeatIntervalMs: number;
  /** A peer that takes nothing for so long is cut off. */
  writeTimeoutMs: number;
  /** What may wait for a slow peer; messages beyond either bound are dropped. */
  maxQueuedMessages: number;
  maxQueuedBytes: number;
  now: () => number;
  /** Called once, when the stream is of no use any more. */
  onClose(reason: string): void;
  onSent(bytes: number): void;
}

export class StreamWriter {
  readonly kind: StreamKind;
  private readonly socket: Socket;
  private readonly options: StreamWriterOptions;
  private readonly encoder: StreamEncoder;
  private readonly out = new ChunkBuilder();
  private readonly heartbeat: NodeJS.Timeout;
  private queuedMessages = 0;
  private queuedBytes = 0;
  /** When the socket last took something, or began to wait. */
  private progressAt: number;
  private closed = false;

  /** @param socket a connection on which the head of a chunked answer has been sent, and nothing of its body */
  constructor(kind: StreamKind, socket: Socket, options: StreamWriterOptions) {
    this.kind = kind;
    this.socket = socket;
    this.options = options;
    this.encoder = newEncoder(kind);
    this.progressAt = options.now();
    socket.setNoDelay(true);
    socket.once('error', (error) => this.close(reasonOf(error)));
    socket.once('close', () => this.close('connection closed'));
    this.heartbeat = setInterval(() => this.beat(), options.heartbeatIntervalMs);
  }

  /**
   * Sends the messages in one write.
   *
   * @returns false when they were dropped, all of them: the stream is closed, or the peer too slow
   */
  send(messages: readonly Message[]): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.options;
    if (this.closed || this.queuedMessages + messages.length > maxQueuedMessages) return false;
    if (this.queuedBytes > maxQueuedBytes) return false;
    for (const message of messages) this.encoder.encode(message, this.out);
    this.flush(messages.length);
    return true;
  }

  /** Cuts the connection. */
  close(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.heartbeat);
    this.socket.destroy();
    this.options.onClose(reason);
  }

  private beat(): void {
    const { now, writeTimeoutMs } = this.options;
    if (this.queuedBytes > 0 && now() - this.progressAt > writeTimeoutMs) {
      this.close(`peer has taken nothing for ${writeTimeoutMs} ms`);
      return;
    }
    this.encoder.heartbeat(this.out);
    this.flush(0);
  }

  private flush(messages: number): void {
    const pieces = this.out.finish();
    const last = pieces.pop() as Uint8Array;
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, last.length);
    if (this.queuedBytes === 0) this.progressAt = this.options.now();
    this.queuedMessages += messages;
    this.queuedBytes += bytes;
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.write(last, () => {
      this.queuedMessages -= messages;
      this.queuedBytes -= bytes;
      this.progressAt = this.options.now();
      this.options.onSent(bytes);
    });
    this.socket.uncork();
  }
}
