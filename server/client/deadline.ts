/** The time that one call may take, over all its attempts, and the caller's wish to stop it. */
import { Code } from '../errors/etcd-error.ts';
import { RpcError } from './rpc-error.ts';

/** setTimeout's limit; a longer wait is as good as an endless one. */
const longestTimerMs = 2 ** 31 - 1;

export class Deadline {
  readonly signal: AbortSignal | undefined;
  private readonly startedMs = performance.now();
  private readonly timeoutMs: number;

  /**
   * @param timeoutMs from now; Infinity for none
   * @throws RpcError when it is over before it begins
   */
  constructor(timeoutMs: number, signal?: AbortSignal | undefined) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.throwIfOver();
  }

  /** Infinity when there is none. */
  leftMs(): number {
    return Math.max(this.timeoutMs - (performance.now() - this.startedMs), 0);
  }

  /** Whole milliseconds since the call began. */
  waited(): number {
    return Math.round(performance.now() - this.startedMs);
  }

  /**
   * Waits for `promise`, at most `limitMs` and never beyond the deadline.
   *
   * @returns false when the time was up first
   * @throws RpcError Canceled when the caller's signal fires; whatever `promise` rejects with
   */
  race(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
    this.throwIfOver();
    return new Promise((resolve, reject) => {
      const waitMs = Math.max(Math.min(limitMs, this.leftMs()), 0);
      const timer = waitMs <= longestTimerMs ? setTimeout(() => settle(() => resolve(false)), waitMs) : undefined;
      const onAbort = (): void => settle(() => reject(canceled()));
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        this.signal?.removeEventListener('abort', onAbort);
        outcome();
      };
      this.signal?.addEventListener('abort', onAbort, { once: true });
      promise.then(
        () => settle(() => resolve(true)),
        (error: unknown) => settle(() => reject(error)),
      );
    });
  }

  /** @throws RpcError DeadlineExceeded when less than `milliseconds` are left, Canceled when the signal fires */
  async sleep(milliseconds: number): Promise<void> {
    await this.race(new Promise<never>(() => {}), milliseconds);
    this.throwIfOver();
  }

  private throwIfOver(): void {
    if (this.signal?.aborted) throw canceled();
    if (this.leftMs() === 0) throw new RpcError(Code.DeadlineExceeded, 'context deadline exceeded');
  }
}

function canceled(): RpcError {
  return new RpcError(Code.Canceled, 'context canceled');
}
