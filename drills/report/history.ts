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
  /** How `rtoMs` differs from the mean of the runs of this drill and engine before it: 0.5 is half as long again. */
  trend?: number;
}

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
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { ...run, trend: rtoMs / mean - 1 };
}
