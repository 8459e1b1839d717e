/** The etcdutl command: work on files, without a cluster (contract: cli §7). */
import { cobraStyle } from '../cli/cobra-style.ts';
import { type Command, execute, printHelp } from '../cli/command.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { type CommandLoaders, loadCommands } from '../cli/lazy-commands.ts';

const base: Command = {
  name: 'etcdutl',
  short: 'Works on the files of etcd, without a cluster.',
  persistentFlags: [flag.string('write-out', 'simple', 'output format: simple, json, fields or table', 'w')],
};

/** @param root gives the tool with its commands, once they are there */
function loaders(root: () => Command): CommandLoaders {
  return {
    snapshot: async () => (await import('./commands.ts')).snapshotCommand,
    backup: async () => (await import('./backup.ts')).backupCommand,
    check: async () => (await import('./check.ts')).checkCommand,
    defrag: async () => (await import('./defrag.ts')).defragCommand,
    hashkv: async () => (await import('./hash-kv.ts')).hashKvCommand,
    migrate: async () => (await import('./migrate.ts')).migrateCommand,
    version: async () => (await import('../cli/version-command.ts')).versionCommand('etcdutl'),
    completion: async () => (await import('../cli/completion/command.ts')).completionCommand('etcdutl', root),
    help: async () => helpCommand(root),
  };
}

function helpCommand(root: () => Command): Command {
  return {
    name: 'help',
    argumentsUsage: '[command]',
    short: 'Explains a command',
    run: async ({ args, io }) => {
      printHelp(root(), cobraStyle, args, io);
      return 0;
    },
  };
}

/**
 * Runs one etcdutl command line. Never rejects and never ends the process.
 *
 * @param argv without the program's name
 * @returns the exit code (contract: cli §1.3)
 */
export async function runEtcdutl(argv: readonly string[], io: CliIo): Promise<number> {
  const root: Command = {
    ...base,
    commands: await loadCommands(
      base,
      loaders(() => root),
      argv,
      ['help', 'completion'],
    ),
  };
  return execute(root, cobraStyle, argv, io);
}
