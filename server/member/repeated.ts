import type { Clock } from '../base/clock.ts';

/** Does something again and again: each time so long after the last time has ended, so that it never overtakes itself. */
export class Repeated {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly work: () => Promise<void>;
  private readonly onError: (error: Error) => void;
  private cancel: (() => void) | undefined;
  private isStopped = true;

  constructor(clock: Clock, intervalMs: number, work: () => Promise<void>, onError: (error: Error) => void) {
    this.clock = clock;
    this.intervalMs = intervalMs;
    this.work = work;
    this.onError = onError;
  }

  start(): void {
    this.isStopped = false;
    this.schedule();
  }

  /** Does not wait for what is under way. */
  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  private schedule(): void {
    this.cancel = this.clock.after(this.intervalMs, () => {
      this.work()
        .catch((error: Error) => {
          if (!this.isStopped) this.onError(error);
        })
        .finally(() => {
          if (!this.isStopped) this.schedule();
        });
    });
  }
}
