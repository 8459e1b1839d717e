/** The command that `etcdctl watch` runs at each event. */
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { quote } from '../../cli/go-text.ts';
import type { CliIo } from '../../cli/io.ts';
import type { Event } from '../../proto/gen/kv.ts';
import { eventTypeName } from '../output/columns.ts';
import { runProgram } from '../run-program.ts';

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
  const { failure } = await runProgram(exec, env, io);
  if (failure === undefined) return;
  io.stderr.write(`command [${exec.map((word) => quote(word)).join(' ')}] error (${failure})\n`);
  throw new ExitError(ExitCode.Error, '');
}
