/** `etcdctl lease`: leases and the keys that go with them (contract: cli §2 "lease"). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { NumberError, parseInt64 } from '../../cli/numbers.ts';
import type { EtcdClient } from '../../client/calls.ts';
import { openSession, withClient } from '../session.ts';

const grantCommand: Command = {
  name: 'grant',
  argumentsUsage: '<ttl>',
  short: 'Makes a lease that lives so many seconds, unless it is kept alive',
  long: 'Attach keys to it with `etcdctl put --lease=<leaseID>`: they are deleted when it ends.',
  run: runGrant,
};

const revokeCommand: Command = {
  name: 'revoke',
  argumentsUsage: '<leaseID>',
  short: 'Ends a lease now and deletes its keys',
  run: runRevoke,
};

const timeToLiveCommand: Command = {
  name: 'timetolive',
  argumentsUsage: '<leaseID> [options]',
  short: 'Shows how long a lease lives on',
  flags: [flag.bool('keys', false, 'also show the keys that are attached to it')],
  run: runTimeToLive,
};

const listCommand: Command = {
  name: 'list',
  short: 'Lists all leases',
  run: runList,
};

const keepAliveCommand: Command = {
  name: 'keep-alive',
  argumentsUsage: '[options] <leaseID>',
  short: 'Renews a lease until it is revoked or this command is stopped',
  flags: [flag.bool('once', false, 'renew it once and exit')],
  run: runKeepAlive,
};

export const leaseCommand: Command = {
  name: 'lease',
  argumentsUsage: '<subcommand>',
  short: 'Makes, shows, renews and ends leases',
  commands: [grantCommand, revokeCommand, timeToLiveCommand, listCommand, keepAliveCommand],
};

async function runGrant(invocation: Invocation): Promise<number> {
  const [ttl] = oneArgument(invocation, 'lease grant command needs TTL argument');
  const TTL = numberFrom(ttl, 10, (why) => `bad TTL (${why})`);
  const { printer, settings } = await openSession(invocation);
  const failure = (why: string) => new ExitError(ExitCode.Error, `failed to grant lease (${why})`);
  printer.lease.grant(
    await failing(failure, () => withClient(invocation, settings, (client) => client.leaseGrant({ TTL: Number(TTL) }))),
  );
  return ExitCode.Success;
}

async function runRevoke(invocation: Invocation): Promise<number> {
  const ID = leaseIdArgument(invocation, 'lease revoke command needs 1 argument');
  const { printer, settings } = await openSession(invocation);
  const failure = (why: string) => new ExitError(ExitCode.Error, `failed to revoke lease (${why})`);
  printer.lease.revoke(
    ID,
    await failing(failure, () => withClient(invocation, settings, (client) => client.leaseRevoke({ ID }))),
  );
  return ExitCode.Success;
}

async function runTimeToLive(invocation: Invocation): Promise<number> {
  const ID = leaseIdArgument(invocation, 'lease timetolive command needs lease ID as argument');
  const keys = invocation.flags.bool('keys');
  const { printer, settings } = await openSession(invocation);
  const answer = () => withClient(invocation, settings, (client) => client.leaseTimeToLive({ ID, keys }));
  printer.lease.timeToLive(await failing(badConnection, answer), keys);
  return ExitCode.Success;
}

async function runList(invocation: Invocation): Promise<number> {
  const { printer, settings } = await openSession(invocation);
  const answer = () => withClient(invocation, settings, (client) => client.leases());
  printer.lease.list(await failing(badConnection, answer));
  return ExitCode.Success;
}

async function runKeepAlive(invocation: Invocation): Promise<number> {
  const id = leaseIdArgument(invocation, 'lease keep-alive command needs lease ID as argument');
  const { printer, settings } = await openSession(invocation);
  const renewOnce = async (client: EtcdClient): Promise<void> => {
    const response = await client.leaseKeepAliveOnce(id);
    if (response.TTL <= 0) throw badConnection('etcdserver: requested lease not found');
    printer.lease.keepAlive(response);
  };
  const renewUntilItEnds = async (client: EtcdClient): Promise<void> => {
    for await (const response of client.leaseKeepAlive(id)) printer.lease.keepAlive(response);
    printer.lease.ended(id);
  };
  const keepAlive = invocation.flags.bool('once') ? renewOnce : renewUntilItEnds;
  await failing(badConnection, () => withClient(invocation, settings, keepAlive));
  return ExitCode.Success;
}

/** Runs `act`, and gives the failure of a call the form that upstream gives it. */
async function failing<T>(failure: (why: string) => ExitError, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ExitError && error.exitCode === ExitCode.Error) throw failure(error.message);
    throw error;
  }
}

function badConnection(why: string): ExitError {
  return new ExitError(ExitCode.BadConnection, why);
}

function leaseIdArgument(invocation: Invocation, usage: string): bigint {
  const [id] = oneArgument(invocation, usage);
  return numberFrom(id, 16, (why) => `bad lease ID arg (${why}), expecting ID in Hex`);
}

function oneArgument({ args }: Invocation, usage: string): [string] {
  if (args.length !== 1) throw badArgs(usage);
  return [args[0] as string];
}

function numberFrom(text: string, base: 10 | 16, explain: (why: string) => string): bigint {
  try {
    return parseInt64(text, base);
  } catch (error) {
    if (error instanceof NumberError) throw badArgs(explain(error.message));
    throw error;
  }
}
