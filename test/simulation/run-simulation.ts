/** Runs `npm run simulate` in a process of its own: its seams are made before any module of the server is loaded. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Outcome } from './simulation.ts';

export interface SimulationRun {
  /** Of the seeds that passed. */
  readonly outcomes: Outcome[];
  /** Of the seed that did not; undefined when all did. */
  readonly failure: SimulationFailure | undefined;
  /** The last line: how much was simulated. */
  readonly summary: string;
}

export interface SimulationFailure {
  readonly seed: number;
  /** What was violated, in one line. */
  readonly violation: string;
  /** The end of the trace, what was violated, and the command that replays it. */
  readonly report: string;
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
      resolve({ outcomes, summary, failure: error === null ? undefined : readFailure(stderr) });
    });
  });
}

function readFailure(report: string): SimulationFailure {
  const [, seed, violation = ''] = /^seed (\d+) fails: (.*)$/m.exec(report) ?? [];
  return { seed: Number(seed), violation, report };
}

/** Asks that every seed passes. @throws Error with all that is known of the one that did not */
export async function simulateSafely(...options: string[]): Promise<SimulationRun> {
  const run = await runSimulation(...options);
  if (run.failure !== undefined) throw new Error(run.failure.report);
  console.log(run.summary);
  return run;
}
