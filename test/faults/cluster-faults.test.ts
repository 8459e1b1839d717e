/**
 * Three real processes with real disks and sockets, under a seeded schedule of faults and concurrent clients: a cluster of
 * our own, and one of both engines, with the corruption checks on.
 *
 * ETCDLAB_FAULT_SECONDS  how long faults go on, for each cluster (40)
 * ETCDLAB_FAULT_SEED     the schedule and what the clients ask, and which engine has two of the three members of the mixed
 *                        cluster; a new one for every run unless given
 * ETCDLAB_FAULT_ENGINE   `built-in` runs the cluster of our own alone; `mixed` two mixed ones, with one and with two of
 *                        upstream's members; `upstream` upstream's etcd (ETCDLAB_UPSTREAM), to try the test itself
 */
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { randomFrom } from '../../server/base/testing/crash-disk.ts';
import { BoltDatabase, check } from '../../server/bolt/mod.ts';
import { type EtcdClient, saveSnapshot } from '../../server/client/mod.ts';
import { snapshotStatus } from '../../server/etcdutl/mod.ts';
import { decodeRevision } from '../../server/mvcc/revision.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import { violations } from '../simulation/linearizability.ts';
import { FaultSchedule } from '../support/fault-schedule.ts';
import { PeerNetwork } from '../support/peer-network.ts';
import { RecordedClients } from '../support/recorded-clients.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const seconds = Number(process.env.ETCDLAB_FAULT_SECONDS ?? 40);
const seed = Number(process.env.ETCDLAB_FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const engine = process.env.ETCDLAB_FAULT_ENGINE;

/** How many of the three members are of upstream, and what such a cluster runs with beside the usual. */
interface Mix {
  readonly title: string;
  readonly upstreamCount: number;
  readonly flags: readonly string[];
}

const corruptionChecks = ['--experimental-initial-corrupt-check', '--experimental-corrupt-check-time=5s'];
const alike: Mix = { title: 'three members', upstreamCount: engine === 'upstream' ? 3 : 0, flags: [] };
const mixed: readonly [Mix, Mix] = [
  { title: 'two members and one of upstream', upstreamCount: 1, flags: corruptionChecks },
  { title: 'one member and two of upstream', upstreamCount: 2, flags: corruptionChecks },
];

function clusters(): readonly Mix[] {
  if (engine === undefined) return [alike, mixed[seed % 2 === 0 ? 0 : 1]];
  return engine === 'mixed' ? mixed : [alike];
}

const again = `${engine === undefined ? '' : `ETCDLAB_FAULT_ENGINE=${engine} `}ETCDLAB_FAULT_SEED=${seed} ETCDLAB_FAULT_SECONDS=${seconds} npx vitest run --project faults`;
const keys = ['k0', 'k1', 'k2', 'k3', 'k4'];

let cluster: TestCluster | undefined;
let network: PeerNetwork | undefined;
let clients: RecordedClients | undefined;
let schedule: FaultSchedule | undefined;

afterEach(async ({ task }) => {
  await clients?.stop();
  if (task.result?.state === 'fail') await keepEvidence();
  await cluster?.close();
  await network?.close();
});

/** What a failure is investigated with: the history, the faults and the members' logs. */
async function keepEvidence(): Promise<void> {
  const directory = path.join(os.tmpdir(), `etcdlab-faults-${seed}-${process.pid}`);
  await mkdir(directory, { recursive: true });
  const byTime = clients?.history.toSorted((a, b) => a.invokedAt - b.invokedAt) ?? [];
  const lines = [...(schedule?.events ?? []), ...byTime].map((each) => JSON.stringify(each));
  await writeFile(path.join(directory, 'history.jsonl'), `${lines.join('\n')}\n`);
  for (const { name, logFile } of cluster?.members ?? []) await copyFile(logFile, path.join(directory, `${name}.log`));
  console.error(`History and logs: ${directory}\nThe same schedule again: ${again}`);
}

async function leaderOf(client: EtcdClient, running: TestCluster): Promise<number | undefined> {
  for (const endpoint of running.endpoints) {
    const status = await client.status({ endpoint, timeoutMs: 500 }).catch(() => undefined);
    if (status === undefined || status.leader === 0n) continue;
    for (const [index, other] of running.endpoints.entries()) {
      const each = await client.status({ endpoint: other, timeoutMs: 500 }).catch(() => undefined);
      if (each?.header?.member_id === status.leader) return index;
    }
  }
  return undefined;
}

/** HashKV of each member's own store at one revision. */
async function hashes(client: EtcdClient, endpoints: readonly string[]): Promise<number[]> {
  const { header } = await client.range({ key: Buffer.from('x') });
  const revision = header?.revision ?? 0;
  return Promise.all(
    endpoints.map(async (endpoint) => {
      // A linearizable read through the member: it has applied everything up to that revision then.
      await client.range({ key: Buffer.from('x') }, { endpoint });
      return (await client.hashKv({ revision }, { endpoint })).hash;
    }),
  );
}

/** Every put that a stopped member has in its database, by revision. */
async function recordsOf(dataDir: string): Promise<Map<number, string>> {
  const file = path.join(dataDir, 'member/snap/db');
  expect((await check(file)).errors).toEqual([]);
  const database = await BoltDatabase.open(file, { readOnly: true });
  const records = new Map<number, string>();
  const view = database.view();
  for (const [revision, bytes] of view.pairs('key')) {
    const { key, value } = KeyValue.decode(bytes);
    records.set(decodeRevision(revision).main, `${Buffer.from(key)}=${Buffer.from(value)}`);
  }
  view.close();
  await database.close();
  return records;
}

async function checkSnapshot(client: EtcdClient, directory: string): Promise<void> {
  const file = path.join(directory, 'snapshot.db');
  await saveSnapshot(client, file);
  expect((await snapshotStatus(file)).trailer).toBe('ok');
  if (!haveUpstream()) return;
  const { etcdutl } = upstreamExecutables();
  const { exitCode, stdout } = await runCommand(etcdutl, ['snapshot', 'status', file, '-w', 'json']);
  expect({ exitCode, found: JSON.parse(stdout) as unknown }).toMatchObject({
    exitCode: 0,
    found: { totalKey: expect.any(Number) },
  });
}

function summary(
  { members }: TestCluster,
  { events, impossible }: FaultSchedule,
  { history, acknowledged }: RecordedClients,
) {
  const logs = members.map(({ logFile }) => readFileSync(logFile, 'utf8')).join('');
  const count = (message: string) => logs.split(`"${message}"`).length - 1;
  const unknown = history.filter(({ answer }) => answer === undefined).length;
  return [
    `${events.length} faults, ${history.length} calls, ${acknowledged.length} acknowledged writes, ${unknown} of unknown outcome`,
    `${count('elected leader')} times a member got to know a leader, ${count('applied snapshot')} databases were sent`,
    ...events.map(({ fault, fromMs, toMs }) => `${Math.round(fromMs)}-${Math.round(toMs)} ms ${fault}`),
    ...impossible.map((kind) => `not possible on this machine: ${kind}`),
  ].join('\n');
}

test.for(clusters())(
  `${seconds} s of faults from seed ${seed} on $title lose nothing, and clients see one register per key`,
  { timeout: seconds * 1000 + 150_000 },
  async (mix, { skip }) => {
    skip(mix.upstreamCount > 0 && !haveUpstream(), 'ETCDLAB_UPSTREAM does not name upstream’s etcd');
    console.log(`faults on ${mix.title}: ${again}`);
    // Snapshots often, and little of the log kept: who was away gets a database sent.
    const flags = ['--snapshot-count=50', '--experimental-snapshot-catchup-entries=10', ...mix.flags];
    cluster = await TestCluster.create(await ensureBuilt(), { flags });
    for (const member of cluster.members.slice(0, mix.upstreamCount)) member.executables = upstreamExecutables();
    network = await PeerNetwork.between(cluster);
    await cluster.startAll();

    const client = cluster.client();
    try {
      const running = cluster;
      clients = new RecordedClients({
        endpoints: cluster.endpoints,
        clients: 6,
        keys,
        random: randomFrom(seed + 1),
        timeoutMs: 2000,
        pauseMs: 30,
      });
      schedule = new FaultSchedule({
        cluster,
        network,
        random: randomFrom(seed),
        leader: () => leaderOf(client, running),
      });
      await schedule.run(seconds * 1000);
      await cluster.waitHealthy(60_000);
      await clients.stop();
      await clients.readAll();

      expect(new Set(await hashes(client, cluster.endpoints)).size).toBe(1);
      expect((await client.alarm({ alarm: AlarmType.NONE })).alarms).toEqual([]);
      await checkSnapshot(client, cluster.directory);
    } finally {
      client.close();
    }

    await cluster.stopAll();
    const { history, acknowledged } = clients;
    console.log(summary(cluster, schedule, clients));
    expect(acknowledged.length).toBeGreaterThan(2 * seconds);

    const [records, ...others] = await Promise.all(cluster.members.map(({ dataDir }) => recordsOf(dataDir)));
    for (const other of others) expect(other).toEqual(records);
    const lost = acknowledged.filter(({ key, value, revision }) => records?.get(revision) !== `${key}=${value}`);
    expect(lost).toEqual([]);
    expect(new Set(records?.values()).size, 'a write took place twice').toBe(records?.size);
    expect(violations(history)).toEqual([]);
  },
);
