/** The npm client `etcd3` and its recipes against our server, while leadership moves. */
import { setTimeout as delay } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { moveLeader } from '../support/leader-moves.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
const clients: Etcd3[] = [];

beforeAll(async () => {
  cluster = await TestCluster.start(await ensureBuilt(), { flags: ['--unsafe-no-fsync'] });
});
afterAll(() => cluster?.close());
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** A client of all members. */
function connect(): Etcd3 {
  const client = new Etcd3({ hosts: cluster.endpoints, defaultCallOptions: () => ({ deadline: Date.now() + 20_000 }) });
  clients.push(client);
  return client;
}

/** Repeats what may be repeated until it works. */
async function persist<T>(act: () => PromiseLike<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt === 20) throw error;
      await delay(100);
    }
  }
}

/** Moves leadership again and again until `work` is done. @returns how often it has moved */
async function whileLeadersMove(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  let moves = 0;
  const moving = (async () => {
    do {
      await moveLeader(cluster);
      moves++;
      await Promise.race([done, delay(300)]);
    } while (!isDone);
  })();
  await Promise.all([done, moving]);
  return moves;
}

test('keys, ranges, transactions and leases', async () => {
  const client = connect();
  await client.put('kv/a').value('1');
  await client.put('kv/b').value('2');
  expect(await client.get('kv/a').string()).toBe('1');
  expect(await client.getAll().prefix('kv/').strings()).toEqual({ 'kv/a': '1', 'kv/b': '2' });
  const swapped = await client.if('kv/a', 'Value', '==', '1').then(client.put('kv/a').value('3')).commit();
  expect(swapped.succeeded).toBe(true);
  expect(await client.get('kv/a').number()).toBe(3);
  const lease = client.lease(100);
  await lease.put('kv/leased').value('x');
  await lease.revoke();
  expect(await client.get('kv/leased').string()).toBeNull();
  await client.delete().prefix('kv/');
  expect(await client.getAll().prefix('kv/').keys()).toEqual([]);
});

test('a watch sees every change once and in order, whoever leads', async () => {
  const watched: string[] = [];
  const watcher = await connect().watch().prefix('watch/').create();
  watcher.on('put', ({ value }) => watched.push(value.toString()));
  const writer = connect();
  const values = Array.from({ length: 60 }, (_, i) => String(i));
  const writes = (async () => {
    for (const value of values) {
      // Written by comparison, so that a repeated call does not write twice.
      await persist(() =>
        writer
          .if(`watch/${value}`, 'Create', '==', 0)
          .then(writer.put(`watch/${value}`).value(value))
          .commit(),
      );
      await delay(20);
    }
  })();
  expect(await whileLeadersMove(writes)).toBeGreaterThan(1);
  await expect.poll(() => watched.length, { timeout: 20_000 }).toBe(values.length);
  expect(watched).toEqual(values);
  await watcher.cancel();
});

test('a lease that is kept alive outlives changes of the leader', async () => {
  const lease = connect().lease(3);
  const lost: Error[] = [];
  lease.on('lost', (error) => lost.push(error));
  await lease.put('lease/key').value('here');
  await whileLeadersMove(delay(6000));
  expect(lost).toEqual([]);
  expect(await connect().get('lease/key').string()).toBe('here');
  await lease.revoke();
  expect(await connect().get('lease/key').string()).toBeNull();
});

test('a lock lets one in at a time, whoever leads', async () => {
  let inside = 0;
  let mostInside = 0;
  let entered = 0;
  const worker = async (): Promise<void> => {
    const client = connect();
    for (let i = 0; i < 5; i++) {
      await persist(() =>
        client
          .lock('lock')
          .ttl(30)
          .do(async () => {
            mostInside = Math.max(mostInside, ++inside);
            entered++;
            await delay(10);
            inside--;
          }),
      );
    }
  };
  await whileLeadersMove(Promise.all([worker(), worker(), worker()]));
  expect(mostInside).toBe(1);
  expect(entered).toBeGreaterThanOrEqual(15);
});

test('an election has one winner after the other', async () => {
  const [first, second] = [connect().election('who', 30), connect().election('who', 30)];
  const one = first.campaign('one');
  await new Promise((resolve, reject) => one.once('elected', resolve).once('error', reject));
  const other = second.campaign('other');
  const isElected = new Promise((resolve, reject) => other.once('elected', resolve).once('error', reject));
  expect(await second.leader()).toBe('one');
  await moveLeader(cluster);
  await persist(() => one.resign());
  await isElected;
  expect(await persist(() => first.leader())).toBe('other');
  await other.resign();
});

test('software transactional memory loses no update, whoever leads', async () => {
  await connect().put('stm').value(0);
  let done = 0;
  let unknown = 0;
  const worker = async (): Promise<void> => {
    const client = connect();
    for (let i = 0; i < 10; i++) {
      try {
        await client.stm({ retries: 100 }).transact(async (tx) => {
          const value = (await tx.get('stm').number()) ?? 0;
          await tx.put('stm').value(value + 1);
        });
        done++;
      } catch {
        // It may have been done or not.
        unknown++;
      }
    }
  };
  await whileLeadersMove(Promise.all([worker(), worker(), worker()]));
  const value = (await connect().get('stm').number()) ?? 0;
  expect(value).toBeGreaterThanOrEqual(done);
  expect(value).toBeLessThanOrEqual(done + unknown);
  expect(done).toBeGreaterThan(0);
});
