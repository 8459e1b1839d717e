/** Time as those see it who wait for it: tests move it by hand. */

export interface Clock {
  /** Milliseconds; only differences mean something. */
  now(): number;
  /** Calls back once, after `delayMs`. @returns what stops it */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
