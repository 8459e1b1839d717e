/**
 * Metrics as plain numbers. prom-client's own counters look up a label set in a hash at each step; these are added to
 * on the path of requests and only put into prom-client's form when somebody scrapes.
 */
import type { Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

/** One line of the text format. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** The family's name unless given: histograms have lines of other names. */
  readonly metricName?: string;
}

export type FamilyType = 'counter' | 'gauge' | 'histogram';

/** Registers a family whose samples are taken at scrape time. */
export function register(
  registry: Registry,
  name: string,
  type: FamilyType,
  help: string,
  samples: () => readonly Sample[],
): void {
  const get = async () => ({
    name,
    help,
    type,
    values: samples().map(({ labels = {}, ...rest }) => ({ labels, ...rest })),
  });
  registry.registerMetric({ name, get } as unknown as Metric);
}

/** Label sets and a number for each. Their number must be bounded by where the labels come from. */
export class CounterFamily {
  private readonly labelNames: readonly string[];
  private readonly values = new Map<string, { labels: Labels; value: number }>();

  constructor(
    registry: Registry,
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    labelNames: readonly string[],
  ) {
    this.labelNames = labelNames;
    register(registry, name, type, help, () => [...this.values.values()]);
  }

  add(labelValues: readonly string[], amount: number): void {
    this.sample(labelValues).value += amount;
  }

  set(labelValues: readonly string[], value: number): void {
    this.sample(labelValues).value = value;
  }

  private sample(labelValues: readonly string[]): { labels: Labels; value: number } {
    const key = labelValues.join('\0');
    let sample = this.values.get(key);
    if (sample === undefined) {
      const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, labelValues[i] ?? '']));
      sample = { labels, value: 0 };
      this.values.set(key, sample);
    }
    return sample;
  }
}

/** `start`, doubled `count - 1` times: the bounds of most of etcd's histograms. */
export function doublingBuckets(start: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Number((start * 2 ** i).toPrecision(12)));
}

/** A histogram without labels, or one label set of one. */
export class Histogram {
  readonly labels: Labels;
  private readonly bounds: readonly number[];
  private readonly counts: number[];
  private sum = 0;

  /** @param bounds upper bounds, ascending */
  constructor(bounds: readonly number[], labels: Labels = {}) {
    this.bounds = bounds;
    this.labels = labels;
    this.counts = [...bounds.map(() => 0), 0];
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }

  samples(name: string): Sample[] {
    return histogramSamples(name, this.labels, this.bounds, this.counts, this.sum);
  }
}

/** As Go writes it: a rule that looks for a bucket compares text. */
function goFloat(value: number): string {
  return value < 1e6 ? String(value) : value.toExponential().replace(/e\+(\d)$/, 'e+0$1');
}

/** The lines of a histogram. @param counts per bucket, not cumulated, the one beyond the last bound included */
export function histogramSamples(
  name: string,
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  let total = 0;
  const buckets = counts.map((count, i) => {
    total += count;
    const bound = i < bounds.length ? goFloat(bounds[i] as number) : '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: total },
  ];
}

/** A registered histogram without labels. */
export function histogram(registry: Registry, name: string, help: string, bounds: readonly number[]): Histogram {
  const created = new Histogram(bounds);
  register(registry, name, 'histogram', help, () => created.samples(name));
  return created;
}

/** A registered histogram with one label, whose values appear when they are first used. */
export class HistogramFamily {
  private readonly label: string;
  private readonly bounds: readonly number[];
  private readonly children = new Map<string, Histogram>();

  constructor(registry: Registry, name: string, help: string, bounds: readonly number[], label: string) {
    this.label = label;
    this.bounds = bounds;
    register(registry, name, 'histogram', help, () =>
      [...this.children.values()].flatMap((child) => child.samples(name)),
    );
  }

  observe(labelValue: string, value: number): void {
    let child = this.children.get(labelValue);
    if (child === undefined) {
      child = new Histogram(this.bounds, { [this.label]: labelValue });
      this.children.set(labelValue, child);
    }
    child.observe(value);
  }
}
