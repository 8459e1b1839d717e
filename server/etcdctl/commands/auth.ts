/** `etcdctl auth`: whether users and roles count (contract: cli §5). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { type EtcdClient, RpcError } from '../../client/calls.ts';
import { errRootRoleNotExist } from '../../errors/etcd-error.ts';
import { openSession, withClient } from '../session.ts';

const enableCommand: Command = {
  name: 'enable',
  short: 'Switches authentication on; needs a user root',
  long: 'Makes the role root and grants it to the user root, where that has not been done.',
  run: async (invocation) => {
    await changing(invocation, 'enable', enable);
    invocation.io.stdout.write('Authentication Enabled\n');
    return ExitCode.Success;
  },
};

const disableCommand: Command = {
  name: 'disable',
  short: 'Switches authentication off',
  run: async (invocation) => {
    await changing(invocation, 'disable', (client) => client.auth.disable());
    invocation.io.stdout.write('Authentication Disabled\n');
    return ExitCode.Success;
  },
};

const statusCommand: Command = {
  name: 'status',
  short: 'Shows whether authentication is on, and how often users and roles have changed',
  run: async (invocation) => {
    refuseArguments(invocation, 'status');
    const { settings, printer } = await openSession(invocation);
    printer.auth.status(await withClient(invocation, settings, (client) => client.auth.status()));
    return ExitCode.Success;
  },
};

export const authCommand: Command = {
  name: 'auth',
  argumentsUsage: '<enable or disable>',
  short: 'Switches authentication on and off',
  commands: [disableCommand, enableCommand, statusCommand],
};

async function changing(
  invocation: Invocation,
  name: string,
  change: (client: EtcdClient) => Promise<unknown>,
): Promise<void> {
  refuseArguments(invocation, name);
  const { settings } = await openSession(invocation);
  await withClient(invocation, settings, change);
}

/** Without its role, root could not switch it off again: the server refuses, and this grants the role. */
async function enable(client: EtcdClient): Promise<void> {
  try {
    await client.auth.enable();
  } catch (error) {
    if (!(error instanceof RpcError) || error.message !== errRootRoleNotExist().message) throw error;
    await client.auth.roleAdd({ name: 'root' });
    await client.auth.userGrantRole({ user: 'root', role: 'root' });
    await client.auth.enable();
  }
}

function refuseArguments({ args }: Invocation, name: string): void {
  if (args.length > 0) throw badArgs(`auth ${name} command does not accept any arguments`);
}
