/** What came out of the runs that are still on record. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DrillResult } from '../engine/events.ts';
import type { DrillReport } from './report-schema.ts';
import { listRuns } from './retention.ts';

export interface PastRun {
  drill: string;
  runId: string;
  startedAt: string;
  engine: string;
  result: DrillResult;
  /** From the disaster to healthy, in milliseconds; missing if it never was. */
  rtoMs?: number;
  /** From the disaster to proved; only of a run that passed. */
  provenMs?: number;
  lostRevisions?: number;
  /** How `rtoMs` differs from the median of the runs of this drill and engine before it: 0.5 is half as long again. */
  trend?: number;
  /** Whether it took so much longer than that, and there were enough runs to say so, that it should be looked into. */
  regression?: boolean;
}

/** The runs of one drill on one engine that passed, as a whole. */
export interface DrillTrend {
  drill: string;
  engine: string;
  /** From the disaster to healthy, in milliseconds; the oldest first. */
  timesMs: readonly number[];
  medianMs: number;
  /** Of the newest run. */
  regression: boolean;
}

/** Fewer runs have a median by chance. */
const runsForVerdict = 3;
/** Beyond this a run is no accident of a busy machine. */
const regressionAbove = 0.5;

/** @returns the runs, the newest first; a run whose report cannot be read is left out */
export async function readHistory(reports: string): Promise<PastRun[]> {
  const runs: PastRun[] = [];
  for (const folder of (await listRuns(reports)).reverse()) {
    const report = await readReport(folder);
    if (report !== undefined) runs.push(withTrend(pastRun(report), runs));
  }
  return runs.reverse();
}

async function readReport(folder: string): Promise<DrillReport | undefined> {
  try {
    return JSON.parse(await readFile(path.join(folder, 'report.json'), 'utf8')) as DrillReport;
  } catch {
    // It was killed, or is not written yet.
    return undefined;
  }
}

function pastRun({ drill, runId, startedAt, engine, result, rto, rpo }: DrillReport): PastRun {
  return {
    drill,
    runId,
    startedAt,
    engine,
    result,
    ...(rto && { rtoMs: rto.healthyMs }),
    ...(rto && result === 'passed' && { provenMs: rto.provenMs }),
    ...(rpo && { lostRevisions: rpo.revisions }),
  };
}

/** @param earlier runs before this one, oldest first */
export function withTrend(run: PastRun, earlier: readonly PastRun[]): PastRun {
  const { rtoMs } = run;
  const like = earlier.filter(
    ({ drill, engine, result }) => drill === run.drill && engine === run.engine && result === 'passed',
  );
  const times = like.flatMap((other) => other.rtoMs ?? []);
  if (rtoMs === undefined || times.length === 0) return run;
  const trend = rtoMs / median(times) - 1;
  return { ...run, trend, ...(times.length >= runsForVerdict && { regression: trend > regressionAbove }) };
}

/** @param runs the newest first @returns one for each drill and engine that has passed, the one run last first */
export function trendsOf(runs: readonly PastRun[]): DrillTrend[] {
  const passed = runs.filter(({ result, rtoMs }) => result === 'passed' && rtoMs !== undefined);
  const groups = Map.groupBy(passed, ({ drill, engine }) => `${drill} ${engine}`);
  return [...groups.values()].map((group): DrillTrend => {
    const [newest] = group as [PastRun, ...PastRun[]];
    const timesMs = group.map(({ rtoMs }) => rtoMs as number).reverse();
    const { drill, engine, regression = false } = newest;
    return { drill, engine, timesMs, medianMs: median(timesMs), regression };
  });
}

const bars = '▁▂▃▄▅▆▇█';

/** @returns a bar for each value, from zero up to the largest */
export function sparkline(values: readonly number[]): string {
  const largest = Math.max(...values, 1);
  return values.map((value) => bars[Math.min(bars.length - 1, Math.floor((value / largest) * bars.length))]).join('');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
