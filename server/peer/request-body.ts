/** The body of a request, read piece by piece with a deadline for each: a sender that falls silent is given up. */
import type { IncomingMessage } from 'node:http';
import { ByteQueue } from './byte-queue.ts';
import { BodyTooLargeError } from './dialer.ts';
import { FrameError } from './frames.ts';

export class RequestBody {
  private readonly request: IncomingMessage;
  private readonly chunks: AsyncIterator<Buffer>;
  private readonly idleTimeoutMs: number;
  private readonly queue = new ByteQueue();

  /** @param idleTimeoutMs the longest wait for the next piece; the time that its user takes does not count */
  constructor(request: IncomingMessage, idleTimeoutMs: number) {
    this.request = request;
    this.chunks = (request as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    this.idleTimeoutMs = idleTimeoutMs;
  }

  /** Exactly the next `size` bytes. @throws FrameError when the body ends before them */
  async read(size: number): Promise<Buffer> {
    while (this.queue.length < size) {
      const chunk = await this.next();
      if (chunk === undefined) throw new FrameError(`body ends ${size - this.queue.length} bytes too early`);
      this.queue.push(chunk);
    }
    return this.queue.take(size);
  }

  /** Everything. @throws BodyTooLargeError beyond `maxBytes` */
  async readAll(maxBytes: number): Promise<Buffer> {
    for (;;) {
      if (this.queue.length > maxBytes) throw new BodyTooLargeError(`body is larger than ${maxBytes} bytes`);
      const chunk = await this.next();
      if (chunk === undefined) return this.queue.take(this.queue.length);
      this.queue.push(chunk);
    }
  }

  /** What is left, as it arrives. Throws when the body breaks off. */
  async *rest(): AsyncGenerator<Buffer> {
    if (this.queue.length > 0) yield this.queue.take(this.queue.length);
    for (;;) {
      const chunk = await this.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  private async next(): Promise<Buffer | undefined> {
    const timer = setTimeout(
      () => this.request.destroy(new Error(`nothing received for ${this.idleTimeoutMs} ms`)),
      this.idleTimeoutMs,
    );
    try {
      // A connection that breaks makes this throw: the end is never but the regular end.
      const { done, value } = await this.chunks.next();
      return done === true ? undefined : value;
    } finally {
      clearTimeout(timer);
    }
  }
}
