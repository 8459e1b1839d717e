/** The commands of the v2 tool on the cluster (contract: cli §8). */
import type { Command, Invocation } from '../../cli/command.ts';
import { ExitCode } from '../../cli/exit-error.ts';
import { EtcdClient, type EtcdClientOptions } from '../../client/calls.ts';
import type { Member } from '../../proto/gen/rpc.ts';
import { v2ExitCodes, v2Failure, v2Settings } from './session.ts';

export const clusterHealthCommand: Command = {
  name: 'cluster-health',
  short: 'Asks every member whether it is healthy',
  run: runClusterHealth,
};

export const memberCommand: Command = {
  name: 'member',
  short: 'Lists the members',
  commands: [{ name: 'list', short: 'Lists the members', run: runMemberList }],
};

async function runMemberList(invocation: Invocation): Promise<number> {
  const settings = v2Settings(invocation);
  const { members, leader } = await membersOf(settings).catch((error: Error) => {
    throw v2Failure(v2ExitCodes.unreachable, `client: etcd cluster is unavailable or misconfigured; ${error.message}`);
  });
  for (const { ID, name, peerURLs, clientURLs } of members) {
    const urls = `peerURLs=${peerURLs.join()} clientURLs=${clientURLs.join()}`;
    const isUnstarted = name === '' ? '[unstarted]' : '';
    const about = isUnstarted === '' ? `name=${name} ${urls} isLeader=${ID === leader}` : `peerURLs=${peerURLs.join()}`;
    invocation.io.stdout.write(`${ID.toString(16)}${isUnstarted}: ${about}\n`);
  }
  return ExitCode.Success;
}

async function runClusterHealth(invocation: Invocation): Promise<number> {
  const { io } = invocation;
  const settings = v2Settings(invocation);
  const { members } = await membersOf(settings).catch((error: Error) => {
    io.stdout.write('cluster may be unhealthy: failed to list members\n');
    throw v2Failure(v2ExitCodes.api, `client: etcd cluster is unavailable or misconfigured; ${error.message}`);
  });
  const healthy = await Promise.all(members.map((member) => reportHealth(member, settings, io)));
  const count = healthy.filter(Boolean).length;
  const state = count === members.length ? 'healthy' : count * 2 > members.length ? 'degraded' : 'unavailable';
  io.stdout.write(`cluster is ${state}\n`);
  return state === 'healthy' ? ExitCode.Success : ExitCode.Interrupted;
}

async function reportHealth(
  { ID, clientURLs }: Member,
  settings: EtcdClientOptions,
  io: Invocation['io'],
): Promise<boolean> {
  const id = ID.toString(16);
  const print = (text: string): void => void io.stdout.write(`${text}\n`);
  for (const url of clientURLs) {
    const failure = await readFrom(url, settings);
    if (failure === undefined) {
      print(`member ${id} is healthy: got healthy result from ${url}`);
      return true;
    }
    print(`failed to check the health of member ${id} on ${url}: ${failure}`);
  }
  const why =
    clientURLs.length === 0 ? 'no available published client urls' : `[${clientURLs.join(' ')}] are all unreachable`;
  print(`member ${id} is unreachable: ${why}`);
  return false;
}

/** @returns why a member does not answer a read that needs a quorum; undefined when it does */
async function readFrom(url: string, settings: EtcdClientOptions): Promise<string | undefined> {
  const client = new EtcdClient({ ...settings, endpoints: [url] });
  try {
    await client.range({ key: Buffer.from('health') });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    client.close();
  }
}

async function membersOf(settings: EtcdClientOptions): Promise<{ members: Member[]; leader: bigint }> {
  const client = new EtcdClient(settings);
  try {
    const [{ members }, { leader }] = await Promise.all([client.memberList({}), client.status({})]);
    return { members, leader };
  } finally {
    client.close();
  }
}
