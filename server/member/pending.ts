/** Calls that wait for something the log will bring: the result of their own entry, or an index to be applied. */
import { type Churning, ChurnTable } from '../base/churn-table.ts';
import { errStopped, errTimeoutWaitApplied } from '../errors/etcd-error.ts';

interface PendingRequest<T> extends Churning<PendingRequest<T>> {
  readonly id: bigint;
  resolve(value: T): void;
  reject(error: Error): void;
  /** By the clock of `performance.now`. */
  readonly deadlineMs: number;
  timeoutError(): Error;
}

/** Proposals under way, by request id. One timer serves them all: a timer for each would cost more than the rest of it. */
export class PendingRequests<T> {
  private readonly waiters = new ChurnTable<PendingRequest<T>>();
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires; at or before the first deadline. */
  private wakeMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.waiters.size;
  }

  has(id: bigint): boolean {
    return this.waiters.get(keyOf(id))?.id === id;
  }

  /**
   * Waits until `settle` is called for `id`.
   *
   * @param timeoutMs after which the wait rejects with what `timeoutError` makes
   */
  wait(id: bigint, timeoutMs: number, timeoutError: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const nowMs = performance.now();
      const deadlineMs = nowMs + timeoutMs;
      this.waiters.add({ key: keyOf(id), id, next: undefined, resolve, reject, deadlineMs, timeoutError });
      if (deadlineMs < this.wakeMs) this.wakeAt(deadlineMs, nowMs);
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
    for (const { id } of this.waiters.values()) this.fail(id, error);
    clearTimeout(this.timer);
    this.wakeMs = Number.POSITIVE_INFINITY;
  }

  private take(id: bigint): PendingRequest<T> | undefined {
    return this.has(id) ? this.waiters.delete(keyOf(id)) : undefined;
  }

  private wakeAt(wakeMs: number, nowMs: number): void {
    clearTimeout(this.timer);
    this.wakeMs = wakeMs;
    this.timer = setTimeout(() => this.expire(), wakeMs - nowMs);
  }

  private expire(): void {
    const nowMs = performance.now();
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { id, deadlineMs, timeoutError } of this.waiters.values()) {
      if (deadlineMs <= nowMs) this.fail(id, timeoutError());
      else firstMs = Math.min(firstMs, deadlineMs);
    }
    this.wakeMs = firstMs;
    if (this.waiters.size > 0) this.wakeAt(firstMs, nowMs);
  }
}

/** The part of an id that counts upwards: what is under way at one time never comes round to the same. */
function keyOf(id: bigint): number {
  return Number(BigInt.asUintN(32, id));
}

interface AppliedWaiter {
  readonly index: number;
  readonly timer: NodeJS.Timeout;
  resolve(): void;
  reject(error: Error): void;
}

/** Callers that wait for the state machine to have applied an index. */
export class AppliedIndexWaiters {
  private readonly waiting = new Set<AppliedWaiter>();
  private appliedIndex: number;
  private stopped = false;

  constructor(appliedIndex: number) {
    this.appliedIndex = appliedIndex;
  }

  /** Callers that wait now. */
  get size(): number {
    return this.waiting.size;
  }

  has(index: number): boolean {
    return index <= this.appliedIndex;
  }

  /**
   * Resolves once everything up to `index` is applied; at once when it already is.
   *
   * @throws EtcdError Unavailable when that takes longer than `timeoutMs`, and when the member stops
   */
  wait(index: number, timeoutMs: number): Promise<void> {
    if (this.stopped) return Promise.reject(errStopped());
    if (index <= this.appliedIndex) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(waiter);
        reject(errTimeoutWaitApplied());
      }, timeoutMs);
      const waiter = { index, resolve, reject, timer };
      this.waiting.add(waiter);
    });
  }

  advance(appliedIndex: number): void {
    this.appliedIndex = appliedIndex;
    for (const waiter of this.waiting) {
      if (waiter.index <= appliedIndex) this.release(waiter).resolve();
    }
  }

  stop(): void {
    this.stopped = true;
    for (const waiter of this.waiting) this.release(waiter).reject(errStopped());
  }

  private release(waiter: AppliedWaiter): AppliedWaiter {
    this.waiting.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }
}
