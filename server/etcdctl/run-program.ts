/** Runs another program from a command, in the words of Go when it fails. */
import { spawn } from 'node:child_process';
import { quote } from '../cli/go-text.ts';
import type { CliIo } from '../cli/io.ts';

/** How a program ended; `exitCode` is undefined when it could not be started or died by a signal. */
export interface ProgramEnd {
  readonly exitCode: number | undefined;
  /** Why it failed, as Go has it; undefined when it did not. */
  readonly failure: string | undefined;
}

/**
 * Runs a program to its end, without standard input. What it writes becomes ours.
 */
export function runProgram(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  io: CliIo,
): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => io.stdout.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => io.stderr.write(chunk));
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ exitCode: undefined, failure: startFailure(program, error) }),
    );
    child.once('close', (code, signal) => {
      if (signal !== null) resolve({ exitCode: undefined, failure: `signal: ${signalTexts[signal] ?? signal}` });
      else resolve({ exitCode: code ?? 0, failure: code === 0 ? undefined : `exit status ${code}` });
    });
  });
}

/** As Go describes the signals that end commands most often. */
const signalTexts: Partial<Record<NodeJS.Signals, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGPIPE: 'broken pipe',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

function startFailure(program: string, { code, message }: NodeJS.ErrnoException): string {
  if (program.includes('/')) {
    const reason = { ENOENT: 'no such file or directory', EACCES: 'permission denied' }[code ?? ''];
    return `fork/exec ${program}: ${reason ?? message}`;
  }
  return `exec: ${quote(program)}: ${code === 'ENOENT' ? 'executable file not found in $PATH' : message}`;
}
