/** Rounds to one figure with its spread. */
import type { Figure } from '../row.ts';

/** What was measured of one figure, a value for each round. */
export interface FigureResult extends Figure {
  readonly row: string;
  readonly figure: string;
  /** Title of the row and of the figure. */
  readonly fullTitle: string;
  readonly ours: readonly number[];
  readonly upstream: readonly number[];
  /** What the generator reaches against a server that does nothing. */
  readonly ceiling?: number | undefined;
}

/** A row that could not be measured on an engine, or not at the first try. */
export interface RowFailure {
  readonly row: string;
  readonly engine: string;
  readonly reason: string;
}

export interface Report {
  readonly taken: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly isTls: boolean;
  readonly isQuick: boolean;
  readonly figures: readonly FigureResult[];
  readonly failures: readonly RowFailure[];
  /** What was measured at the second try only. */
  readonly retries: readonly RowFailure[];
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Of an even number of values the mean of the two in the middle. @returns NaN for no values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    sorted.length % 2 === 1
      ? (sorted[Math.floor(middle)] as number)
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** Ours to upstream's, within each round: what disturbed the machine in one round counts for both. */
export function ratioOf({ ours, upstream }: FigureResult): Spread {
  const rounds = Math.min(ours.length, upstream.length);
  return spreadOf(Array.from({ length: rounds }, (_, i) => (ours[i] as number) / (upstream[i] as number)));
}

/** Whether the median meets its target; undefined without a target or without a ratio. */
export function meetsTarget(result: FigureResult): boolean | undefined {
  const { median } = ratioOf(result);
  if (result.target === undefined || Number.isNaN(median)) return undefined;
  return result.better === 'higher' ? median >= result.target : median <= result.target;
}

/** From here on a rate says as much about the generator as about the server. */
const nearCeiling = 0.7;

/** Whether either engine comes so near to what the generator can do that it may have been held back by it. */
export function isNearCeiling({ ceiling, ours, upstream, better }: FigureResult): boolean {
  if (ceiling === undefined || better !== 'higher') return false;
  return Math.max(spreadOf(ours).median, spreadOf(upstream).median) > nearCeiling * ceiling;
}
