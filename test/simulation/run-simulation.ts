/** Runs `npm run simulate` in a process of its own: its seams are made before any module of the server is loaded. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Outcome } from './simulation.ts';

export interface SimulationRun {
  /** Of the seeds that passed. */
  readonly outcomes: Outcome[];
  /** What was violated, the end of the trace and the command that replays it; undefined when nothing was. */
  readonly failure: string | undefined;
  /** The last line: how much was simulated. */
  readonly summary: string;
}

const root = path.resolve(import.meta.dirname, '../..');
/** No run of a test takes nearly as long; one that hangs is ended. */
const timeLimitMs = 240_000;

/** @param options as of `scripts/simulate.ts` @throws Error when it is used wrongly, or does not end */
export function runSimulation(...options: string[]): Promise<SimulationRun> {
  const limits = { cwd: root, timeout: timeLimitMs, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['scripts/simulate.ts', '--json', ...options], limits, (error, stdout, stderr) => {
      if (error !== null && (error.killed === true || !stderr.includes('replay with:'))) {
        reject(new Error(`the simulation did not run: ${error.message}\n${stderr.slice(-2000)}`));
        return;
      }
      const outcomes = stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Outcome);
      const summary = stderr.trim().split('\n').at(-1) ?? '';
      resolve({ outcomes, summary, failure: error === null ? undefined : stderr });
    });
  });
}

/** Asks that every seed passes. @throws Error with all that is known of the one that did not */
export async function simulateSafely(...options: string[]): Promise<SimulationRun> {
  const run = await runSimulation(...options);
  if (run.failure !== undefined) throw new Error(run.failure);
  console.log(run.summary);
  return run;
}
