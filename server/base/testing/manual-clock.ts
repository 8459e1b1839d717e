/** A clock that stands still until a test moves it. */
import type { Clock } from '../clock.ts';

interface Alarm {
  readonly atMs: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  private nowMs = 0;
  private alarms: Alarm[] = [];

  now(): number {
    return this.nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const alarm = { atMs: this.nowMs + delayMs, callback };
    this.alarms.push(alarm);
    return () => {
      this.alarms = this.alarms.filter((other) => other !== alarm);
    };
  }

  /** How many callbacks wait. */
  get pending(): number {
    return this.alarms.length;
  }

  /** Lets time pass: calls back in order, and lets what each has started settle before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.alarms.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.alarms = this.alarms.filter((alarm) => alarm !== next);
      this.nowMs = next.atMs;
      next.callback();
      await settled();
    }
    this.nowMs = endMs;
    await settled();
  }
}

/** Resolves once everything that waits for nothing but promises has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
