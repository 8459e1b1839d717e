/** Calls that wait for something the log will bring: the result of their own entry, or an index to be applied. */
import { errTimeoutWaitApplied } from '../errors/etcd-error.ts';

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** Proposals under way, by request id. */
export class PendingRequests<T> {
  private readonly waiters = new Map<bigint, Waiter<T>>();

  get size(): number {
    return this.waiters.size;
  }

  has(id: bigint): boolean {
    return this.waiters.has(id);
  }

  /**
   * Waits until `settle` is called for `id`.
   *
   * @param timeoutMs after which the wait rejects with what `timeoutError` makes
   */
  wait(id: bigint, timeoutMs: number, timeoutError: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiters.delete(id);
        reject(timeoutError());
      }, timeoutMs);
      this.waiters.set(id, { resolve, reject, timer });
    });
  }

  /** Hands `value` to the call that waits for `id`, if it is one of this member's. */
  settle(id: bigint, value: T): void {
    this.take(id)?.resolve(value);
  }

  fail(id: bigint, error: Error): void {
    this.take(id)?.reject(error);
  }

  failAll(error: Error): void {
    for (const id of [...this.waiters.keys()]) this.fail(id, error);
  }

  private take(id: bigint): Waiter<T> | undefined {
    const waiter = this.waiters.get(id);
    if (waiter === undefined) return undefined;
    this.waiters.delete(id);
    clearTimeout(waiter.timer);
    return waiter;
  }
}

/** Callers that wait for the state machine to have applied an index. */
export class AppliedIndexWaiters {
  private waiting: { index: number; resolve: () => void }[] = [];
  private appliedIndex: number;

  constructor(appliedIndex: number) {
    this.appliedIndex = appliedIndex;
  }

  /** Calls `resolve` once everything up to `index` is applied; at once when it already is. */
  wait(index: number, resolve: () => void): void {
    if (index <= this.appliedIndex) resolve();
    else this.waiting.push({ index, resolve });
  }

  has(index: number): boolean {
    return index <= this.appliedIndex;
  }

  /** As `wait`, but for a while only. @throws EtcdError Unavailable when it is not applied in time */
  waitAtMost(index: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        // It may never be: a client can name any index.
        this.waiting = this.waiting.filter((waiter) => waiter.resolve !== done);
        reject(errTimeoutWaitApplied());
      }, timeoutMs);
      this.wait(index, done);
    });
  }

  advance(appliedIndex: number): void {
    this.appliedIndex = appliedIndex;
    if (this.waiting.length === 0) return;
    const due = this.waiting.filter(({ index }) => index <= appliedIndex);
    if (due.length === 0) return;
    this.waiting = this.waiting.filter(({ index }) => index > appliedIndex);
    for (const { resolve } of due) resolve();
  }
}
