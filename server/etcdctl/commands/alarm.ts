/** `etcdctl alarm`: what members have raised, and clearing it (contract: cli §4). */

import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import type { EtcdClient } from '../../client/calls.ts';
import { AlarmRequest_AlarmAction, AlarmResponse } from '../../proto/gen/rpc.ts';
import { openSession, withClient } from '../session.ts';

const listCommand: Command = {
  name: 'list',
  short: 'Lists all alarms',
  run: (invocation) => run(invocation, 'list', (client) => client.alarm({})),
};

const disarmCommand: Command = {
  name: 'disarm',
  short: 'Clears all alarms; the reason for them has to be removed first',
  run: (invocation) => run(invocation, 'disarm', disarm),
};

export const alarmCommand: Command = {
  name: 'alarm',
  argumentsUsage: '<subcommand>',
  short: 'Lists and clears alarms: NOSPACE after the quota was reached, CORRUPT after members were found to differ',
  commands: [disarmCommand, listCommand],
};

async function run(
  invocation: Invocation,
  name: string,
  ask: (client: EtcdClient) => Promise<AlarmResponse>,
): Promise<number> {
  if (invocation.args.length > 0) throw badArgs(`alarm ${name} command accepts no arguments`);
  const { settings, printer } = await openSession(invocation);
  printer.alarm(await withClient(invocation, settings, ask));
  return ExitCode.Success;
}

/** An alarm is cleared by member and type (contract: api.md §8, trap 53): hence one request for each that is raised. */
async function disarm(client: EtcdClient): Promise<AlarmResponse> {
  const response = AlarmResponse.create();
  for (const { memberID, alarm } of (await client.alarm({})).alarms) {
    const cleared = await client.alarm({ action: AlarmRequest_AlarmAction.DEACTIVATE, memberID, alarm });
    response.alarms.push(...cleared.alarms);
  }
  return response;
}
