/** `etcdctl watch` (contract: cli §2). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { type CliIo, LineReader } from '../../cli/io.ts';
import type { ResumingWatch } from '../../client/mod.ts';
import { errCompacted } from '../../errors/etcd-error.ts';
import { WatchResponse } from '../../proto/gen/rpc.ts';
import type { Printer } from '../output/printer.ts';
import { explain, openSession, withClient } from '../session.ts';
import { splitWords } from '../txn-words.ts';
import {
  type WatchArguments,
  type WatchEnvironment,
  watchArguments,
  watchEnvironment,
  watchFlags,
  watchLineArguments,
  watchRequest,
} from './watch-arguments.ts';
import { runAtEvent } from './watch-exec.ts';

export const watchCommand: Command = {
  name: 'watch',
  argumentsUsage: '[options] [key or prefix] [range_end] [--] [exec-command arg1 arg2 ...]',
  short: 'Prints what happens to a key or a range of keys, as it happens',
  long: `Without a key, ETCDCTL_WATCH_KEY and ETCDCTL_WATCH_RANGE_END name what to watch. The command behind -- runs at each
event, with the event in ETCD_WATCH_REVISION, ETCD_WATCH_EVENT_TYPE, ETCD_WATCH_KEY and ETCD_WATCH_VALUE.`,
  flags: watchFlags,
  run: runWatch,
};

type OpenWatch = (of: WatchArguments, signal?: AbortSignal) => ResumingWatch;

/** What printing watches takes. */
interface Output {
  readonly printer: Printer;
  readonly io: CliIo;
}

async function runWatch(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  const environment = watchEnvironment(io.env);
  const interactive = flags.bool('interactive');
  // Of an interactive watch, the arguments are passed over; the lines have their own.
  const wanted = interactive ? undefined : watchArguments(args, flags, environment);
  if (wanted !== undefined) watchRequest(wanted);
  const { ETCDCTL_WATCH_KEY: _key, ETCDCTL_WATCH_RANGE_END: _rangeEnd, ...env } = io.env;
  const { settings, printer } = await openSession({ ...invocation, io: { ...io, env } });
  return withClient(invocation, settings, async (client) => {
    let isExplained = false;
    const onInterrupted = (error: Error): void => {
      if (!isExplained) void explain(error, settings, io);
      isExplained = true;
    };
    const watch: OpenWatch = (of, signal) => client.resumingWatch(watchRequest(of), { signal, onInterrupted });
    if (wanted === undefined) return watchLines(watch, environment, { printer, io });
    await print(watch(wanted), wanted.exec, { printer, io });
    throw new ExitError(ExitCode.Interrupted, 'watch is canceled by the server');
  });
}

/** Prints until the server ends the watch. */
async function print(watch: ResumingWatch, exec: readonly string[], { printer, io }: Output): Promise<void> {
  for await (const response of watch) {
    const { header, events, created, canceled } = response;
    const revision = header?.revision ?? 0;
    if (canceled) io.stderr.write(`watch was canceled (${cancelReason(response)})\n`);
    else if (created) continue;
    else if (events.length === 0) io.stdout.write(`progress notify: ${revision}\n`);
    // Upstream's client makes up a response of its own when the server refuses to create the watch.
    printer.watch(created ? WatchResponse.create({ canceled }) : response);
    for (const event of exec.length === 0 ? [] : events) await runAtEvent(exec, revision, event, io);
  }
}

function cancelReason({ compact_revision, cancel_reason }: WatchResponse): string {
  if (compact_revision !== 0) return errCompacted().message;
  return cancel_reason === '' ? 'etcdserver: mvcc: required revision is a future revision' : cancel_reason;
}

/** Any number of watches at a time, until the input ends or a line cannot be what it says. */
async function watchLines(watch: OpenWatch, environment: WatchEnvironment, output: Output): Promise<number> {
  const { io } = output;
  const open = new Set<ResumingWatch>();
  const stop = new AbortController();
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const start = (of: WatchArguments): void => {
    const started = watch(of, stop.signal);
    open.add(started);
    print(started, of.exec, output).then(() => open.delete(started), fail);
  };
  const lines = new LineReader(io.stdin);
  try {
    for (;;) {
      const line = await Promise.race([lines.next(), failed]);
      if (line === undefined) throw new ExitError(ExitCode.InvalidInput, 'error reading watch request line: EOF');
      const wrong = serveLine(line, environment, start, open);
      if (wrong !== undefined) io.stderr.write(`Invalid command${wrong}\n`);
    }
  } finally {
    stop.abort();
    await lines.close();
  }
}

/**
 * @returns what is wrong with the line, to follow `Invalid command`
 * @throws ExitError (128) when flags or their absence make it end the command
 */
function serveLine(
  line: string,
  environment: WatchEnvironment,
  start: (of: WatchArguments) => void,
  open: Iterable<ResumingWatch>,
): string | undefined {
  const words = splitWords(line);
  const [name] = words;
  if (name === undefined) return `: ${line} (watch and progress supported)`;
  if (name === 'progress') {
    for (const watch of open) watch.requestProgress();
    return undefined;
  }
  if (name !== 'watch') return ` ${line} (only support watch)`;
  if (words.length < 2 && environment.key === '') return ` ${line} (command type or key is not provided)`;
  const wanted = watchLineArguments(words.slice(1), environment);
  try {
    watchRequest(wanted);
  } catch (error) {
    return ` ${line} (${(error as Error).message})`;
  }
  start(wanted);
  return undefined;
}
