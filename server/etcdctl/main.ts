/** The etcdctl command. */
import { type Command, execute, printHelp } from '../cli/command.ts';
import { etcdctlStyle } from '../cli/etcdctl-style.ts';
import type { CliIo } from '../cli/io.ts';
import { type CommandLoaders, loadCommands } from '../cli/lazy-commands.ts';
import { serverVersion } from '../member/version.ts';
import { globalFlags } from './global-flags.ts';

const style = etcdctlStyle(serverVersion, serverVersion.replace(/\.\d+$/, ''));

const base: Command = { name: 'etcdctl', short: 'Talks to an etcd cluster.', persistentFlags: globalFlags };

/** @param root gives the tool with its commands, once they are there */
function loaders(root: () => Command): CommandLoaders {
  return {
    get: async () => (await import('./commands/get.ts')).getCommand,
    put: async () => (await import('./commands/put.ts')).putCommand,
    del: async () => (await import('./commands/del.ts')).delCommand,
    txn: async () => (await import('./commands/txn.ts')).txnCommand,
    compaction: async () => (await import('./commands/compaction.ts')).compactionCommand,
    alarm: async () => (await import('./commands/alarm.ts')).alarmCommand,
    defrag: async () => (await import('./commands/defrag.ts')).defragCommand,
    endpoint: async () => (await import('./commands/endpoint.ts')).endpointCommand,
    version: async () => (await import('../cli/version-command.ts')).versionCommand('etcdctl'),
    member: async () => (await import('./commands/member.ts')).memberCommand,
    watch: async () => (await import('./commands/watch.ts')).watchCommand,
    lease: async () => (await import('./commands/lease.ts')).leaseCommand,
    lock: async () => (await import('./commands/lock.ts')).lockCommand,
    elect: async () => (await import('./commands/elect.ts')).electCommand,
    check: async () => (await import('./commands/check.ts')).checkCommand,
    'make-mirror': async () => (await import('./commands/make-mirror.ts')).makeMirrorCommand,
    downgrade: async () => (await import('./commands/downgrade.ts')).downgradeCommand,
    completion: async () => (await import('../cli/completion/command.ts')).completionCommand('etcdctl', root),
    snapshot: async () => (await import('./commands/snapshot.ts')).snapshotCommand,
    'move-leader': async () => (await import('./commands/move-leader.ts')).moveLeaderCommand,
    auth: async () => (await import('./commands/auth.ts')).authCommand,
    user: async () => (await import('./commands/user.ts')).userCommand,
    role: async () => (await import('./commands/role.ts')).roleCommand,
    help: async () => helpCommand(root),
  };
}

function helpCommand(root: () => Command): Command {
  return {
    name: 'help',
    argumentsUsage: '[command]',
    short: 'Explains a command',
    run: async ({ args, io }) => {
      printHelp(root(), style, args, io);
      return 0;
    },
  };
}

/**
 * Runs one etcdctl command line. Never rejects and never ends the process.
 *
 * @param argv without the program's name
 * @returns the exit code (contract: cli §1.3)
 */
export async function runEtcdctl(argv: readonly string[], io: CliIo): Promise<number> {
  const api = io.env.ETCDCTL_API ?? '';
  if (api === '2') return (await import('./v2/main.ts')).runEtcdctlV2(argv, io);
  if (api !== '' && api !== '3') {
    io.stderr.write(`unsupported API version: ${api}\n`);
    return 1;
  }
  const root: Command = {
    ...base,
    commands: await loadCommands(
      base,
      loaders(() => root),
      argv,
      ['help', 'completion'],
    ),
  };
  return execute(root, style, argv, io);
}
