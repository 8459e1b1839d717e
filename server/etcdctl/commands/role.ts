/** `etcdctl role` (contract: cli §5). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { type FlagSet, flag } from '../../cli/flag-set.ts';
import type { EtcdClient } from '../../client/calls.ts';
import { Permission_Type } from '../../proto/gen/auth.ts';
import { prefixEnd } from '../key-range.ts';
import { rangeText } from '../output/auth.ts';
import type { Printer } from '../output/printer.ts';
import { openSession, withClient } from '../session.ts';

const rangeFlags = [
  flag.bool('prefix', false, 'all keys that begin with <key>'),
  flag.bool('from-key', false, 'all keys from <key> on, in byte order'),
];

export const roleCommand: Command = {
  name: 'role',
  argumentsUsage: '<subcommand>',
  short: 'Makes, shows and changes roles',
  commands: [
    {
      name: 'add',
      argumentsUsage: '<role name>',
      short: 'Makes a role',
      run: (invocation) => {
        const name = onlyName(invocation, 'add');
        return change(invocation, `Role ${name} created\n`, (client) => client.auth.roleAdd({ name }));
      },
    },
    {
      name: 'delete',
      argumentsUsage: '<role name>',
      short: 'Deletes a role, and takes it from all users',
      run: (invocation) => {
        const role = onlyName(invocation, 'delete');
        return change(invocation, `Role ${role} deleted\n`, (client) => client.auth.roleDelete({ role }));
      },
    },
    { name: 'get', argumentsUsage: '<role name>', short: 'Shows what a role permits', run: runGet },
    { name: 'list', short: 'Lists all roles', run: runList },
    {
      name: 'grant-permission',
      argumentsUsage: '[options] <role name> <permission type> <key> [endkey]',
      short: 'Permits a role to read, write or readwrite keys',
      flags: rangeFlags,
      run: runGrant,
    },
    {
      name: 'revoke-permission',
      argumentsUsage: '<role name> <key> [endkey]',
      short: 'Takes a permission from a role; the range must be the one that was granted',
      flags: rangeFlags,
      run: runRevoke,
    },
  ],
};

async function runGet(invocation: Invocation): Promise<number> {
  const role = onlyName(invocation, 'get');
  const { settings, printer } = await openSession(invocation);
  printer.auth.roleGet(role, await withClient(invocation, settings, (client) => client.auth.roleGet({ role })));
  return ExitCode.Success;
}

async function runList(invocation: Invocation): Promise<number> {
  if (invocation.args.length > 0) throw badArgs('role list command requires no arguments');
  const { settings, printer } = await openSession(invocation);
  printer.auth.roleList(await withClient(invocation, settings, (client) => client.auth.roleList()));
  return ExitCode.Success;
}

function runGrant(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [name, type, ...keys] = args;
  if (name === undefined || type === undefined || keys.length === 0) {
    throw badArgs('role grant command requires role name, permission type, and key [endkey] as its argument');
  }
  const permType = Permission_Type[type.toUpperCase() as keyof typeof Permission_Type];
  if (permType === undefined) throw badArgs(`invalid permission type: ${type}`);
  const perm = { permType, ...rangeFrom(keys, flags) };
  return change(invocation, `Role ${name} updated\n`, (client) => client.auth.roleGrantPermission({ name, perm }));
}

function runRevoke(invocation: Invocation): Promise<number> {
  const [role, ...keys] = invocation.args;
  if (role === undefined || keys.length === 0) {
    throw badArgs('role revoke-permission command requires role name and key [endkey] as its argument');
  }
  const range = rangeFrom(keys, invocation.flags);
  const { range_end } = range;
  // As it was typed: of an empty key nothing is seen, whatever it stands for.
  const key = Buffer.from(keys[0] as string);
  const what = range_end.length === 0 ? ['key ', key] : ['range ', rangeText(key, range_end)];
  const text = Buffer.concat(
    ['Permission of ', ...what, ` is revoked from role ${role}\n`].map((part) => Buffer.from(part)),
  );
  return change(invocation, text, (client) => client.auth.roleRevokePermission({ role, ...range }));
}

/** An empty key is the first one, and with a flag stands for all of them. */
function rangeFrom(keys: readonly string[], flags: FlagSet): { key: Buffer; range_end: Buffer } {
  const zero = Buffer.of(0);
  const [prefix, fromKey] = [flags.bool('prefix'), flags.bool('from-key')];
  const key = Buffer.from(keys[0] as string);
  if (key.length === 0) return { key: zero, range_end: prefix || fromKey ? zero : Buffer.alloc(0) };
  if (keys.length > 1) {
    if (prefix) throw badArgs('unexpected endkey argument with --prefix flag');
    if (fromKey) throw badArgs('unexpected endkey argument with --from-key flag');
    return { key, range_end: Buffer.from(keys[1] as string) };
  }
  if (prefix && fromKey) throw badArgs('--from-key and --prefix flags are mutually exclusive');
  return { key, range_end: prefix ? prefixEnd(key) : fromKey ? zero : Buffer.alloc(0) };
}

async function change(
  invocation: Invocation,
  text: string | Buffer,
  ask: (client: EtcdClient) => Promise<Parameters<Printer['auth']['done']>[0]>,
): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  printer.auth.done(await withClient(invocation, settings, ask), text);
  return ExitCode.Success;
}

function onlyName({ args }: Invocation, command: string): string {
  if (args.length !== 1) throw badArgs(`role ${command} command requires role name as its argument`);
  return args[0] as string;
}
