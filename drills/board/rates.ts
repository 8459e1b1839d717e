/** How fast keys are written and how long the disk takes, out of what the members count. */
import { quantileSince } from './exposition.ts';
import type { Counters, NodeObservation } from './observation.ts';

/** Readings that a quantile is taken over. */
const windowReadings = 16;
/** Points of the curve. */
const maxPoints = 90;

export class Rates {
  private readonly readings = new Map<string, Counters[]>();
  private readonly points: number[] = [];

  /** Keys written per second, oldest first; at most 90 points, one for each time that counters were read. */
  get keysPerSecond(): readonly number[] {
    return this.points;
  }

  /** Takes what is new in an observation. */
  take(nodes: readonly NodeObservation[]): void {
    const rates = nodes.flatMap(({ node, counters }) => (counters === undefined ? [] : this.add(node, counters)));
    if (rates.length === 0) return;
    // Every member applies every put; one that is behind counts it later.
    this.points.push(Math.max(...rates));
    if (this.points.length > maxPoints) this.points.shift();
  }

  /** @returns the 99th percentile of the log's fsync within the last readings, in seconds; undefined without one */
  fsyncP99Seconds(node: string): number | undefined {
    const readings = this.readings.get(node) ?? [];
    const [first, last] = [readings[0], readings.at(-1)];
    return first === undefined || last === undefined ? undefined : quantileSince(first.fsync, last.fsync, 0.99);
  }

  private add(node: string, counters: Counters): number[] {
    const readings = this.readings.get(node) ?? [];
    const before = readings.at(-1);
    if (before?.atMs === counters.atMs) return [];
    if (before === undefined || before.startedAtSeconds !== counters.startedAtSeconds) {
      this.readings.set(node, [counters]);
      return [];
    }
    readings.push(counters);
    if (readings.length > windowReadings) readings.shift();
    const seconds = (counters.atMs - before.atMs) / 1000;
    return seconds > 0 ? [Math.max(0, counters.puts - before.puts) / seconds] : [];
  }
}
