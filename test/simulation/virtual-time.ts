/**
 * Time for a simulated world: timers, clocks and chance of everything in this process come from here once `install` was
 * called. One event happens after the other, and each is over, with every promise that it settles, before the next
 * begins. So what happens depends on nothing but the seed, whatever code runs in the world.
 */

import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { EventQueue, type QueuedEvent } from './event-queue.ts';

/** A process on a simulated machine: what it has begun ends with it. */
export interface Owner {
  readonly isAlive: boolean;
  /** How fast its machine's clock runs: 1.1 is ten per cent too fast. */
  readonly clockRate: number;
  /** By how much its wall clock is off; set by whoever corrects the clock, while the process runs. */
  readonly clockOffsetMs: number;
  /** Nothing of the process happens before that: it is stopped, or its machine is. */
  readonly pausedUntilMs: number;
}

/** Wall clocks begin here, as any real one is later than 1970. */
const epochMs = Date.UTC(2024, 0, 1);
const real = { setImmediate: globalThis.setImmediate, Date: globalThis.Date };

/** What `setTimeout` and the like give: enough of Node's Timeout for those who use it. */
class Timer {
  readonly event: QueuedEvent;

  constructor(event: QueuedEvent) {
    this.event = event;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

export class VirtualTime {
  /** Since the world began. */
  nowMs = 0;
  /** Events that have happened. */
  steps = 0;
  private readonly queue = new EventQueue();
  private current: Owner | undefined;

  /** Who runs now; undefined between the processes. */
  get owner(): Owner | undefined {
    return this.current;
  }

  /** Makes the rest of this event one of that process: timers that it starts are its own. */
  enter(owner: Owner | undefined): void {
    this.current = owner;
  }

  /** Goes on as that process: now, or when it is not paused any more; never when it has ended by then. */
  whenAwake(owner: Owner, run: () => void): void {
    if (!owner.isAlive) return;
    if (owner.pausedUntilMs > this.nowMs) {
      this.after(owner.pausedUntilMs - this.nowMs, undefined, () => this.whenAwake(owner, run));
      return;
    }
    this.enter(owner);
    run();
  }

  /** @param owner whose clock counts, and with whose end the event is void; none for the world itself */
  after(delayMs: number, owner: Owner | undefined, run: () => void): QueuedEvent {
    const atMs = this.nowMs + Math.max(0, delayMs) / (owner?.clockRate ?? 1);
    return this.queue.add(atMs, owner, run);
  }

  /** Lets the next event happen, and all that follows from it at once. @returns false when nothing will ever happen */
  async step(): Promise<boolean> {
    for (let next = this.queue.take(); next !== undefined; next = this.queue.take()) {
      const owner = next.owner as Owner | undefined;
      if (next.isCancelled || owner?.isAlive === false) continue;
      if (owner !== undefined && owner.pausedUntilMs > next.atMs) {
        this.queue.put(next, owner.pausedUntilMs);
        continue;
      }
      this.nowMs = next.atMs;
      this.current = owner;
      this.steps++;
      next.run();
      // Every promise settled by the event has been followed to its end when Node comes to this.
      await new Promise<void>((resolve) => real.setImmediate(resolve));
      return true;
    }
    return false;
  }

  /**
   * Puts this world's timers, clocks and random numbers in the place of the real ones, for the whole process.
   *
   * @param random in [0, 1)
   * @returns what undoes it
   */
  install(random: () => number): () => void {
    const before = {
      setTimeout: globalThis.setTimeout,
      clearTimeout: globalThis.clearTimeout,
      setInterval: globalThis.setInterval,
      clearInterval: globalThis.clearInterval,
      setImmediate: globalThis.setImmediate,
      clearImmediate: globalThis.clearImmediate,
      Date: globalThis.Date,
    };
    const others = { random: Math.random, performanceNow: performance.now, timers: { ...timers } };
    Object.assign(globalThis, this.globals());
    Math.random = random;
    performance.now = () => this.monotonicMs();
    const pause = (delayMs = 0, value?: unknown) =>
      new Promise<unknown>((resolve) => this.after(delayMs, this.current, () => resolve(value)));
    Object.assign(timers, { setTimeout: pause, setImmediate: (value?: unknown) => pause(0, value) });
    syncBuiltinESMExports();
    return () => {
      Object.assign(globalThis, before);
      Math.random = others.random;
      performance.now = others.performanceNow;
      Object.assign(timers, others.timers);
      syncBuiltinESMExports();
    };
  }

  /** The clock of whoever runs now that never jumps. */
  private monotonicMs(): number {
    return this.nowMs * (this.current?.clockRate ?? 1);
  }

  private wallClockMs(): number {
    return epochMs + this.monotonicMs() + (this.current?.clockOffsetMs ?? 0);
  }

  private globals(): Record<string, unknown> {
    const clear = (timer: unknown) => {
      if (timer instanceof Timer) timer.event.isCancelled = true;
    };
    const once = (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
      new Timer(this.after(delayMs, this.current, () => run(...args)));
    const every = (run: (...args: unknown[]) => void, delayMs = 1, ...args: unknown[]) => {
      const owner = this.current;
      // One event again and again, so that clearing the timer ends them all.
      const repeat = (): void => {
        this.queue.put(timer.event, this.nowMs + Math.max(1, delayMs) / (owner?.clockRate ?? 1));
        run(...args);
      };
      const timer = new Timer(this.after(Math.max(1, delayMs), owner, repeat));
      return timer;
    };
    const clockMs = () => this.wallClockMs();
    class WorldDate extends real.Date {
      constructor(...args: [] | [number]) {
        super(args.length === 0 ? clockMs() : args[0]);
      }

      static override now(): number {
        return Math.floor(clockMs());
      }
    }
    return {
      setTimeout: once,
      clearTimeout: clear,
      setInterval: every,
      clearInterval: clear,
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) => once(run, 0, ...args),
      clearImmediate: clear,
      Date: WorldDate,
    };
  }
}
