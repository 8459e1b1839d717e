/** Waiting, but not for ever. */
import { setTimeout as delay } from 'node:timers/promises';

/** @throws Error naming what was waited for, when it has not come in time */
export async function within<T>(timeoutMs: number, what: string, waiting: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const overdue = delay(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
  });
  try {
    return await Promise.race([waiting, overdue]);
  } finally {
    stop.abort();
    overdue.catch(() => {});
    waiting.catch(() => {});
  }
}

/**
 * Tries again and again, with a short break, until it works.
 *
 * @throws Error naming what was tried and why it failed last, when it has not worked in time
 */
export async function until<T>(timeoutMs: number, what: string, attempt: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, deadlineMs - performance.now());
    try {
      return await within(leftMs, what, attempt());
    } catch (error) {
      if (performance.now() >= deadlineMs) throw new Error(`${what}: ${(error as Error).message}`);
      await delay(retryMs);
    }
  }
}

const retryMs = 10;
