/** What can be measured: a row names its figures and measures them on one engine. */
import type { Executables } from '../scripts/build.ts';
import type { BenchCluster } from './cluster.ts';
import type { Target } from './engines/target.ts';

/** A line of the table. */
export interface Figure {
  /** Completes the title of its row, such as `p99`. */
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** The ratio to upstream that is wanted: at least (higher) or at most (lower) so much. */
  readonly target?: number;
  /** A point of a curve that shows how cost grows. */
  readonly growth?: { readonly of: string; readonly with: string; readonly at: number };
}

/** How much of everything. */
export interface Scale {
  /** A few calls of each kind are enough: time plays no part. */
  readonly isQuick: boolean;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Sizes of the data that rows of growing data go through. */
  readonly keys: readonly number[];
  readonly expiringLeases: number;
  /** Runs of a program within one round. */
  readonly runs: number;
  /** Keys in the large database. */
  readonly largeKeys: number;
  /** Keys of 8 KiB in the database of a gigabyte. */
  readonly gigabyteKeys: number;
  /** Keys that a large drill writes, loses and restores. */
  readonly drillKeys: number;
  /** Leases of the row with very many. */
  readonly manyLeases: number;
}

export const fullScale: Scale = {
  isQuick: false,
  warmUpMs: 200,
  durationMs: 700,
  keys: [1000, 10_000, 100_000],
  expiringLeases: 10_000,
  runs: 10,
  largeKeys: 1_000_000,
  gigabyteKeys: 131_072,
  drillKeys: 100_000,
  manyLeases: 1_000_000,
};

/** Whether everything runs: its figures mean nothing. */
export const quickScale: Scale = {
  isQuick: true,
  warmUpMs: 10,
  durationMs: 100,
  keys: [100, 1000],
  expiringLeases: 100,
  runs: 1,
  largeKeys: 2000,
  gigabyteKeys: 200,
  drillKeys: 2000,
  manyLeases: 2000,
};

/** What one measurement is given besides what it measures. */
export interface Surroundings {
  readonly scale: Scale;
  readonly isTls: boolean;
  /** Set when the measurement is to end, with whatever it has started. */
  readonly signal: AbortSignal;
  /** An empty folder of this measurement. */
  readonly scratch: string;
}

/** By the names of the row's figures. */
export type Measured = Readonly<Record<string, number>>;

interface RowBase {
  /** What it is chosen by on the command line. */
  readonly name: string;
  readonly title: string;
  figures(scale: Scale): Readonly<Record<string, Figure>>;
  /** Measured in so many rounds at most, since it takes long. */
  readonly maxRounds?: number;
  /** Only measured when it is asked for by name: these rows take minutes together. */
  readonly isLarge?: boolean;
}

/** Load on a cluster that other rows use as well, and on the null server, which shows what the generator can do. */
export interface LoadRow extends RowBase {
  readonly on: 'shared cluster';
  /** Whether a server that does nothing can serve it. */
  readonly hasCeiling: boolean;
  measure(target: Target, surroundings: Surroundings): Promise<Measured>;
}

/** A cluster of its own, which it may hurt. */
export interface ClusterRow extends RowBase {
  readonly on: 'own cluster';
  measure(cluster: BenchCluster, executables: Executables, surroundings: Surroundings): Promise<Measured>;
}

/** The programs as such. */
export interface EngineRow extends RowBase {
  readonly on: 'programs';
  measure(engine: Engine, surroundings: Surroundings): Promise<Measured>;
}

export type Row = LoadRow | ClusterRow | EngineRow;

export interface Engine {
  readonly name: 'built-in' | 'upstream';
  readonly executables: Executables;
}
