/** How many runs are kept: enough for a trend, not so many that a lab used every day fills a disk. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

/** Runs whose reports are kept. */
const keptRuns = 50;
/** Runs that passed and keep their snapshot; it can be large. One of a run that did not pass is evidence. */
const keptSnapshots = 3;

/** Names of runs end with their time, to the second. */
const runName = /-(\d{8}-\d{6})$/;

/** @returns the folders of all runs, the newest first */
export async function listRuns(reports: string): Promise<string[]> {
  const names = (await readdir(reports).catch(() => [])).filter((name) => runName.test(name));
  const time = (name: string): string => runName.exec(name)?.[1] ?? '';
  return names.sort((a, b) => (time(a) < time(b) ? 1 : -1)).map((name) => path.join(reports, name));
}

/** Removes the oldest runs, and the snapshots of all but the newest that passed. Manifests stay with their reports. */
export async function pruneRuns(reports: string): Promise<void> {
  const runs = await listRuns(reports);
  for (const run of runs.slice(keptRuns)) await rm(run, { recursive: true, force: true });
  let passed = 0;
  for (const run of runs.slice(0, keptRuns)) {
    if (!(await hasPassed(run))) continue;
    passed += 1;
    if (passed <= keptSnapshots) continue;
    const snapshots = (await readdir(run)).filter((name) => name.endsWith('.db'));
    for (const name of snapshots) await rm(path.join(run, name), { force: true });
  }
}

async function hasPassed(run: string): Promise<boolean> {
  try {
    return JSON.parse(await readFile(path.join(run, 'report.json'), 'utf8')).result === 'passed';
  } catch {
    // No report: the run was killed, or another process works on it.
    return false;
  }
}
