/** The etcdutl command: work on files, without a cluster (contract: cli §7). */
import { cobraStyle } from '../cli/cobra-style.ts';
import { type Command, execute, printHelp } from '../cli/command.ts';
import { completionCommand } from '../cli/completion/command.ts';
import { flag } from '../cli/flag-set.ts';
import type { CliIo } from '../cli/io.ts';
import { versionCommand } from '../cli/version-command.ts';
import { backupCommand } from './backup.ts';
import { restoreCommand, statusCommand } from './commands.ts';
import { defragCommand } from './defrag.ts';
import { hashKvCommand } from './hash-kv.ts';
import { migrateCommand } from './migrate.ts';

const helpCommand: Command = {
  name: 'help',
  argumentsUsage: '[command]',
  short: 'Explains a command',
  run: async ({ args, io }) => {
    printHelp(root, cobraStyle, args, io);
    return 0;
  },
};

const root: Command = {
  name: 'etcdutl',
  short: 'Works on the files of etcd, without a cluster.',
  persistentFlags: [flag.string('write-out', 'simple', 'output format: simple, json, fields or table', 'w')],
  commands: [
    {
      name: 'snapshot',
      short: 'Inspects and restores snapshots',
      commands: [restoreCommand({ requireDataDir: true }), statusCommand],
    },
    backupCommand,
    defragCommand,
    hashKvCommand,
    migrateCommand,
    versionCommand('etcdutl'),
    completionCommand('etcdutl', () => root),
    helpCommand,
  ],
};

/**
 * Runs one etcdutl command line. Never rejects and never ends the process.
 *
 * @param argv without the program's name
 * @returns the exit code (contract: cli §1.3)
 */
export function runEtcdutl(argv: readonly string[], io: CliIo): Promise<number> {
  return execute(root, cobraStyle, argv, io);
}
