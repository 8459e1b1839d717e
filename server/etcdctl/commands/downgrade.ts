/** `etcdctl downgrade`, which upstream's has from 3.6 on (contract: cli §4). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { DowngradeRequest_DowngradeAction as Action } from '../../proto/gen/rpc.ts';
import { openSession, withClient } from '../session.ts';

export const downgradeCommand: Command = {
  name: 'downgrade',
  argumentsUsage: '<subcommand>',
  short: 'Announces that the cluster goes back to the release before',
  commands: [
    {
      name: 'validate',
      argumentsUsage: '<TARGET_VERSION>',
      short: 'Checks whether the cluster may go back to that release',
      run: (invocation) => runDowngrade(invocation, 'validate', targetOf(invocation)),
    },
    {
      name: 'enable',
      argumentsUsage: '<TARGET_VERSION>',
      short: 'Announces that the cluster goes back to that release',
      run: (invocation) => runDowngrade(invocation, 'enable', targetOf(invocation)),
    },
    {
      name: 'cancel',
      short: 'Withdraws the announcement',
      run: (invocation) => runDowngrade(invocation, 'cancel', ''),
    },
  ],
};

const actions = { validate: Action.VALIDATE, enable: Action.ENABLE, cancel: Action.CANCEL };

async function runDowngrade(invocation: Invocation, name: keyof typeof actions, version: string): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const request = { action: actions[name], version };
  printer.downgrade(name, await withClient(invocation, settings, (client) => client.downgrade(request)));
  return ExitCode.Success;
}

function targetOf({ args }: Invocation): string {
  if (args.length === 0) throw badArgs('TARGET_VERSION not provided');
  if (args.length > 1) throw badArgs('too many arguments');
  return args[0] as string;
}
