/** Membership between the two families: command lines, members of one in clusters of the other, data directories. */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { runEtcdctl } from '../../server/etcdctl/main.ts';
import { idToHex } from '../../server/membership/mod.ts';
import { freePorts, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function startCluster(executables: Executables, flags: string[] = [], members = 3): Promise<TestCluster> {
  const cluster = await TestCluster.start(executables, { flags, members });
  open.push(cluster);
  return cluster;
}

function clientOf(cluster: TestCluster, endpoints?: string[]): EtcdClient {
  const client = cluster.client(endpoints);
  open.push(client);
  return client;
}

/** Changes are refused until the members have been connected for 5 s, and a learner until it has caught up. */
async function whenAllowed<T>(change: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await change();
    } catch (error) {
      const { message } = error as Error;
      if (!/unhealthy cluster|in sync with leader/.test(message) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** HashKV of members of both families, once all stand at the same revision. */
async function expectEqualData(cluster: TestCluster, indexes: number[]): Promise<void> {
  const endpoints = indexes.map((index) => cluster.member(index).clientUrl);
  const client = clientOf(cluster, endpoints);
  const key = Buffer.from('x');
  const revision = (await client.range({ key })).header?.revision ?? 0;
  const hashes = await Promise.all(
    endpoints.map(async (endpoint) => {
      await client.range({ key }, { endpoint });
      return (await client.hashKv({ revision }, { endpoint })).hash;
    }),
  );
  expect(new Set(hashes).size).toBe(1);
}

/** A write may find the leader gone, and is repeated then. */
async function put(client: EtcdClient, key: string, value: string): Promise<void> {
  const request = { key: Buffer.from(key), value: Buffer.from(value) };
  for (let attempt = 1; ; attempt++) {
    try {
      await client.put(request, { timeoutMs: 3000 });
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

async function write(client: EtcdClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await put(client, `k${i % 30}`, `v${i}`);
}

const shortLog = ['--snapshot-count=100', '--experimental-snapshot-catchup-entries=10'];

/** Adds a member of `executables`, as a learner, starts it, and promotes it when it has caught up. */
async function joinAs(cluster: TestCluster, executables: Executables, client: EtcdClient): Promise<number> {
  const index = await cluster.addMember();
  const { name, peerUrl } = cluster.member(index);
  const { member, members } = await whenAllowed(() => client.memberAdd({ peerURLs: [peerUrl], isLearner: true }));
  const initial = members.map((each) => `${each.name || name}=${each.peerURLs[0]}`).join();
  cluster.executables = executables;
  cluster.launch(index, [`--initial-cluster=${initial}`, '--initial-cluster-state=existing']);
  const ID = member?.ID as bigint;
  const started = async () => (await client.memberList({ linearizable: true })).members.some((m) => m.name === name);
  await expect.poll(started, { timeout: 30_000 }).toBe(true);
  await whenAllowed(() => client.memberPromote({ ID }));
  await cluster.waitHealthy();
  return index;
}

describe.skipIf(!haveUpstream())('a cluster of both families', () => {
  const upstream = async (): Promise<Executables> => upstreamExecutables();
  test.each([
    { title: 'an upstream member in a cluster of ours', joining: upstream, running: ensureBuilt },
    { title: 'a member of ours in an upstream cluster', joining: ensureBuilt, running: upstream },
  ])('works with $title', { timeout: 120_000 }, async ({ joining, running }) => {
    const cluster = await startCluster(await running(), shortLog);
    const client = clientOf(cluster);
    await write(client, 250);
    const joined = await joinAs(cluster, await joining(), client);
    await expect.poll(() => readFileSync(cluster.member(joined).logFile, 'utf8')).toMatch(/applied snapshot/);
    await write(client, 50);
    await expectEqualData(cluster, [0, 1, 2, joined]);

    // It can lead, and as leader change the membership.
    const { members } = await client.memberList({ linearizable: true });
    const idOf = (index: number) => members.find(({ name }) => name === cluster.member(index).name)?.ID as bigint;
    const { leader } = await client.status();
    const leaderUrl = members.find(({ ID }) => ID === leader)?.clientURLs[0] as string;
    await client.moveLeader({ targetID: idOf(joined) }, { endpoint: leaderUrl });
    const own = clientOf(cluster, [cluster.member(joined).clientUrl]);
    await write(own, 150);
    await whenAllowed(() => own.memberRemove({ ID: idOf(0) }));
    await cluster.waitEnded(0);
    await cluster.signal(1, 'SIGKILL');
    await write(own, 250);
    cluster.executables = await running();
    cluster.launch(1);
    await cluster.waitHealthy();
    await expectEqualData(cluster, [1, 2, joined]);
  });
});

describe.skipIf(!haveUpstream())('a data directory', () => {
  test('with membership changes and received snapshots in it goes on with upstream', { timeout: 120_000 }, async () => {
    const ours = await ensureBuilt();
    const cluster = await startCluster(ours, shortLog);
    const client = clientOf(cluster);
    await cluster.signal(1, 'SIGKILL');
    await write(client, 300);
    cluster.launch(1);
    await cluster.waitHealthy();
    const joined = await joinAs(cluster, ours, client);
    const { members } = await client.memberList({ linearizable: true });
    const removedId = members.find(({ name }) => name === 'm1')?.ID as bigint;
    await whenAllowed(() => client.memberRemove({ ID: removedId }));
    await cluster.waitEnded(0);
    await expectEqualData(cluster, [1, 2, joined]);
    await cluster.stopAll();

    cluster.executables = upstreamExecutables();
    for (const index of [1, 2, joined]) cluster.launch(index);
    await cluster.waitHealthy();
    const after = clientOf(cluster, [cluster.member(joined).clientUrl]);
    const { members: found } = await after.memberList({ linearizable: true });
    expect(found.map(({ name }) => name).sort()).toEqual(['m2', 'm3', 'm4']);
    await write(after, 10);
    await expectEqualData(cluster, [1, 2, joined]);
  });
});

/** One etcdctl and the cluster of one that it talks to. */
interface Side {
  readonly cluster: TestCluster;
  readonly freeUrls: string[];
  run(args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

async function side(executables: Executables, etcdctl: string | undefined): Promise<Side> {
  const cluster = await startCluster(executables, [], 1);
  const freeUrls = (await freePorts(2)).map((port) => `http://127.0.0.1:${port}`);
  const inProcess: Side['run'] = async (args) => {
    const [stdout, stderr]: string[][] = [[], []];
    const sink = (chunks: string[] = []) => ({
      write: (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk).toString()),
    });
    const io = { stdin: Readable.from([]), stdout: sink(stdout), stderr: sink(stderr), env: {} };
    const exitCode = await runEtcdctl([`--endpoints=${cluster.endpoints}`, ...args], io);
    return { exitCode, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' };
  };
  return { cluster, freeUrls, run: etcdctl === undefined ? inProcess : (args) => cluster.etcdctl(etcdctl, args) };
}

/** In this order: later lines see what earlier ones did. OWN is the only voter, LEARNER the learner that is added. */
const lines = [
  'member add',
  'member add x',
  'member add x y http://a:1 HTTP://b:2 --peer-urls=URL1',
  'member add x --peer-urls=foo',
  'member add x --peer-urls=http://127.0.0.1:1/path',
  'member add x --peer-urls=PEER',
  'member promote OWN',
  'member promote 1234',
  'member add new --learner --peer-urls=URL1',
  'member add second --learner --peer-urls=URL2',
  'member list',
  'member list -w json',
  'member promote LEARNER',
  'member update LEARNER',
  'member update LEARNER --peer-urls=foo',
  'member update LEARNER --peer-urls=PEER',
  // Not the learner: upstream forgets that it is one.
  'member update OWN --peer-urls=URL2',
  'member update OWN --peer-urls=PEER -w json',
  'member update OWN --peer-urls=URL2 -w fields',
  'member update OWN --peer-urls=PEER -w table',
  'member update 1234 --peer-urls=URL2',
  'member update zzz --peer-urls=URL2',
  'member remove',
  'member remove OWN x',
  'member remove zzz',
  'member remove 11112222333344445555',
  'member remove 1234',
  'member remove OWN',
  'member remove LEARNER',
  'member remove LEARNER',
  'member add new --learner --peer-urls=URL1,URL2 -w json',
  'member remove LEARNER -w json',
  'member list',
  'move-leader',
  'move-leader zzz',
  'move-leader 1234',
  'move-leader OWN',
  'move-leader OWN -w json',
  'move-leader OWN -w fields',
  'move-leader OWN x',
];

async function observe({ cluster, freeUrls, run }: Side, line: string, learner: string): Promise<object> {
  const { clientUrl, peerUrl } = cluster.member(0);
  const own = await ownId(cluster);
  const words: Record<string, string> = {
    OWN: own,
    LEARNER: learner,
    PEER: peerUrl,
    URL1: freeUrls[0] as string,
    URL2: freeUrls[1] as string,
  };
  const pattern = new RegExp(Object.keys(words).join('|'), 'g');
  const result = await run(line.split(' ').map((word) => word.replaceAll(pattern, (name) => words[name] as string)));
  const normal = (text: string): string => {
    let same = text.replaceAll(clientUrl, 'CLIENT');
    for (const [name, word] of Object.entries(words)) same = same.replaceAll(word, name);
    return (
      same
        .replaceAll(/"(?:cluster_id|member_id|ID)":\d+/g, 'ID')
        .replaceAll(/ +(?=OWN|LEARNER)/g, ' ')
        .replaceAll(/(?<=Member |cluster |from |to ) *[0-9a-f]{13,16}/g, 'ID')
        .replaceAll(/^[0-9a-f]{13,16}(?=,)/gm, 'ID')
        // Members stand in the order of their ids, and URLs in that of their ports.
        .split(/[\n,{}[\]"]+/)
        .sort()
        .join('\n')
    );
  };
  const errors = result.stderr.split('\n').filter((text) => text.startsWith('Error'));
  return { exitCode: result.exitCode, stdout: normal(result.stdout), error: normal(errors.join('\n')) };
}

async function ownId(cluster: TestCluster): Promise<string> {
  const client = cluster.client();
  const { header } = await client.status();
  client.close();
  return idToHex(header?.member_id as bigint);
}

async function learnerId(cluster: TestCluster): Promise<string> {
  const client = cluster.client();
  const { members } = await client.memberList({ linearizable: true });
  client.close();
  return idToHex(members.find(({ isLearner }) => isLearner)?.ID ?? 0n);
}

describe.skipIf(!haveUpstream())('command lines', () => {
  test('of member and move-leader do and say the same by either etcdctl in either cluster', {
    timeout: 120_000,
  }, async () => {
    const upstream = upstreamExecutables();
    const ours = await ensureBuilt();
    const expected = await side(upstream, upstream.etcdctl);
    const others = [await side(ours, upstream.etcdctl), await side(upstream, undefined)];
    const learners = new Map<Side, string>();
    for (const line of lines) {
      const seen = await Promise.all(
        [expected, ...others].map(async (each) => {
          const learner = await learnerId(each.cluster);
          if (learner !== '0') learners.set(each, learner);
          return observe(each, line, learners.get(each) ?? 'ffff');
        }),
      );
      expect.soft(seen[1], `upstream's etcdctl, our cluster: ${line}`).toEqual(seen[0]);
      expect.soft(seen[2], `our etcdctl, upstream's cluster: ${line}`).toEqual(seen[0]);
    }
  });
});
