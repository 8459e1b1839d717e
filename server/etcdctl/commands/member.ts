/** `etcdctl member` (contract: cli §4). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { parseUint64 } from '../../cli/numbers.ts';
import { parseUrls } from '../../membership/mod.ts';
import { openSession, withClient } from '../session.ts';

const peerUrlsFlag = flag.string('peer-urls', '', 'comma separated peer URLs of the member');

const addCommand: Command = {
  name: 'add',
  argumentsUsage: '<memberName> [options]',
  short: 'Adds a member to the cluster, to be started afterwards',
  long: 'Prints what the new member is to be started with.',
  flags: [peerUrlsFlag, flag.bool('learner', false, 'add it as a learner: it follows without a vote until promoted')],
  run: runAdd,
};

const removeCommand: Command = {
  name: 'remove',
  argumentsUsage: '<memberID>',
  short: 'Removes a member from the cluster, for good',
  run: runRemove,
};

const updateCommand: Command = {
  name: 'update',
  argumentsUsage: '<memberID> [options]',
  short: 'Changes the peer URLs of a member',
  flags: [peerUrlsFlag],
  run: runUpdate,
};

const promoteCommand: Command = {
  name: 'promote',
  argumentsUsage: '<memberID>',
  short: 'Makes a voter of a learner that has caught up',
  run: runPromote,
};

const listCommand: Command = {
  name: 'list',
  short: 'Lists the members of the cluster',
  long: 'The columns of the simple format are id, status, name, peer URLs, client URLs, is learner.',
  run: runList,
};

export const memberCommand: Command = {
  name: 'member',
  argumentsUsage: '<subcommand>',
  short: 'Shows and changes who belongs to the cluster',
  commands: [addCommand, removeCommand, updateCommand, listCommand, promoteCommand],
};

async function runList(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const linearizable = true;
  printer.memberList(await withClient(invocation, settings, (client) => client.memberList({ linearizable })));
  return ExitCode.Success;
}

async function runAdd(invocation: Invocation): Promise<number> {
  const { args, flags } = invocation;
  const [name] = args;
  if (name === undefined) throw badArgs('member name not provided');
  if (args.length > 1) {
    const urls = args.filter((arg) => arg.toLowerCase().startsWith('http'));
    throw badArgs(`too many arguments${urls.map((url) => `, did you mean --peer-urls=${url}`).join('')}`);
  }
  const peerURLs = givenUrls(invocation);
  const isLearner = flags.bool('learner');
  const { settings, printer } = await openSession(invocation);
  checkUrls(peerURLs);
  const response = await withClient(invocation, settings, (client) => client.memberAdd({ peerURLs, isLearner }));
  printer.memberAdd(response, name, flags.string('peer-urls'));
  return ExitCode.Success;
}

async function runRemove(invocation: Invocation): Promise<number> {
  const ID = givenId(invocation);
  const { settings, printer } = await openSession(invocation);
  printer.memberRemove(ID, await withClient(invocation, settings, (client) => client.memberRemove({ ID })));
  return ExitCode.Success;
}

async function runUpdate(invocation: Invocation): Promise<number> {
  const ID = givenId(invocation);
  const peerURLs = givenUrls(invocation);
  const { settings, printer } = await openSession(invocation);
  checkUrls(peerURLs);
  printer.memberUpdate(ID, await withClient(invocation, settings, (client) => client.memberUpdate({ ID, peerURLs })));
  return ExitCode.Success;
}

async function runPromote(invocation: Invocation): Promise<number> {
  const ID = givenId(invocation);
  const { settings, printer } = await openSession(invocation);
  printer.memberPromote(ID, await withClient(invocation, settings, (client) => client.memberPromote({ ID })));
  return ExitCode.Success;
}

function givenId({ args }: Invocation): bigint {
  const [text] = args;
  if (text === undefined || args.length > 1) throw badArgs('member ID is not provided');
  try {
    return parseUint64(text, 16);
  } catch (error) {
    throw badArgs(`bad member ID arg (${(error as Error).message}), expecting ID in Hex`);
  }
}

function givenUrls({ flags }: Invocation): string[] {
  const text = flags.string('peer-urls');
  if (text === '') throw badArgs('member peer urls not provided');
  return text.split(',');
}

/** Upstream's client checks them before it asks anyone; the server would only say that they are invalid. */
function checkUrls(urls: readonly string[]): void {
  try {
    parseUrls(urls);
  } catch (error) {
    throw new ExitError(ExitCode.Error, (error as Error).message, error);
  }
}
