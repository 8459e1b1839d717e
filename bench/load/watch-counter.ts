/** Counts what many watches tell, without decoding more than it takes to count. */
import { WatchResponse } from '../../server/proto/gen/rpc.ts';
import { Reader } from '../../server/proto/wire.ts';
import type { Receiver } from './call.ts';

/** Field number of the events in a WatchResponse. */
const eventsField = 11;

interface Waiting {
  left: number;
  readonly onEach: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Receives for any number of streams of watches. */
export class WatchCounter implements Receiver {
  private readonly patienceMs: number;
  private isCreating = true;
  /** Events so far. */
  private seen = 0;
  private waiting: Waiting | undefined;
  private failure: Error | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param patienceMs how long nothing may come while something is waited for */
  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  /** Waits until so many watches are confirmed. @throws Error when one is refused, or nothing comes any more */
  async created(count: number): Promise<void> {
    await this.wait(count, () => {});
    this.isCreating = false;
  }

  /**
   * Waits for so many events.
   *
   * @param onEach is called for each
   * @throws Error when a stream ends, or nothing comes any more
   */
  events(count: number, onEach: () => void): Promise<void> {
    return this.wait(count, onEach);
  }

  /** Waits until there were so many events since the watches were created. @throws Error as `events` */
  async total(count: number): Promise<void> {
    if (this.seen < count) await this.wait(count - this.seen, () => {});
  }

  message(bytes: Buffer): void {
    this.timer?.refresh();
    const count = this.isCreating ? this.countCreated(bytes) : countEvents(bytes);
    if (!this.isCreating) this.seen += count;
    const { waiting } = this;
    if (waiting === undefined) return;
    for (let i = 0; i < count; i++) waiting.onEach();
    waiting.left -= count;
    if (waiting.left > 0) return;
    this.waiting = undefined;
    waiting.resolve();
  }

  end(failure: Error | undefined): void {
    this.fail(failure ?? new Error('a stream of watches has ended'));
  }

  close(): void {
    clearTimeout(this.timer);
    this.waiting = undefined;
  }

  private countCreated(bytes: Buffer): number {
    const { created, canceled, cancel_reason: reason } = WatchResponse.decode(bytes);
    if (canceled) this.fail(new Error(`a watch was refused: ${reason}`));
    return created ? 1 : 0;
  }

  private wait(count: number, onEach: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting = { left: count, onEach, resolve, reject };
      if (this.failure !== undefined) this.fail(this.failure);
      this.timer ??= setTimeout(() => this.fail(new Error('nothing comes from watches any more')), this.patienceMs);
      this.timer.refresh();
    });
  }

  private fail(error: Error): void {
    this.failure ??= error;
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(this.failure);
  }
}

/** How many events a WatchResponse holds. */
export function countEvents(message: Buffer): number {
  const reader = new Reader(message);
  let count = 0;
  while (reader.pos < reader.end) {
    const tag = reader.uint32();
    if (tag >>> 3 === eventsField) count++;
    reader.skip(tag);
  }
  return count;
}
