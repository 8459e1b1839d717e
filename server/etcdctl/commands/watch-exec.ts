/** The command that `etcdctl watch` runs at each event. */
import { spawn } from 'node:child_process';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import type { Event } from '../../proto/gen/kv.ts';
import { eventTypeName } from '../output/columns.ts';

/**
 * Runs a command to its end with the event in its environment; its output is ours.
 *
 * @param revision of the response that the event came with
 * @throws ExitError (1), after saying why on standard error, when it fails
 */
export async function runAtEvent(exec: readonly string[], revision: number, event: Event, io: CliIo): Promise<void> {
  const env = {
    ...io.env,
    ETCD_WATCH_REVISION: String(revision),
    ETCD_WATCH_EVENT_TYPE: quote(eventTypeName(event)),
    ETCD_WATCH_KEY: quote(event.kv?.key ?? ''),
    ETCD_WATCH_VALUE: quote(event.kv?.value ?? ''),
  };
  const failure = await run(exec, env, io);
  if (failure === undefined) return;
  io.stderr.write(`command [${exec.map((word) => quote(word)).join(' ')}] error (${failure})\n`);
  throw new ExitError(ExitCode.Error, '');
}

/** @returns why it failed, in Go's words */
function run(exec: readonly string[], env: Record<string, string | undefined>, io: CliIo): Promise<string | undefined> {
  const [program = '', ...args] = exec;
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => io.stdout.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => io.stderr.write(chunk));
    child.once('error', (error: NodeJS.ErrnoException) => resolve(startFailure(program, error)));
    child.once('close', (code, signal) => {
      if (signal !== null) resolve(`signal: ${signalTexts[signal] ?? signal}`);
      else resolve(code === 0 ? undefined : `exit status ${code}`);
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
