/** `etcdctl member` (contract: cli §4). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode } from '../../cli/exit-error.ts';
import { openSession, withClient } from '../session.ts';

const listCommand: Command = {
  name: 'list',
  short: 'Lists the members of the cluster',
  long: 'The columns of the simple format are id, status, name, peer URLs, client URLs, is learner.',
  run: runList,
};

export const memberCommand: Command = {
  name: 'member',
  argumentsUsage: '<subcommand>',
  short: 'Shows who belongs to the cluster',
  commands: [listCommand],
};

async function runList(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const linearizable = true;
  printer.memberList(await withClient(invocation, settings, (client) => client.memberList({ linearizable })));
  return ExitCode.Success;
}
