/** `etcdctl move-leader` (contract: cli §4). */
import type { Command, Invocation } from '../../cli/command.ts';
import { badArgs, ExitCode } from '../../cli/exit-error.ts';
import { parseUint64 } from '../../cli/numbers.ts';
import { openSession, withClient } from '../session.ts';

export const moveLeaderCommand: Command = {
  name: 'move-leader',
  argumentsUsage: '<transferee-member-id>',
  short: 'Hands leadership to another member',
  long: 'Only the leader can do it, so it must be among the endpoints.',
  run: runMoveLeader,
};

async function runMoveLeader(invocation: Invocation): Promise<number> {
  const { args } = invocation;
  const [text] = args;
  if (text === undefined || args.length > 1) throw badArgs('move-leader command needs 1 argument');
  const targetID = parseTarget(text);
  const { settings, printer } = await openSession(invocation);
  for (const endpoint of settings.endpoints) {
    const one = { ...settings, endpoints: [endpoint] };
    const { leader, header } = await withClient(invocation, one, (client) => client.status({}));
    if (leader === 0n || leader !== header?.member_id) continue;
    const response = await withClient(invocation, one, (client) => client.moveLeader({ targetID }));
    printer.moveLeader(leader, targetID, response);
    return ExitCode.Success;
  }
  throw badArgs(`no leader endpoint given at [${settings.endpoints.join(' ')}]`);
}

function parseTarget(text: string): bigint {
  try {
    return parseUint64(text, 16);
  } catch (error) {
    throw badArgs((error as Error).message);
  }
}
