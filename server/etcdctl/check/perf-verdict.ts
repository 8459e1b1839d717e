/** What a load's figures come to, in upstream's words (contract: cli §6). */
import type { LoadResult } from './load.ts';

/** Upstream's limits. */
const leastShareOfRate = 0.9;
const slowestSeconds = 0.5;
const deviationSeconds = 0.1;

export interface Verdict {
  readonly passed: boolean;
  readonly lines: readonly string[];
}

/** @param putsPerSecond that were asked for */
export function perfVerdict({ latenciesMs, tookMs, errors }: LoadResult, putsPerSecond: number): Verdict {
  const lines = errorLines(errors);
  const rate = latenciesMs.length === 0 ? 0 : latenciesMs.length / (tookMs / 1000);
  const fastEnough = rate / putsPerSecond > leastShareOfRate;
  const shownRate = `${Math.floor(rate) + 1} writes/s`;
  lines.push(fastEnough ? `PASS: Throughput is ${shownRate}` : `FAIL: Throughput too low: ${shownRate}`);
  const slowest = latenciesMs.reduce((most, each) => Math.max(most, each), 0) / 1000;
  const steady = slowest <= slowestSeconds;
  lines.push(`${steady ? 'PASS: Slowest request took' : 'Slowest request took too long:'} ${slowest.toFixed(6)}s`);
  const deviation = standardDeviation(latenciesMs) / 1000;
  const even = deviation <= deviationSeconds;
  lines.push(`${even ? 'PASS: Stddev is' : 'Stddev too high:'} ${deviation.toFixed(6)}s`);
  const passed = errors.size === 0 && fastEnough && steady && even;
  return { passed, lines: [...lines, passed ? 'PASS' : 'FAIL'] };
}

/** One line for each kind of error, and one for all; none without errors. */
export function errorLines(errors: LoadResult['errors']): string[] {
  if (errors.size === 0) return [];
  return ['FAIL: too many errors', ...[...errors].map(([text, count]) => `FAIL: ERROR(${text}) -> ${count}`)];
}

function standardDeviation(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  return Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length);
}
