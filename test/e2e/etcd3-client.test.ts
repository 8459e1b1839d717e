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

let names = 0;
/** A name of its own for each try of a test: what a failed one has left behind is in nobody's way. */
const fresh = (name: string): string => `${name}${names++}`;

/**
 * Repeats what may be repeated until it works. A proposal that is lost as leadership moves is not answered for more than 7
 * seconds, and if it was to end a lease, that must come to its end by itself.
 */
async function persist<T>(act: () => PromiseLike<T>): Promise<T> {
  const deadlineMs = performance.now() + 60_000;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await delay(100);
    }
  }
}

/** Each new leader gives all leases their whole time again: after so many moves, those that nobody ends may end. */
const mostMoves = 20;

/** Moves leadership again and again until `work` is done, or it has moved often. @returns how often it has moved */
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
    } while (!isDone && moves < mostMoves);
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
  const prefix = `${fresh('watch')}/`;
  const watched: string[] = [];
  const watcher = await connect().watch().prefix(prefix).create();
  watcher.on('put', ({ value }) => watched.push(value.toString()));
  const writer = connect();
  const values = Array.from({ length: 60 }, (_, i) => String(i));
  const writes = (async () => {
    for (const value of values) {
      // Written by comparison, so that a repeated call does not write twice.
      await persist(() =>
        writer
          .if(`${prefix}${value}`, 'Create', '==', 0)
          .then(writer.put(`${prefix}${value}`).value(value))
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
  const name = fresh('lock');
  let inside = 0;
  let mostInside = 0;
  let entered = 0;
  const worker = async (): Promise<void> => {
    const client = connect();
    for (let i = 0; i < 5; i++) {
      await persist(() =>
        client
          .lock(name)
          .ttl(20)
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
  const name = fresh('who');
  const [first, second] = [connect().election(name, 30), connect().election(name, 30)];
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
