/** The etcdctl command. */
import { type Command, execute, printHelp } from '../cli/command.ts';
import { completionCommand } from '../cli/completion/command.ts';
import { etcdctlStyle } from '../cli/etcdctl-style.ts';
import type { CliIo } from '../cli/io.ts';
import { versionCommand } from '../cli/version-command.ts';
import { serverVersion } from '../member/version.ts';
import { alarmCommand } from './commands/alarm.ts';
import { authCommand } from './commands/auth.ts';
import { checkCommand } from './commands/check.ts';
import { compactionCommand } from './commands/compaction.ts';
import { defragCommand } from './commands/defrag.ts';
import { delCommand } from './commands/del.ts';
import { downgradeCommand } from './commands/downgrade.ts';
import { electCommand } from './commands/elect.ts';
import { endpointCommand } from './commands/endpoint.ts';
import { getCommand } from './commands/get.ts';
import { leaseCommand } from './commands/lease.ts';
import { lockCommand } from './commands/lock.ts';
import { makeMirrorCommand } from './commands/make-mirror.ts';
import { memberCommand } from './commands/member.ts';
import { moveLeaderCommand } from './commands/move-leader.ts';
import { putCommand } from './commands/put.ts';
import { roleCommand } from './commands/role.ts';
import { snapshotCommand } from './commands/snapshot.ts';
import { txnCommand } from './commands/txn.ts';
import { userCommand } from './commands/user.ts';
import { watchCommand } from './commands/watch.ts';
import { globalFlags } from './global-flags.ts';

const style = etcdctlStyle(serverVersion, serverVersion.replace(/\.\d+$/, ''));

const helpCommand: Command = {
  name: 'help',
  argumentsUsage: '[command]',
  short: 'Explains a command',
  run: async ({ args, io }) => {
    printHelp(root, style, args, io);
    return 0;
  },
};

const root: Command = {
  name: 'etcdctl',
  short: 'Talks to an etcd cluster.',
  persistentFlags: globalFlags,
  commands: [
    getCommand,
    putCommand,
    delCommand,
    txnCommand,
    compactionCommand,
    alarmCommand,
    defragCommand,
    endpointCommand,
    versionCommand('etcdctl'),
    memberCommand,
    watchCommand,
    leaseCommand,
    lockCommand,
    electCommand,
    checkCommand,
    makeMirrorCommand,
    downgradeCommand,
    completionCommand('etcdctl', () => root),
    snapshotCommand,
    moveLeaderCommand,
    authCommand,
    userCommand,
    roleCommand,
    helpCommand,
  ],
};

/**
 * Runs one etcdctl command line. Never rejects and never ends the process.
 *
 * @param argv without the program's name
 * @returns the exit code (contract: cli §1.3)
 */
export async function runEtcdctl(argv: readonly string[], io: CliIo): Promise<number> {
  const api = io.env.ETCDCTL_API ?? '';
  if (api === '2') {
    io.stderr.write('the v2 API is not supported; unset ETCDCTL_API\n');
    return 1;
  }
  if (api !== '' && api !== '3') {
    io.stderr.write(`unsupported API version: ${api}\n`);
    return 1;
  }
  return execute(root, style, argv, io);
}
