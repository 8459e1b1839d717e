/** `etcdctl endpoint`: what each member says of itself (contract: cli §4). */
import { formatGoDuration } from '../../base/go-duration.ts';
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode, ExitError } from '../../cli/exit-error.ts';
import { flag } from '../../cli/flag-set.ts';
import { describeRpcError, EtcdClient, type EtcdClientOptions, RpcError } from '../../client/calls.ts';
import { AlarmType } from '../../proto/gen/rpc.ts';
import { endpointsToAsk } from '../cluster-endpoints.ts';
import type { EndpointHashKv, EndpointHealth, EndpointStatus } from '../output/printer.ts';
import { explain, openSession } from '../session.ts';

const healthCommand: Command = {
  name: 'health',
  short: 'Tries a linearizable read on each endpoint',
  run: runHealth,
};

const statusCommand: Command = {
  name: 'status',
  short: 'Shows version, size, leader and raft position of each endpoint',
  long: `The columns of the simple format are endpoint, id, version, db size, is leader, is learner, raft term, raft index,
raft applied index, errors.`,
  run: runStatus,
};

const hashKvCommand: Command = {
  name: 'hashkv',
  short: 'Shows a hash over the keys of each endpoint; equal on all members if nothing is lost',
  flags: [flag.int64('rev', 0n, 'hash up to this revision; 0 for all')],
  run: runHashKv,
};

export const endpointCommand: Command = {
  name: 'endpoint',
  argumentsUsage: '<subcommand>',
  short: 'Asks each endpoint by itself',
  persistentFlags: [flag.bool('cluster', false, 'ask all members that the cluster lists, instead of --endpoints')],
  commands: [healthCommand, statusCommand, hashKvCommand],
};

async function runHealth(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const endpoints = await endpointsToAsk(invocation, settings);
  const list: EndpointHealth[] = [];
  // In order of arrival: who is slow stands last.
  await Promise.all(
    endpoints.map(async (endpoint) => list.push(await health(invocation, { ...settings, endpoints: [endpoint] }))),
  );
  printer.endpointHealth(list);
  if (list.every(({ healthy }) => healthy)) return ExitCode.Success;
  throw new ExitError(ExitCode.Error, 'unhealthy cluster');
}

/** Reads one key through the quorum, then asks for alarms. */
async function health({ io }: Invocation, settings: EtcdClientOptions): Promise<EndpointHealth> {
  const endpoint = settings.endpoints[0] as string;
  const started = performance.now();
  const client = new EtcdClient(settings);
  const answer = (error: string): EndpointHealth => {
    const took = formatGoDuration(performance.now() - started);
    return { endpoint, healthy: error === '', took, error };
  };
  try {
    await client.range({ key: Buffer.from('health') });
    return answer(await alarmText(client));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    // Whoever may not read the key has had an answer all the same.
    if (error.message === 'etcdserver: permission denied') return answer(await alarmText(client));
    await explain(error, settings, io);
    return answer(describeRpcError(error));
  } finally {
    client.close();
  }
}

async function alarmText(client: EtcdClient): Promise<string> {
  const names: Record<number, string> = { [AlarmType.NOSPACE]: 'NOSPACE', [AlarmType.CORRUPT]: 'CORRUPT' };
  try {
    const { alarms } = await client.alarm({});
    return alarms.length === 0
      ? ''
      : `Active Alarm(s): ${alarms.map(({ alarm }) => `${names[alarm] ?? 'UNKNOWN'} `).join('')}`;
  } catch {
    return 'Unable to fetch the alarm list';
  }
}

async function runStatus(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const list: EndpointStatus[] = [];
  const failure = await askEach(invocation, settings, 'status', async (client, endpoint) => {
    list.push({ endpoint, status: await client.status({}) });
  });
  printer.endpointStatus(list);
  return failure === undefined ? ExitCode.Success : ExitCode.Error;
}

async function runHashKv(invocation: Invocation): Promise<number> {
  const { settings, printer } = await openSession(invocation);
  const revision = invocation.flags.integer('rev');
  const list: EndpointHashKv[] = [];
  const failure = await askEach(invocation, settings, 'hash', async (client, endpoint) => {
    list.push({ endpoint, hashKv: await client.hashKv({ revision }) });
  });
  printer.endpointHashKv(list);
  if (failure === undefined) return ExitCode.Success;
  throw new ExitError(ExitCode.Error, describeRpcError(failure), failure);
}

/** Asks one endpoint after the other; those that fail are named on stderr. @returns the last failure */
async function askEach(
  invocation: Invocation,
  settings: EtcdClientOptions,
  what: string,
  ask: (client: EtcdClient, endpoint: string) => Promise<void>,
): Promise<RpcError | undefined> {
  let failure: RpcError | undefined;
  for (const endpoint of await endpointsToAsk(invocation, settings)) {
    const client = new EtcdClient({ ...settings, endpoints: [endpoint] });
    try {
      await ask(client, endpoint);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      failure = error;
      await explain(error, { ...settings, endpoints: [endpoint] }, invocation.io);
      invocation.io.stderr.write(`Failed to get the ${what} of endpoint ${endpoint} (${describeRpcError(error)})\n`);
    } finally {
      client.close();
    }
  }
  return failure;
}
