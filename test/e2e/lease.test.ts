import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
const clients: EtcdClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await cluster?.close();
});

function clientOf(...indexes: number[]): EtcdClient {
  const client = cluster.client(indexes.map((index) => cluster.member(index).clientUrl));
  clients.push(client);
  return client;
}

const key = Buffer.from('leased');

async function leaderIndex(client: EtcdClient): Promise<number> {
  const { header, leader } = await client.status({});
  const { members } = await client.memberList();
  const name = members.find(({ ID }) => ID === (leader === 0n ? header?.member_id : leader))?.name;
  return cluster.members.findIndex((member) => member.name === name);
}

const isThere = async (client: EtcdClient): Promise<boolean> => (await client.range({ key })).count === 1;
const hashOf = async (client: EtcdClient): Promise<number> => {
  await client.range({ key });
  return (await client.hashKv({})).hash;
};

/** Renews lease 1, again and again while there is no leader to ask. @returns its time to live */
async function renew(client: EtcdClient): Promise<number> {
  const deadline = Date.now() + 8000;
  for (;;) {
    try {
      return (await client.leaseKeepAliveOnce(1n, { timeoutMs: 2000 })).TTL;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

describe('a lease', () => {
  test('that nobody renews ends on every member, with its keys; one that is renewed stays', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const each = [0, 1, 2].map((index) => clientOf(index));
    const [client] = each as [EtcdClient];
    await client.leaseGrant({ ID: 1n, TTL: 2 });
    await client.leaseGrant({ ID: 2n, TTL: 3 });
    await client.put({ key, lease: 1n });
    await client.put({ key: Buffer.from('renewed'), lease: 2n });

    const stop = new AbortController();
    const renewals = (async () => {
      for await (const { TTL } of clientOf(2).leaseKeepAlive(2n, { signal: stop.signal })) expect(TTL).toBe(3);
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    for (const one of each) await expect.poll(() => isThere(one), { timeout: 15_000 }).toBe(false);
    await delay(3500);
    for (const one of each) {
      expect((await one.leases()).leases).toEqual([{ ID: 2n }]);
      expect(await one.leaseTimeToLive({ ID: 2n, keys: true })).toMatchObject({
        ...{ grantedTTL: 3, keys: [Buffer.from('renewed')] },
      });
    }
    stop.abort();
    await renewals;
    expect(new Set(await Promise.all(each.map(hashOf))).size).toBe(1);
  });

  test('lives on with a new leader, which gives it its full time again, and can be renewed there', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const leader = await leaderIndex(clientOf(0));
    const others = clientOf(...[0, 1, 2].filter((index) => index !== leader));
    await others.leaseGrant({ ID: 1n, TTL: 20 });
    await others.put({ key, lease: 1n });
    await delay(2000);
    expect((await others.leaseTimeToLive({ ID: 1n })).TTL).toBeLessThan(19);
    await cluster.signal(leader, 'SIGKILL');
    await expect
      .poll(async () => (await others.leaseTimeToLive({ ID: 1n })).TTL, { timeout: 15_000 })
      .toBeGreaterThan(18);
    expect((await others.leaseKeepAliveOnce(1n)).TTL).toBe(20);
    expect(await isThere(others)).toBe(true);
  });

  test('and its keys survive the restart of all members, and it still ends', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const client = clientOf(0, 1, 2);
    await client.leaseGrant({ ID: -7n, TTL: 6 });
    await client.leaseGrant({ ID: 9n, TTL: 5000 });
    await client.put({ key, lease: -7n });
    await cluster.killAll();
    await cluster.startAll();
    expect(await client.leaseTimeToLive({ ID: -7n, keys: true })).toMatchObject({ grantedTTL: 6, keys: [key] });
    await expect.poll(() => isThere(client), { timeout: 20_000 }).toBe(false);
    expect((await client.leases()).leases).toEqual([{ ID: 9n }]);
  });

  test('that was renewed with the new leader is not ended by one that has slept', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const leader = await leaderIndex(clientOf(0));
    const others = clientOf(...[0, 1, 2].filter((index) => index !== leader));
    await others.leaseGrant({ ID: 1n, TTL: 5 });
    await others.put({ key, lease: 1n });
    cluster.member(leader).process?.kill('SIGSTOP');
    for (let round = 0; round < 8; round++) {
      await delay(1000);
      expect(await renew(others)).toBe(5);
    }
    cluster.member(leader).process?.kill('SIGCONT');
    for (let round = 0; round < 4; round++) {
      await delay(1000);
      expect(await renew(others)).toBe(5);
    }
    expect(await isThere(others)).toBe(true);
    expect(await isThere(clientOf(leader))).toBe(true);
  });

  test('is known to a member that has to be sent the whole database', async () => {
    const flags = ['--snapshot-count=50', '--experimental-snapshot-catchup-entries=5'];
    cluster = await TestCluster.start(await ensureBuilt(), { flags });
    const leader = await leaderIndex(clientOf(0));
    const away = (leader + 1) % 3;
    await cluster.signal(away, 'SIGKILL');
    const others = clientOf(leader, (leader + 2) % 3);
    await others.leaseGrant({ ID: 1n, TTL: 5000 });
    await others.put({ key, lease: 1n });
    for (let i = 0; i < 300; i++) await others.put({ key: Buffer.from(`k${i}`) });
    cluster.launch(away);
    await cluster.waitHealthy();
    expect(readFileSync(cluster.member(away).logFile, 'utf8')).toContain('applied snapshot');
    const late = clientOf(away);
    expect(await late.leaseTimeToLive({ ID: 1n, keys: true })).toMatchObject({ grantedTTL: 5000, keys: [key] });
    expect((await late.leases()).leases).toEqual([{ ID: 1n }]);
    await late.leaseRevoke({ ID: 1n });
    expect(await isThere(late)).toBe(false);
    expect(await hashOf(late)).toBe(await hashOf(others));
  });
});
