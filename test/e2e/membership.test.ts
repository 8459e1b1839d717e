/** The membership of a running cluster, with real processes: joined, promoted, removed, replaced, cut down to one. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { idToHex } from '../../server/membership/mod.ts';
import type { Member } from '../../server/proto/gen/rpc.ts';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
let client: EtcdClient;
afterEach(async () => {
  client?.close();
  await cluster?.close();
});

/** A snapshot every 100 entries, and hardly any entry kept behind it: who was away needs the database. */
const shortLog = ['--snapshot-count=100', '--experimental-snapshot-catchup-entries=10'];

async function start(flags: string[] = []): Promise<void> {
  cluster = await TestCluster.start(await ensureBuilt(), { flags });
  client = cluster.client();
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

const nameOf = (index: number): string => cluster.member(index).name;
/** What a member says reaches its file a moment later. */
async function expectLogged(index: number, text: string | RegExp): Promise<void> {
  const log = () => readFileSync(cluster.member(index).logFile, 'utf8');
  await expect.poll(log, { timeout: 10_000 }).toMatch(text);
}

async function listed(): Promise<Map<string, Member>> {
  const { members } = await client.memberList({ linearizable: true });
  return new Map(members.map((member) => [member.name, member]));
}

async function idOf(index: number): Promise<bigint> {
  return (await listed()).get(nameOf(index))?.ID as bigint;
}

/** Adds a member to the cluster, starts it with an empty directory, and waits until it takes part. */
async function join(index: number, isLearner = false): Promise<bigint> {
  const { name, peerUrl } = cluster.member(index);
  const { member, members } = await whenAllowed(() => client.memberAdd({ peerURLs: [peerUrl], isLearner }));
  const initial = members.flatMap((each) => each.peerURLs.map((url) => `${each.name || name}=${url}`)).join();
  cluster.launch(index, [`--initial-cluster=${initial}`, '--initial-cluster-state=existing']);
  await expect.poll(async () => (await listed()).has(name), { timeout: 30_000 }).toBe(true);
  return member?.ID as bigint;
}

/** @param through which member is asked; any of those that are connected unless given */
async function remove(index: number, through?: number): Promise<void> {
  const ID = await idOf(index);
  const options = through === undefined ? {} : { endpoint: cluster.member(through).clientUrl };
  await whenAllowed(() => client.memberRemove({ ID }, options));
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

async function write(count: number, value = 'v'): Promise<void> {
  for (let i = 0; i < count; i++) {
    await put(client, `k${i % 50}`, `${value}${i}`);
  }
}

/** HashKV of each of these members' own stores, once all stand at the same revision. */
async function expectEqualData(indexes: number[]): Promise<void> {
  const key = Buffer.from('x');
  const endpoints = indexes.map((index) => cluster.member(index).clientUrl);
  const those = cluster.client(endpoints);
  try {
    const revision = (await those.range({ key })).header?.revision ?? 0;
    const hashes = await Promise.all(
      endpoints.map(async (endpoint) => {
        await those.range({ key }, { endpoint });
        return (await those.hashKv({ revision }, { endpoint })).hash;
      }),
    );
    expect(new Set(hashes).size).toBe(1);
  } finally {
    those.close();
  }
}

describe('a member that joins', () => {
  test('as a learner follows, serves what a learner may, and votes once it is promoted', async () => {
    await start();
    await write(100);
    const learner = await cluster.addMember();
    const id = await join(learner, true);
    const endpoint = cluster.member(learner).clientUrl;
    const key = Buffer.from('k1');
    const own = cluster.client([endpoint]);
    try {
      expect(await own.status()).toMatchObject({ isLearner: true });
      await expect.poll(async () => (await own.range({ key, serializable: true })).count).toBe(1);
      for (const refused of [
        () => own.range({ key }),
        () => own.put({ key }),
        () => own.memberList({}),
        () => own.memberAdd({ peerURLs: ['http://127.0.0.1:1'] }),
      ]) {
        await expect(refused()).rejects.toThrow('etcdserver: rpc not supported for learner');
      }
      const answers = await Promise.all(['/health', '/livez', '/readyz'].map((probe) => fetch(`${endpoint}${probe}`)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 503]);

      // Through a follower, which has to ask the leader.
      const { leader } = await client.status();
      const follower = [...(await listed()).values()].find(({ ID }) => ID !== leader && ID !== id) as Member;
      const promote = () => client.memberPromote({ ID: id }, { endpoint: follower.clientURLs[0] as string });
      expect((await whenAllowed(promote)).members.map(({ isLearner }) => isLearner)).toEqual(Array(4).fill(false));
      await expect(promote()).rejects.toThrow(/can only promote a learner member/);
      await own.put({ key, value: Buffer.from('from the new voter') });
      await expectEqualData([0, 1, 2, learner]);
    } finally {
      own.close();
    }
  });

  test('is refused when the others do not know it, or when it names other members than they do', async () => {
    await start();
    const stranger = await cluster.addMember();
    cluster.launch(stranger, ['--initial-cluster-state=existing']);
    expect(await cluster.waitEnded(stranger)).toEqual({ code: 1, signal: null });
    await expectLogged(stranger, 'error validating peerURLs');
  });
});

describe('a member that is removed', () => {
  test('stops by itself and says why; started again, it says so again and stays down', async () => {
    await start();
    const { leader } = await client.status();
    const ids = await Promise.all([0, 1, 2].map(idOf));
    // The leader is the hardest to remove: it must see its own removal through and leave the lead to another.
    const victim = ids.indexOf(leader);
    await remove(victim);
    expect(await cluster.waitEnded(victim)).toEqual({ code: 0, signal: null });
    await expectLogged(victim, 'the member has been permanently removed from the cluster');
    await write(10);

    cluster.launch(victim);
    expect(await cluster.waitEnded(victim)).toEqual({ code: 0, signal: null });
    await expectLogged(victim, /permanently removed from the cluster[\s\S]*permanently removed from the cluster/);
    await expectEqualData([0, 1, 2].filter((index) => index !== victim));
  });

  test('while it was down learns of it from the others', async () => {
    await start();
    await cluster.signal(2, 'SIGKILL');
    await remove(2);
    cluster.launch(2);
    expect(await cluster.waitEnded(2)).toEqual({ code: 0, signal: null });
    await expectLogged(2, 'the member has been permanently removed from the cluster');
    expect([...(await listed()).keys()].sort()).toEqual(['m1', 'm2']);
  });
});

describe('a member that is behind the log', () => {
  test('comes back by a database snapshot, and goes on from there', async () => {
    await start(shortLog);
    await write(50);
    await cluster.signal(1, 'SIGKILL');
    await write(400, 'while away ');
    cluster.launch(1);
    await cluster.waitHealthy();
    await expectLogged(1, 'received and saved database snapshot');
    await expectEqualData([0, 1, 2]);

    // After a restart, from the snapshot that it was sent.
    await cluster.signal(1, 'SIGKILL');
    await write(20);
    cluster.launch(1);
    await cluster.waitHealthy();
    await write(1000);
    await expectEqualData([0, 1, 2]);
  });

  test('because its disk was lost may not start as if it were new, and is replaced', async () => {
    await start(shortLog);
    await write(300);
    await cluster.signal(0, 'SIGKILL');
    await rm(cluster.member(0).dataDir, { recursive: true });
    cluster.launch(0);
    expect(await cluster.waitEnded(0)).toEqual({ code: 1, signal: null });
    await expectLogged(0, /member [0-9a-f]+ has already been bootstrapped/);

    const lost = await idOf(0);
    await remove(0);
    await rm(cluster.member(0).dataDir, { recursive: true, force: true });
    const replacement = await join(0);
    expect(idToHex(replacement)).not.toBe(idToHex(lost));
    await expectLogged(0, 'received and saved database snapshot');
    await write(10);
    await expectEqualData([0, 1, 2]);
  });
});

test('all members are replaced one by one under load, and no acknowledged write is lost', async () => {
  await start(shortLog);
  const replacements = [await cluster.addMember(), await cluster.addMember(), await cluster.addMember()];
  client.close();
  client = cluster.client();
  const writer = new RecordedWriter(client);
  try {
    for (const [old, replacement] of replacements.entries()) {
      const ID = await join(replacement, true);
      // A learner refuses to promote anybody, and one that is removed may be gone before it has answered.
      const endpoint = cluster.member(old).clientUrl;
      await whenAllowed(() => client.memberPromote({ ID }, { endpoint }));
      await writer.moreAcknowledged(100);
      await remove(old, replacement);
      expect(await cluster.waitEnded(old)).toEqual({ code: 0, signal: null });
      await writer.moreAcknowledged(100);
    }
    await writer.stop();
    expect([...(await listed()).keys()].sort()).toEqual(['m4', 'm5', 'm6']);
    expect(await writer.lostWrites(client)).toEqual([]);
    await expectEqualData(replacements);
  } finally {
    await writer.stop();
  }
});

test('leadership moves to the member that is named, and back', async () => {
  await start();
  const ids = await Promise.all([0, 1, 2].map(idOf));
  for (const targetID of [...ids, ids[0] as bigint]) {
    const { leader } = await client.status();
    const endpoint = cluster.member(ids.indexOf(leader)).clientUrl;
    expect(await client.moveLeader({ targetID }, { endpoint })).toEqual({ header: undefined });
    const statuses = await Promise.all(cluster.endpoints.map((each) => client.status({}, { endpoint: each })));
    await expect.poll(() => statuses.every((status) => status.leader === targetID) || client.status()).toBeTruthy();
    expect((await client.status({}, { endpoint })).leader).toBe(targetID);
  }
  const leader = cluster.member(0).clientUrl;
  await expect(client.moveLeader({ targetID: 1n }, { endpoint: leader })).rejects.toThrow('bad leader transferee');
  const follower = cluster.member(1).clientUrl;
  await expect(client.moveLeader({ targetID: 1n }, { endpoint: follower })).rejects.toThrow('etcdserver: not leader');
});

test('a single member that is left goes on alone with --force-new-cluster, and the cluster can grow again', async () => {
  await start(shortLog);
  await write(250);
  const removedIds = (await Promise.all([0, 1].map(idOf))).map(idToHex);
  await cluster.killAll();
  client.close();
  cluster.launch(2, ['--force-new-cluster']);
  await cluster.waitHealthy();
  client = cluster.client([cluster.member(2).clientUrl]);
  expect([...(await listed()).keys()]).toEqual(['m3']);
  expect((await client.range({ key: Buffer.from('k'), range_end: Buffer.from('l') })).count).toBe(50);
  await write(10, 'alone ');

  // Without the flag it stays what it has become.
  await cluster.signal(2, 'SIGTERM');
  cluster.launch(2);
  await cluster.waitHealthy();
  const newcomer = await cluster.addMember();
  await join(newcomer);
  await expectEqualData([2, newcomer]);

  // The old ones are not let back in.
  cluster.launch(0);
  expect(await cluster.waitEnded(0)).toEqual({ code: 0, signal: null });
  await expectLogged(0, 'the member has been permanently removed from the cluster');
  expect((await listed()).size).toBe(2);
  expect(removedIds).toHaveLength(2);
});
