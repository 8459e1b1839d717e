/** `etcdctl defrag`: gives disk space back that compactions have freed (contract: cli §4). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { describeRpcError, EtcdClient, RpcError } from '../../client/calls.ts';
import { defragOffline } from '../../etcdutl/defrag.ts';
import { endpointsToAsk } from '../cluster-endpoints.ts';
import { explain, openSession } from '../session.ts';

export const defragCommand: Command = {
  name: 'defrag',
  short: 'Rewrites the database files of the members at the endpoints without their free pages',
  flags: [
    flag.bool('cluster', false, 'ask all members that the cluster lists, instead of --endpoints'),
    flag.string('data-dir', '', 'work on the files of this directory, which no member uses; see etcdutl defrag'),
  ],
  run,
};

async function run(invocation: Invocation): Promise<number> {
  const { flags, io } = invocation;
  const dataDir = flags.string('data-dir');
  if (dataDir !== '') {
    io.stderr.write('Use `etcdutl defrag` instead: --data-dir is not in etcdctl 3.6 any more.\n\n');
    await defragOffline(dataDir, io);
    return ExitCode.Success;
  }
  const { settings } = await openSession(invocation);
  let exitCode: number = ExitCode.Success;
  for (const endpoint of await endpointsToAsk(invocation, settings)) {
    const client = new EtcdClient({ ...settings, endpoints: [endpoint] });
    try {
      await client.defragment({});
      io.stdout.write(`Finished defragmenting etcd member[${endpoint}]\n`);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      exitCode = ExitCode.Error;
      await explain(error, { ...settings, endpoints: [endpoint] }, io);
      io.stderr.write(`Failed to defragment etcd member[${endpoint}] (${describeRpcError(error)})\n`);
    } finally {
      client.close();
    }
  }
  return exitCode;
}
