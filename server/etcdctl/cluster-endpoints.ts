import type { Invocation } from '../cli/command.ts';
import type { EtcdClientOptions } from '../client/calls.ts';
import { withClient } from './session.ts';

/** Of a command with the flag `--cluster`: the endpoints given, or those of all members. @throws ExitError */
export async function endpointsToAsk(invocation: Invocation, settings: EtcdClientOptions): Promise<readonly string[]> {
  if (!invocation.flags.bool('cluster')) return settings.endpoints;
  const { members } = await withClient(invocation, settings, (client) => client.memberList({ linearizable: true }));
  return members.flatMap(({ clientURLs }) => clientURLs);
}
