/** A named condition of a cluster that is waited for: it holds, or says why not yet. */
import { setTimeout as delay } from 'node:timers/promises';
import { interrupted, LabError, throwIfInterrupted } from '../../errors.ts';

/** One reason why a condition does not hold yet. */
export interface Shortfall {
  /** The member concerned. */
  readonly node: string;
  readonly reason: string;
}

export interface Condition {
  /** Stable identifier, such as `one-leader`. */
  readonly id: string;
  /** For people, as it reads when it holds: `one leader`. */
  readonly title: string;
  readonly deadlineMs: number;
  /** @returns nothing if it holds @throws LabError if waiting is in vain, such as for a process that has ended */
  readonly check: () => Promise<readonly Shortfall[]>;
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when the reason for waiting changes. */
  readonly onReason?: ((reason: string) => void) | undefined;
  /** Default 100. */
  readonly pollMs?: number | undefined;
}

/** @returns one line: `node1: not started; node2: not started` */
export function describeShortfalls(shortfalls: readonly Shortfall[]): string {
  return shortfalls.map(({ node, reason }) => `${node}: ${reason}`).join('; ');
}

/** A condition did not come to hold within its deadline. */
export class UnhealthyError extends LabError {
  readonly condition: string;
  readonly shortfalls: readonly Shortfall[];

  private readonly source: Condition;

  constructor(condition: Condition, shortfalls: readonly Shortfall[], details: readonly string[] = []) {
    const waited = `${condition.deadlineMs / 1000} s`;
    super('LAB_UNHEALTHY', `not so after ${waited}: ${condition.title} (${describeShortfalls(shortfalls)})`, {
      details,
      advice: ['etcdlab status', ...new Set(shortfalls.map(({ node }) => `etcdlab logs ${node}`))],
    });
    this.source = condition;
    this.condition = condition.id;
    this.shortfalls = shortfalls;
  }

  /** @returns the same error with lines of evidence */
  withDetails(details: readonly string[]): UnhealthyError {
    return new UnhealthyError(this.source, this.shortfalls, details);
  }
}

/** @throws UnhealthyError at the deadline, LabError LAB_INTERRUPTED, or what the check throws */
export async function waitFor(condition: Condition, options: WaitOptions = {}): Promise<void> {
  const end = performance.now() + condition.deadlineMs;
  for (let last = ''; ; ) {
    throwIfInterrupted(options.signal);
    const shortfalls = await condition.check();
    if (shortfalls.length === 0) return;
    const reason = describeShortfalls(shortfalls);
    if (reason !== last) options.onReason?.(reason);
    last = reason;
    if (performance.now() >= end) throw new UnhealthyError(condition, shortfalls);
    await delay(options.pollMs ?? 100, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {
      throw interrupted();
    });
  }
}
