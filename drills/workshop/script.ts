/** Runs a script of an exercise: bash, with a deadline, in a process group of its own. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';

export interface ScriptRun {
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Where its output goes: a file, or this process's own output. */
  readonly output: { readonly file: string } | 'terminal';
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What to do when it was interrupted or has failed: nobody knows how far it came. */
  readonly advice: readonly string[];
}

/** How long a script may take to end after it was told to. */
const graceMs = 5000;
const shownLines = 15;

/**
 * Runs a script with `errexit`, `nounset` and `pipefail`. Its output is no pipe of ours, so that a process which it
 * leaves in the background keeps nobody waiting.
 *
 * @throws LabError LAB_EXERCISE_SCRIPT when it fails or takes too long, with the end of its output; LAB_INTERRUPTED
 */
export async function runScript(run: ScriptRun): Promise<void> {
  const { file, environment, workingDirectory, output, timeoutMs, signal, advice } = run;
  if (signal.aborted) throw interrupted(advice);
  const log = output === 'terminal' ? undefined : openLog(output.file);
  try {
    const child = spawn('bash', ['-euo', 'pipefail', file], {
      cwd: workingDirectory,
      env: { ...environment },
      stdio: ['ignore', log ?? 'inherit', log ?? 'inherit'],
      // The whole group can be ended, and a Ctrl-C reaches us alone.
      detached: true,
    });
    const outcome = await ended(child, timeoutMs, signal);
    if (outcome === 'interrupted') throw interrupted(advice);
    if (outcome === undefined) return;
    const details = output === 'terminal' ? [] : lastLines(output.file);
    throw new LabError('LAB_EXERCISE_SCRIPT', `${file} ${outcome}`, { details, advice });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

function interrupted(advice: readonly string[]): LabError {
  return new LabError('LAB_INTERRUPTED', 'interrupted', { advice });
}

function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return openSync(file, 'w', 0o600);
}

/** @returns undefined once it has succeeded, or else in words how it ended */
function ended(
  child: ReturnType<typeof spawn>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | 'interrupted' | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  let reason: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const end = (why: string) => {
    reason ??= why;
    signalGroup(child.pid, 'SIGTERM');
    killTimer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs);
  };
  const onAbort = () => end('interrupted');
  const timer = setTimeout(() => end(`took longer than ${timeoutMs / 1000} s and was ended`), timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  child.once('error', (error) => resolve(`cannot be run: ${error.message}`));
  child.once('exit', (code, by) => {
    resolve(
      reason ?? (code === 0 ? undefined : `ended with exit code ${code ?? 128 + constants.signals[by ?? 'SIGKILL']}`),
    );
  });
  return promise.finally(() => {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal.removeEventListener('abort', onAbort);
  });
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function lastLines(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-shownLines);
}
