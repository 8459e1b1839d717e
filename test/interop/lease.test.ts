/** Leases as upstream has them: the same requests answered alike, and the same data directories and clusters shared. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { type EtcdClient, RpcError } from '../../server/client/mod.ts';
import { PutRequest, RequestOp } from '../../server/proto/gen/rpc.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const clusters: TestCluster[] = [];
const clients: EtcdClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

async function startOne(executables: Executables): Promise<TestCluster> {
  const cluster = await TestCluster.start(executables, { members: 1, flags: ['--unsafe-no-fsync'] });
  clusters.push(cluster);
  return cluster;
}

function clientOf(cluster: TestCluster, index?: number): EtcdClient {
  const client = cluster.client(index === undefined ? cluster.endpoints : [cluster.member(index).clientUrl]);
  clients.push(client);
  return client;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const texts = (keys: readonly Uint8Array[]): string[] => keys.map((key) => Buffer.from(key).toString('latin1')).sort();

type Ask = (client: EtcdClient) => Promise<unknown>;

/** One request: what it is, and what of its answer does not depend on time or on who answers. */
interface Step {
  title: string;
  ask: Ask;
}

const ids = [1n, 2n, 3n, 0x7fff_ffff_ffff_ffffn, -1n, -(2n ** 63n)];
const keys = ['a', 'a\0', 'b', 'c/1', 'c/2', '\xff'];
const ttls = [-5, 0, 1, 2, 1000, 1_000_000, 9_000_000_000, 9_000_000_001, Number.MAX_SAFE_INTEGER];

function randomStep(random: () => number): Step {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const [ID, key, lease, other] = [pick(ids), pick(keys), pick([0n, 0n, 9n, ...ids]), pick(keys)];
  const value = bytes(String(Math.floor(random() * 10)));
  // Short ones would expire meanwhile.
  const ttl = pick(ttls.filter((seconds) => seconds > 100));
  const steps: Step[] = [
    { title: `grant ${ID} ${ttl}`, ask: async (client) => granted(await client.leaseGrant({ ID, TTL: ttl })) },
    { title: `revoke ${ID}`, ask: async (client) => revisionOf(await client.leaseRevoke({ ID })) },
    {
      title: `put ${key} ${lease}`,
      ask: async (client) => revisionOf(await client.put({ key: bytes(key), value, lease })),
    },
    {
      title: `put ${key} keeping its lease`,
      ask: async (client) => revisionOf(await client.put({ key: bytes(key), value, ignore_lease: true })),
    },
    { title: `delete ${key}`, ask: async (client) => revisionOf(await client.deleteRange({ key: bytes(key) })) },
    {
      title: `txn ${key} ${lease}, ${other}`,
      ask: async (client) => {
        const op = (put: Partial<PutRequest>) => RequestOp.create({ request_put: PutRequest.create(put) });
        const success = [op({ key: bytes(key), value, lease }), op({ key: bytes(other), value })];
        return revisionOf(await client.txn({ success }));
      },
    },
    {
      title: `time to live ${ID}`,
      ask: async (client) => {
        const answer = await client.leaseTimeToLive({ ID, keys: true });
        return { ID: answer.ID, granted: answer.grantedTTL, gone: answer.TTL === -1, keys: texts(answer.keys) };
      },
    },
    {
      title: `keep alive ${ID}`,
      ask: async (client) => {
        const answer = await client.leaseKeepAliveOnce(ID);
        return { ID: answer.ID, TTL: answer.TTL, ...revisionOf(answer) };
      },
    },
    {
      title: 'list',
      ask: async (client) => (await client.leases()).leases.map(({ ID: id }) => String(id)).sort(),
    },
  ];
  return pick([...steps, ...steps.slice(0, 1), ...steps.slice(2, 3), ...steps.slice(2, 3)]);
}

const revisionOf = ({ header }: { header?: { revision: number } | undefined }) => ({ revision: header?.revision });
const granted = ({ ID, TTL, header }: { ID: bigint; TTL: number; header?: { revision: number } | undefined }) => ({
  ...{ ID, TTL, revision: header?.revision },
});

async function outcome(client: EtcdClient, ask: Ask): Promise<unknown> {
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof RpcError) return `${error.code} ${error.message}`;
    throw error;
  }
}

/** HashKV up to now, with the revision. */
async function hashOf(client: EtcdClient): Promise<unknown> {
  const { header, hash } = await client.hashKv({});
  return { revision: header?.revision, hash };
}

/** What a cluster tells of its leases and their keys. */
async function leasesOf(client: EtcdClient): Promise<unknown[]> {
  const { leases } = await client.leases();
  const told = await Promise.all(leases.map(({ ID }) => client.leaseTimeToLive({ ID, keys: true })));
  return told
    .map(({ ID, grantedTTL, keys: attached }) => ({ ID, grantedTTL, keys: texts(attached) }))
    .sort((a, b) => (a.ID < b.ID ? -1 : 1));
}

describe.skipIf(!haveUpstream())('leases are upstream’s:', () => {
  const upstream = upstreamExecutables();

  test.each([1, 2, 3])('whatever is asked is answered alike, and leaves the same data (seed %i)', async (seed) => {
    const [theirs, ours] = await Promise.all([startOne(upstream), startOne(await ensureBuilt())]);
    const [them, us] = [clientOf(theirs), clientOf(ours)];
    const random = mulberry32(seed);
    for (let i = 0; i < 400; i++) {
      const { title, ask } = randomStep(random);
      const [expected, got] = await Promise.all([outcome(them, ask), outcome(us, ask)]);
      expect(got, `seed ${seed}, step ${i}: ${title}`).toEqual(expected);
      if (i % 20 === 0) expect(await hashOf(us), `seed ${seed}, after step ${i}`).toEqual(await hashOf(them));
    }
    expect(await leasesOf(us)).toEqual(await leasesOf(them));
    expect(await hashOf(us)).toEqual(await hashOf(them));
    await Promise.all([theirs, ours].map((cluster) => cluster.signal(0, 'SIGKILL')));
    await Promise.all([theirs, ours].map((cluster) => cluster.startAll()));
    expect(await leasesOf(us)).toEqual(await leasesOf(them));
  });

  test('too short, too long and taken: the same time to live, the same words', async () => {
    const [them, us] = [clientOf(await startOne(upstream)), clientOf(await startOne(await ensureBuilt()))];
    for (const TTL of ttls) {
      const ask: Ask = async (client) => granted(await client.leaseGrant({ ID: 77n, TTL }));
      const again: Ask = async (client) => revisionOf(await client.leaseRevoke({ ID: 77n }));
      for (const step of [ask, ask, again, again]) {
        expect(await outcome(us, step), `TTL ${TTL}`).toEqual(await outcome(them, step));
      }
    }
  });

  test('what expires takes its keys along at one revision', async () => {
    const [them, us] = [clientOf(await startOne(upstream)), clientOf(await startOne(await ensureBuilt()))];
    await Promise.all(
      [them, us].map(async (client) => {
        await client.leaseGrant({ ID: 5n, TTL: 2 });
        for (const key of ['z', 'a', 'm', 'stays']) {
          await client.put({ key: bytes(key), value: bytes(key), lease: key === 'stays' ? 0n : 5n });
        }
        await expect.poll(async () => (await client.leases()).leases, { timeout: 15_000 }).toEqual([]);
      }),
    );
    expect(await hashOf(us)).toEqual(await hashOf(them));
    expect(await hashOf(us)).toMatchObject({ revision: 6 });
  });

  test('upstream boots on our data directory and knows the leases, and ours on upstream’s', async () => {
    const own = await ensureBuilt();
    const cluster = await startOne(own);
    const client = clientOf(cluster);
    for (const ID of ids) await client.leaseGrant({ ID, TTL: 5000 });
    for (const [i, key] of keys.entries()) await client.put({ key: bytes(key), lease: ids[i % 3] as bigint });
    await client.put({ key: bytes('a') });
    await client.leaseRevoke({ ID: 2n });
    const before = await leasesOf(client);
    expect(before).toHaveLength(ids.length - 1);

    for (const executables of [upstream, own]) {
      await cluster.stopAll();
      cluster.executables = executables;
      await cluster.startAll();
      expect(await leasesOf(client)).toEqual(before);
    }
    await client.leaseRevoke({ ID: 1n });
    await cluster.stopAll();
    cluster.executables = upstream;
    await cluster.startAll();
    expect(await leasesOf(client)).toEqual(before.filter((lease) => (lease as { ID: bigint }).ID !== 1n));
  });

  test('a cluster of both forwards what only the leader knows, whoever leads', async () => {
    const cluster = await TestCluster.create(upstream, { members: 3, flags: ['--unsafe-no-fsync'] });
    clusters.push(cluster);
    cluster.launch(0);
    cluster.launch(1);
    cluster.executables = await ensureBuilt();
    cluster.launch(2);
    await cluster.waitHealthy();
    const each = cluster.members.map((_, index) => clientOf(cluster, index));
    const [first] = each as [EtcdClient];
    const TTL = 500;
    await first.leaseGrant({ ID: 8n, TTL });
    await first.put({ key: bytes('k'), lease: 8n });
    const { members } = await first.memberList();
    for (const { ID } of members) {
      await moveLeaderTo(cluster, ID);
      for (const client of each) {
        const told = await client.leaseTimeToLive({ ID: 8n, keys: true });
        expect(told).toMatchObject({ grantedTTL: TTL, keys: [bytes('k')] });
        expect(told.TTL).toBeGreaterThan(TTL - 10);
        expect((await client.leaseKeepAliveOnce(8n)).TTL).toBe(TTL);
        expect((await client.leaseKeepAliveOnce(9n)).TTL).toBe(0);
        expect((await client.leaseTimeToLive({ ID: 9n })).TTL).toBe(-1);
      }
      const short = ID | 1n;
      await first.leaseGrant({ ID: BigInt.asIntN(64, short), TTL: 2 });
      await first.put({ key: bytes('short'), lease: BigInt.asIntN(64, short) });
      await expect.poll(async () => (await first.range({ key: bytes('short') })).count, { timeout: 20_000 }).toBe(0);
    }
    const hashes = await Promise.all(
      each.map(async (client) => {
        await client.range({ key: bytes('k') });
        return hashOf(client);
      }),
    );
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashes[2]).toEqual(hashes[0]);
  });
});

/** Moves leadership by upstream's etcdctl, from whoever has it. */
async function moveLeaderTo(cluster: TestCluster, id: bigint): Promise<void> {
  const { etcdctl } = upstreamExecutables();
  for (let attempt = 0; ; attempt++) {
    const client = cluster.client();
    try {
      const { leader } = await client.status({});
      if (leader === id) return;
    } finally {
      client.close();
    }
    if (attempt > 20) throw new Error(`member ${id} does not become leader`);
    await cluster.etcdctl(etcdctl, ['move-leader', id.toString(16)]);
    await delay(300);
  }
}

/** A small generator of numbers in [0, 1) that a seed reproduces. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
