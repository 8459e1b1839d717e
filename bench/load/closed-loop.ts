/** A fixed number of calls outstanding: as one is answered, the next goes out. */
import type { Head, LoadConnection } from './connection.ts';
import { type LoadResult, Samples } from './percentiles.ts';

export interface LoopRequest {
  readonly head: Head;
  /** As `framed` makes it. */
  readonly message: Uint8Array;
}

export interface ClosedLoopOptions {
  readonly connections: readonly LoadConnection[];
  /** Calls under way at a time, over all connections. */
  readonly outstanding: number;
  /** May be infinite, if `next` comes to an end. */
  readonly durationMs: number;
  /** What a slot asks next; slots are numbered from 0, and each has one call under way. Undefined ends the slot. */
  next(slot: number): LoopRequest | undefined;
  /** Sees every answer before the slot's `next`. */
  answered?(slot: number, message: Buffer): void;
}

/** How long all calls under way may go without an answer. */
const patienceMs = 30_000;

/**
 * Runs the loop; what is under way when time is over is waited for, and counted.
 *
 * @throws Error for the first call that fails, and when nothing is answered for 30 s
 */
export function runClosedLoop(options: ClosedLoopOptions): Promise<LoadResult> {
  const { connections, outstanding, durationMs } = options;
  const latencies = new Samples();
  return new Promise((resolve, reject) => {
    const fromMs = performance.now();
    const untilMs = fromMs + durationMs;
    let underWay = 0;
    let hasFailed = false;
    const overdue = setTimeout(
      () => fail(new Error(`${underWay} calls under way, and no answer for ${patienceMs / 1000} s`)),
      patienceMs,
    );
    const fail = (error: Error): void => {
      hasFailed = true;
      clearTimeout(overdue);
      reject(error);
    };
    const finish = (): void => {
      clearTimeout(overdue);
      const seconds = (performance.now() - fromMs) / 1000;
      const [p50Ms, p99Ms] = latencies.percentiles(0.5, 0.99) as [number, number];
      resolve({ perSecond: latencies.count / seconds, p50Ms, p99Ms, count: latencies.count });
    };
    const start = (slot: number): void => {
      const connection = connections[slot % connections.length] as LoadConnection;
      let sentMs = 0;
      const receiver = {
        message: (bytes: Buffer): void => options.answered?.(slot, bytes),
        end: (failure: Error | undefined): void => {
          underWay--;
          if (hasFailed) return;
          if (failure !== undefined) {
            fail(failure);
            return;
          }
          overdue.refresh();
          const nowMs = performance.now();
          latencies.add(nowMs - sentMs);
          if (nowMs < untilMs) send();
          if (underWay === 0) finish();
        },
      };
      const send = (): void => {
        const request = options.next(slot);
        if (request === undefined) return;
        underWay++;
        sentMs = performance.now();
        connection.call(request.head, receiver).send(request.message, true);
      };
      send();
    };
    for (let slot = 0; slot < outstanding; slot++) start(slot);
    if (underWay === 0) finish();
  });
}
