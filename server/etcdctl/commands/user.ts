/** `etcdctl user` (contract: cli §5). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import type { EtcdClient } from '../../client/calls.ts';
import { UserAddOptions } from '../../proto/gen/auth.ts';
import type { Printer } from '../output/printer.ts';
import { askNewPassword, readPasswordWord } from '../password.ts';
import { openSession, withClient } from '../session.ts';

const interactive = flag.bool('interactive', true, 'ask for the password; else read it from standard input');

const addCommand: Command = {
  name: 'add',
  argumentsUsage: '<user name or user:password> [options]',
  short: 'Makes a user',
  flags: [
    interactive,
    flag.string('new-user-password', '', 'the password of the new user'),
    flag.bool('no-password', false, 'a user without a password, who is recognised by a certificate only'),
  ],
  run: runAdd,
};

const getCommand: Command = {
  name: 'get',
  argumentsUsage: '<user name> [options]',
  short: 'Shows the roles of a user',
  flags: [flag.bool('detail', false, 'also show what the roles permit')],
  run: runGet,
};

export const userCommand: Command = {
  name: 'user',
  argumentsUsage: '<subcommand>',
  short: 'Makes, shows and changes users',
  commands: [
    addCommand,
    {
      name: 'delete',
      argumentsUsage: '<user name>',
      short: 'Deletes a user',
      run: (invocation) => {
        const name = onlyName(invocation, 'delete');
        return change(invocation, `User ${name} deleted\n`, (client) => client.auth.userDelete({ name }));
      },
    },
    getCommand,
    { name: 'list', short: 'Lists all users', run: runList },
    {
      name: 'passwd',
      argumentsUsage: '<user name> [options]',
      short: 'Gives a user another password',
      flags: [interactive],
      run: runPasswd,
    },
    {
      name: 'grant-role',
      argumentsUsage: '<user name> <role name>',
      short: 'Gives a role to a user',
      run: (invocation) => {
        const [user, role] = userAndRole(invocation, 'user grant command');
        const text = `Role ${role} is granted to user ${user}\n`;
        return change(invocation, text, (client) => client.auth.userGrantRole({ user, role }));
      },
    },
    {
      name: 'revoke-role',
      argumentsUsage: '<user name> <role name>',
      short: 'Takes a role from a user',
      run: (invocation) => {
        const [name, role] = userAndRole(invocation, 'user revoke-role');
        const text = `Role ${role} is revoked from user ${name}\n`;
        return change(invocation, text, (client) => client.auth.userRevokeRole({ name, role }));
      },
    },
  ],
};

async function runAdd(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSessionFor(invocation, 'add');
  const { name, password, no_password } = await newUser(invocation);
  const request = { name, password, options: UserAddOptions.create({ no_password }) };
  const response = await withClient(invocation, settings, (client) => client.auth.userAdd(request));
  printer.auth.done(response, `User ${name} created\n`);
  return ExitCode.Success;
}

/** A colon parts name and password, unless a flag says already what the password is. */
async function newUser({ args, flags, io }: Invocation) {
  const given = args[0] as string;
  if (flags.bool('no-password')) return { name: given, password: '', no_password: true };
  const password = flags.string('new-user-password');
  if (password !== '') return { name: given, password, no_password: false };
  const colon = given.indexOf(':');
  if (colon === 0) throw badArgs('empty user name is not allowed');
  if (colon > 0) return { name: given.slice(0, colon), password: given.slice(colon + 1), no_password: false };
  return { name: given, password: await passwordFor(given, { flags, io }), no_password: false };
}

function passwordFor(username: string, { flags, io }: Pick<Invocation, 'flags' | 'io'>): Promise<string> {
  return flags.bool('interactive') ? askNewPassword(username, io) : readPasswordWord(io);
}

async function runPasswd(invocation: Invocation): Promise<number> {
  const name = onlyName(invocation, 'passwd');
  const { settings, printer } = await openSession(invocation);
  const password = await passwordFor(name, invocation);
  const response = await withClient(invocation, settings, (client) =>
    client.auth.userChangePassword({ name, password }),
  );
  printer.auth.done(response, 'Password updated\n');
  return ExitCode.Success;
}

async function runGet(invocation: Invocation): Promise<number> {
  const name = onlyName(invocation, 'get');
  const { io, flags } = invocation;
  const { settings, printer } = await openSession(invocation);
  await withClient(invocation, settings, async (client) => {
    const response = await client.auth.userGet({ name });
    if (!flags.bool('detail')) {
      printer.auth.userGet(name, response);
      return;
    }
    io.stdout.write(`User: ${name}\n`);
    for (const role of response.roles) {
      io.stdout.write('\n');
      printer.auth.roleGet(role, await client.auth.roleGet({ role }));
    }
  });
  return ExitCode.Success;
}

async function runList(invocation: Invocation): Promise<number> {
  if (invocation.args.length > 0) throw badArgs('user list command requires no arguments');
  const { settings, printer } = await openSession(invocation);
  printer.auth.userList(await withClient(invocation, settings, (client) => client.auth.userList()));
  return ExitCode.Success;
}

async function change(
  invocation: Invocation,
  text: string,
  ask: (client: EtcdClient) => Promise<Parameters<Printer['auth']['done']>[0]>,
): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  printer.auth.done(await withClient(invocation, settings, ask), text);
  return ExitCode.Success;
}

function openSessionFor(invocation: Invocation, command: string): ReturnType<typeof openSession> {
  onlyName(invocation, command);
  return openSession(invocation);
}

function onlyName({ args }: Invocation, command: string): string {
  if (args.length !== 1) throw badArgs(`user ${command} command requires user name as its argument`);
  return args[0] as string;
}

function userAndRole({ args }: Invocation, command: string): [user: string, role: string] {
  if (args.length !== 2) throw badArgs(`${command} requires user name and role name as its argument`);
  return [args[0] as string, args[1] as string];
}
