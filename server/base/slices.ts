/**
 * Long computations that share the event loop: a walk over a whole database must not keep heartbeats from going out, or
 * the cluster holds an election.
 *
 * Such a computation is a generator that yields wherever it may be interrupted, so that the same code runs in one go at
 * start, and in slices beside everything else afterwards.
 */
import { setImmediate } from 'node:timers/promises';

/** Yields between pieces of well under a millisecond; returns the result. */
export type Steps<T> = Generator<void, T, void>;

/** A twentieth of the usual heartbeat interval; the pauses in between cost next to nothing. */
const sliceMs = 5;

/** Runs the computation to its end, on the calling thread. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Runs the computation a few milliseconds at a time, with a turn of the event loop in between.
 *
 * @param check called after each pause; what it throws ends the computation
 */
export async function inSlices<T>(steps: Steps<T>, check: () => void = () => {}): Promise<T> {
  let startMs = performance.now();
  try {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      if (performance.now() - startMs < sliceMs) continue;
      await setImmediate();
      check();
      startMs = performance.now();
    }
  } finally {
    // Only `check` leaves something to clean up behind.
    steps.return(undefined as T);
  }
}
