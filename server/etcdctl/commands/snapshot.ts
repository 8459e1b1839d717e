/** `etcdctl snapshot`: save from a member; status and restore as until 3.5, with a hint to etcdutl (contract: cli §4, §7). */
import type { Command, Invocation } from '../../cli/command.ts';
import { logLine } from '../../cli/environment.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { humanizeBytes } from '../../cli/numbers.ts';
import { ProgressLine, progressBar } from '../../cli/progress-line.ts';
import { describeRpcError, EtcdClient, RpcError, saveSnapshot } from '../../client/mod.ts';
import { restoreCommand, statusCommand } from '../../etcdutl/commands.ts';
import { systemErrorText } from '../client-settings.ts';
import { explain, openSession } from '../session.ts';

const saveCommand: Command = {
  name: 'save',
  argumentsUsage: '<filename>',
  short: "Saves a member's database to a file",
  long: `The file appears only when it is complete and its SHA-256 is verified. Exactly one endpoint must be given.`,
  run: runSave,
};

export const snapshotCommand: Command = {
  name: 'snapshot',
  argumentsUsage: '<subcommand>',
  short: 'Saves, inspects and restores snapshots',
  commands: [
    saveCommand,
    { ...statusCommand, deprecated: 'Use `etcdutl snapshot status` instead.' },
    { ...restoreCommand({ requireDataDir: false }), deprecated: 'Use `etcdutl snapshot restore` instead.' },
  ],
};

async function runSave(invocation: Invocation): Promise<number> {
  const { args, flags, io } = invocation;
  const [file] = args;
  if (file === undefined || args.length > 1) throw badArgs('snapshot save expects one argument');
  const { settings } = await openSession(invocation);
  if (settings.endpoints.length !== 1) {
    const text = `snapshot must be requested to one selected node, not multiple [${settings.endpoints.join(' ')}]`;
    throw new ExitError(ExitCode.Interrupted, text);
  }
  const client = new EtcdClient(settings);
  const timeoutMs = flags.changed('command-timeout') ? flags.duration('command-timeout') : undefined;
  const started = performance.now();
  const progress = new ProgressLine(io);
  try {
    logLine(io, 'info', 'fetching snapshot', { endpoint: settings.endpoints[0] });
    const { sizeBytes } = await saveSnapshot(client, file, {
      ...{ overwrite: true, timeoutMs },
      onProgress: ({ receivedBytes, totalBytes }) =>
        progress.show(() => `${progressBar(receivedBytes / totalBytes)} ${humanizeBytes(receivedBytes)}`),
    });
    progress.clear();
    const took = `${((performance.now() - started) / 1000).toFixed(1)}s`;
    logLine(io, 'info', 'saved', { path: file, size: humanizeBytes(sizeBytes), took });
  } catch (error) {
    progress.clear();
    await explain(error, settings, io);
    throw new ExitError(ExitCode.Interrupted, failureText(error, file), error);
  } finally {
    client.close();
  }
  io.stdout.write(`Snapshot saved at ${file}\n`);
  return ExitCode.Success;
}

function failureText(error: unknown, file: string): string {
  if (error instanceof RpcError) return describeRpcError(error);
  const { syscall, path } = error as { syscall?: string; path?: string };
  if (syscall === undefined) return (error as Error).message;
  const part = path ?? `${file}.part`;
  return `could not ${syscall} ${part} (${syscall} ${part}: ${systemErrorText(error)})`;
}
