/** What protects a member's data: the quota, the comparison with the other members, and compaction that runs by itself. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { AlarmType, DeleteRangeRequest, PutRequest, type RequestOp } from '../../server/proto/gen/rpc.ts';
import { changeValue } from '../support/damage.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';

const quotaBytes = 2_000_000;
const fillValue = Buffer.alloc(50_000, 'x');
const pollTimeout = { timeout: 30_000, interval: 100 };

let cluster: TestCluster;
let client: EtcdClient;

afterEach(async () => {
  client?.close();
  await cluster?.close();
});

async function start(flags: string[], members = 3): Promise<void> {
  cluster = await TestCluster.start(await ensureBuilt(), { members, flags: ['--unsafe-no-fsync', ...flags] });
  client = cluster.client();
}

const bytes = (text: string): Buffer => Buffer.from(text);
const putOp = (key: string): RequestOp => ({ request_put: PutRequest.create({ key: bytes(key) }) });
const deleteOp = (key: string): RequestOp => ({ request_delete_range: DeleteRangeRequest.create({ key: bytes(key) }) });
const put = (key: string, value: string | Buffer, endpoint?: string) =>
  client.put({ key: bytes(key), value: Buffer.from(value) }, endpoint === undefined ? {} : { endpoint });

/** Puts until the cluster refuses. @returns how many puts it has taken */
async function fill(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    try {
      await put(`fill/${i}`, fillValue);
    } catch (error) {
      expect(error).toMatchObject({ code: 8, message: 'etcdserver: mvcc: database space exceeded' });
      return i;
    }
  }
  throw new Error('100 puts did not reach the quota');
}

async function health(index: number, at = '/health'): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${cluster.member(index).clientUrl}${at}`);
  return { status: answer.status, body: await answer.text() };
}

/** Who has raised an alarm of a type, as the cluster knows it. */
async function raisedBy(alarm: AlarmType): Promise<bigint[]> {
  return (await client.alarm({ alarm })).alarms.map(({ memberID }) => memberID);
}

async function idOf(index: number): Promise<bigint> {
  const { header } = await client.status({}, { endpoint: cluster.member(index).clientUrl });
  return header?.member_id as bigint;
}

async function hashes(): Promise<Set<number>> {
  const found = new Set<number>();
  for (const endpoint of cluster.endpoints) {
    await client.range({ key: bytes('x') }, { endpoint });
    found.add((await client.hashKv({}, { endpoint })).hash);
  }
  return found;
}

async function restartWithChangedValue(index: number, key: string, extraFlags: string[] = []): Promise<void> {
  await cluster.signal(index, 'SIGTERM');
  await changeValue(cluster.member(index).dataDir, key);
  cluster.launch(index, extraFlags);
}

describe('a database that has reached its quota', () => {
  test('refuses puts on every member, reads and deletes on, and takes puts again when room was made', async () => {
    await start([`--quota-backend-bytes=${quotaBytes}`]);
    const filled = await fill();
    expect(filled).toBeGreaterThan(20);
    await expect.poll(() => raisedBy(AlarmType.NOSPACE), pollTimeout).not.toEqual([]);

    for (const endpoint of cluster.endpoints) {
      await expect(put('more', 'x', endpoint)).rejects.toThrow('database space exceeded');
      expect((await client.range({ key: bytes('fill/0') }, { endpoint })).count).toBe(1);
      const { errors } = await client.status({}, { endpoint });
      expect(errors[0]).toMatch(/^memberID:\d+ alarm:NOSPACE $/);
    }
    await expect(client.txn({ success: [putOp('t')] })).rejects.toThrow('database space exceeded');
    expect((await client.txn({ success: [deleteOp('fill/1')] })).succeeded).toBe(true);
    expect((await client.deleteRange({ key: bytes('fill/2'), range_end: bytes('fill/9999') })).deleted).toBeGreaterThan(
      10,
    );

    expect(await health(0)).toEqual({ status: 503, body: '{"health":"false","reason":"ALARM NOSPACE"}' });
    expect((await health(0, '/health?exclude=NOSPACE')).status).toBe(200);
    expect((await health(0, '/readyz')).status).toBe(200);

    // Clearing the alarm alone makes no room: the next put raises it again, where there was no room for it before. The
    // files of members that commit at other moments differ in size.
    const [raiser] = await raisedBy(AlarmType.NOSPACE);
    const ids = await Promise.all(cluster.members.keys().map(idOf));
    const full = cluster.member(ids.indexOf(raiser as bigint)).clientUrl;
    const { etcdctl } = cluster.executables;
    expect((await cluster.etcdctl(etcdctl, ['alarm', 'disarm'])).stdout).toMatch(/^(memberID:\d+ alarm:NOSPACE \n)+$/);
    expect(await raisedBy(AlarmType.NOSPACE)).toEqual([]);
    await expect(put('more', fillValue, full)).rejects.toThrow('database space exceeded');
    await expect.poll(() => raisedBy(AlarmType.NOSPACE), pollTimeout).not.toEqual([]);

    const revision = (await client.range({ key: bytes('x') })).header?.revision as number;
    await client.compact({ revision, physical: true });
    const sizes = () => Promise.all(cluster.endpoints.map((endpoint) => client.status({}, { endpoint })));
    // The call waits for the member that it went to; the others delete at their own pace.
    const inUse = async () => Math.max(...(await sizes()).map(({ dbSizeInUse }) => dbSizeInUse));
    await expect.poll(inUse, pollTimeout).toBeLessThan(quotaBytes / 2);
    const before = await sizes();
    const defrag = await cluster.etcdctl(etcdctl, ['defrag', '--cluster'], {
      endpoints: [cluster.member(1).clientUrl],
    });
    expect(defrag.stdout.trimEnd().split('\n').sort()).toEqual(
      cluster.endpoints.map((endpoint) => `Finished defragmenting etcd member[${endpoint}]`).sort(),
    );
    for (const [i, { dbSize, dbSizeInUse }] of (await sizes()).entries()) {
      expect(dbSize).toBeLessThan(quotaBytes / 2);
      expect(dbSize).toBeLessThan(before[i]?.dbSize as number);
      expect(dbSizeInUse).toBeLessThanOrEqual(dbSize);
    }
    await cluster.etcdctl(etcdctl, ['alarm', 'disarm']);
    for (const endpoint of cluster.endpoints) await put('more', 'x', endpoint);
    expect((await health(0)).status).toBe(200);
    expect((await hashes()).size).toBe(1);
  });

  test('stays so when the members are restarted', async () => {
    await start([`--quota-backend-bytes=${quotaBytes}`]);
    await fill();
    await expect.poll(() => raisedBy(AlarmType.NOSPACE), pollTimeout).not.toEqual([]);
    await cluster.killAll();
    await cluster.startAll();
    expect(await raisedBy(AlarmType.NOSPACE)).not.toEqual([]);
    expect((await health(1)).body).toContain('ALARM NOSPACE');
  });

  test('has no bound with a negative quota', async () => {
    await start(['--quota-backend-bytes=-1'], 1);
    await put('big', Buffer.alloc(1_000_000));
    await put('big', Buffer.alloc(1_000_000));
    expect(await raisedBy(AlarmType.NOSPACE)).toEqual([]);
  });
});

test('a database that would shrink enough is defragmented before the member serves', async () => {
  await start(['--experimental-bootstrap-defrag-threshold-megabytes=1'], 1);
  for (let i = 0; i < 5; i++) await put('big', Buffer.alloc(1_000_000));
  const { header } = await client.range({ key: bytes('x') });
  await client.compact({ revision: header?.revision ?? 0, physical: true });
  expect((await client.status()).dbSize).toBeGreaterThan(5_000_000);
  await cluster.signal(0, 'SIGTERM');
  cluster.launch(0);
  await cluster.waitHealthy();
  // The file itself may have grown again by the step in which it grows.
  expect((await client.status()).dbSize).toBeLessThan(2_000_000);
  expect((await client.range({ key: bytes('big') })).count).toBe(1);
});

describe('a value that has changed on one member’s disk', () => {
  async function startWithData(flags: string[]): Promise<void> {
    await start(flags);
    for (let i = 0; i < 20; i++) await put(`key/${i}`, `value ${i}`);
    await put('later', 'x');
  }

  test('keeps the member from starting, and it says with whom it differs', async () => {
    await startWithData([]);
    const others = [await idOf(0), await idOf(2)].map((id) => id.toString(16));
    await restartWithChangedValue(1, 'key/7', ['--experimental-initial-corrupt-check']);
    expect(await cluster.waitEnded(1)).toEqual({ code: 1, signal: null });
    const log = readFileSync(cluster.member(1).logFile, 'utf8');
    expect(log).toContain('found data inconsistency with peers');
    for (const id of others) expect(log).toMatch(new RegExp(`"level":"error".*"remote-peer-id":"${id}"`));
    expect(await raisedBy(AlarmType.CORRUPT)).toEqual([]);
  });

  test('does not keep healthy members from starting, all at the same time too', async () => {
    await startWithData(['--experimental-initial-corrupt-check']);
    await cluster.stopAll();
    await cluster.startAll();
    expect(readFileSync(cluster.member(0).logFile, 'utf8')).toContain('initial corruption checking passed');
  });

  test('is found by the periodic check, which names the member; then nothing is written any more', async () => {
    await startWithData(['--experimental-corrupt-check-time=500ms']);
    const id = await idOf(2);
    await restartWithChangedValue(2, 'key/7');
    await expect.poll(() => raisedBy(AlarmType.CORRUPT), pollTimeout).toEqual([id]);

    const corrupt = { code: 15, message: 'etcdserver: corrupt cluster' };
    await expect(put('k', 'v')).rejects.toMatchObject(corrupt);
    await expect(client.deleteRange({ key: bytes('key/1') })).rejects.toMatchObject(corrupt);
    await expect(client.compact({ revision: 5 })).rejects.toMatchObject(corrupt);
    await expect(client.txn({ success: [putOp('k')] })).rejects.toMatchObject(corrupt);
    for (const endpoint of cluster.endpoints) {
      expect((await client.range({ key: bytes('key/1') }, { endpoint })).count).toBe(1);
      expect((await client.status({}, { endpoint })).errors).toEqual([`memberID:${id} alarm:CORRUPT `]);
    }
    expect(await health(0)).toEqual({ status: 503, body: '{"health":"false","reason":"ALARM CORRUPT"}' });
    expect((await health(0, '/readyz')).status).toBe(503);
    expect((await health(0, '/livez')).status).toBe(200);
  });

  test('is found by the comparison of compactions, on the leader itself, too', async () => {
    await startWithData(['--experimental-compact-hash-check-enabled', '--experimental-compact-hash-check-time=500ms']);
    const id = await idOf(1);
    await restartWithChangedValue(1, 'key/7');
    await cluster.waitHealthy();
    const { leader } = await client.status();
    if (leader !== id) {
      const endpoint = await endpointOf(leader);
      await client.moveLeader({ targetID: id }, { endpoint });
    }
    expect(await raisedBy(AlarmType.CORRUPT)).toEqual([]);
    await client.compact({ revision: 15, physical: true });
    await expect.poll(() => raisedBy(AlarmType.CORRUPT), pollTimeout).toEqual([id]);
  });

  async function endpointOf(id: bigint): Promise<string> {
    for (const index of cluster.members.keys()) if ((await idOf(index)) === id) return cluster.member(index).clientUrl;
    throw new Error(`no member has id ${id.toString(16)}`);
  }
});

test('healthy members are never found to differ, while they are written to, compacted and killed', async () => {
  await start([
    '--experimental-corrupt-check-time=200ms',
    '--experimental-compact-hash-check-enabled',
    '--experimental-compact-hash-check-time=300ms',
    '--experimental-initial-corrupt-check',
  ]);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 300; i++) await put(`key/${i % 50}`, `value ${round} ${i}`);
    await client.deleteRange({ key: bytes('key/1'), range_end: bytes('key/2') });
    const { header } = await client.range({ key: bytes('x') });
    await client.compact({ revision: (header?.revision ?? 0) - 10 });
    await cluster.signal(round, 'SIGKILL');
    await cluster.waitHealthy();
    await put('without', 'one');
    cluster.launch(round);
    await cluster.waitHealthy();
  }
  // A member that was killed may have no hash of the last compaction: there are more, with all members there.
  const isChecked = async (): Promise<boolean> => {
    await put('more', 'x');
    const { header } = await client.range({ key: bytes('x') });
    await client.compact({ revision: header?.revision ?? 0 });
    return cluster.members.some(({ logFile }) => readFileSync(logFile, 'utf8').includes('successfully checked hash'));
  };
  await expect.poll(isChecked, { ...pollTimeout, interval: 1000 }).toBe(true);
  expect(await raisedBy(AlarmType.CORRUPT)).toEqual([]);
});

test('history is compacted by itself', async () => {
  await start(['--auto-compaction-mode=periodic', '--auto-compaction-retention=1s']);
  for (let i = 0; i < 10; i++) await put('k', `value ${i}`);
  await expect
    .poll(() => client.range({ key: bytes('k'), revision: 5 }).catch((error: Error) => error.message), pollTimeout)
    .toBe('etcdserver: mvcc: required revision has been compacted');
  expect((await client.range({ key: bytes('k') })).count).toBe(1);
});

describe('a data directory that is in use', () => {
  test('is refused to a second member, which says by whom, and to etcdutl', async () => {
    await start([], 1);
    const { dataDir, process: owner } = cluster.member(0);
    const second = await TestCluster.create(cluster.executables, { members: 1 });
    try {
      second.member(0).dataDir = dataDir;
      second.launch(0);
      expect(await second.waitEnded(0)).toEqual({ code: 1, signal: null });
      const refusal = `data directory ${dataDir} is in use by process ${owner?.pid} (etcd)`;
      expect(second.logTail(second.member(0))).toContain(refusal);

      const { etcdutl } = cluster.executables;
      const defrag = await runCommand(etcdutl, ['defrag', '--data-dir', dataDir]);
      expect(defrag).toMatchObject({ exitCode: 1, stdout: '' });
      expect(defrag.stderr).toContain(refusal);
      await put('still', 'served');
    } finally {
      await second.close();
    }
  });

  test('is free at once after the member was killed', async () => {
    await start([], 1);
    await put('k', 'v');
    await cluster.killAll();
    const { dataDir } = cluster.member(0);
    const defrag = await runCommand(cluster.executables.etcdutl, ['defrag', `--data-dir=${dataDir}`]);
    expect(defrag).toMatchObject({ exitCode: 0, stdout: '' });
    await cluster.startAll();
    expect((await client.range({ key: bytes('k') })).count).toBe(1);
  });

  test('keeps upstream’s lock on the database when a defragmentation or a snapshot has replaced the file', async () => {
    await start(['--snapshot-count=50', '--experimental-snapshot-catchup-entries=5']);
    const { dataDir, clientUrl } = cluster.member(2);
    const file = path.join(dataDir, 'member/snap/db');
    const isLocked = () => spawnSync('flock', ['-x', '-n', file, 'true']).status === 1;
    const inode = () => statSync(file).ino;
    expect(isLocked()).toBe(true);

    const first = inode();
    await client.defragment({}, { endpoint: clientUrl });
    expect([inode() === first, isLocked()]).toEqual([false, true]);

    const second = inode();
    await cluster.signal(2, 'SIGKILL');
    await cluster.waitHealthy();
    for (let i = 0; i < 300; i++) await put(`key/${i}`, 'value', cluster.member(i % 2).clientUrl);
    cluster.launch(2);
    await cluster.waitHealthy();
    await expect.poll(inode, pollTimeout).not.toBe(second);
    expect(isLocked()).toBe(true);
    expect((await hashes()).size).toBe(1);
  });

  test('that does not exist is not made by etcdutl defrag', async () => {
    const { etcdutl } = await ensureBuilt();
    const dataDir = '/nonexistent/etcd';
    const { exitCode, stderr } = await runCommand(etcdutl, ['defrag', '--data-dir', dataDir]);
    expect([exitCode, stderr]).toEqual([1, `Error: stat ${dataDir}/member/snap/db: no such file or directory\n`]);
    expect(existsSync(dataDir)).toBe(false);
  });
});
