/**
 * Alarms, defragmentation, locks and hash comparison beside upstream's: the same command lines by either etcdctl
 * against either server, either program at the other's data directory, and members of both kinds in one cluster.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import { changeValue } from '../support/damage.ts';
import { type CommandResult, runCommand, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const pollTimeout = { timeout: 30_000, interval: 100 };

let ours: Executables;
let upstream: Executables;
let cluster: TestCluster | undefined;

beforeAll(async () => {
  if (!haveUpstream()) return;
  upstream = upstreamExecutables();
  ours = await ensureBuilt();
});

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** What a script sees, without what differs between two clusters of the same history. */
function seen({ directory, members }: TestCluster, { exitCode, stdout, stderr }: CommandResult): unknown {
  const normalize = (text: string): string => {
    let same = text.replaceAll(directory, 'DIR');
    for (const { clientUrl } of members) same = same.replaceAll(new URL(clientUrl).host, 'CLIENT');
    return same
      .replaceAll(/("(?:cluster_id|member_id|memberID)":|memberID:|"(?:ClusterID|MemberID)" : )\d+/g, '$1ID')
      .replaceAll(/("raft_term":|"RaftTerm" : )\d+/g, '$1TERM')
      .replaceAll(/[\d.]+(?:ms|µs)/g, 'TIME');
  };
  const errors = stderr.split('\n').filter((line) => /^(?:Error|Failed|.* is unhealthy)/.test(line));
  return { exitCode, stdout: normalize(stdout), errors: normalize(errors.join('\n')) };
}

/** Fills a member up to its quota and clears that up again, by command lines only. */
async function story(server: Executables, etcdctl: string): Promise<unknown[]> {
  cluster = await TestCluster.start(server, { members: 1, flags: ['--quota-backend-bytes=250000'] });
  const here = cluster;
  const saw: unknown[] = [];
  const run = async (...args: string[]): Promise<CommandResult> => {
    const result = await here.etcdctl(etcdctl, args);
    saw.push([args.join(' ').slice(0, 60), seen(here, result)]);
    return result;
  };
  await run('alarm', 'list');
  await run('alarm', 'list', '-w', 'json');
  await run('alarm', 'disarm');
  await run('alarm', 'disarm', '-w', 'json');
  await run('put', 'fill', 'x'.repeat(120_000));
  // What a put has taken counts once it is committed, a tenth of a second later.
  await delay(500);
  await run('put', 'fill', 'x'.repeat(120_000));
  await run('put', 'k', 'v');
  for (const format of ['simple', 'json', 'fields', 'table']) await run('alarm', 'list', '-w', format);
  await run('alarm', 'list', 'more');
  await run('alarm', 'disarm', 'more');
  await run('endpoint', 'health');
  await run('get', 'fill', '--count-only', '--write-out=fields');
  await run('del', 'fill');
  const revision = JSON.parse((await here.etcdctl(etcdctl, ['get', 'x', '-w', 'json'])).stdout).header.revision;
  await here.etcdctl(etcdctl, ['compaction', String(revision), '--physical']);
  await run('defrag');
  await run('defrag', '--cluster');
  await run('defrag', '-w', 'json', 'ignored');
  const endpoints = [here.member(0).clientUrl, 'http://127.0.0.1:1'];
  saw.push(seen(here, await here.etcdctl(etcdctl, ['defrag', '--command-timeout=2s'], { endpoints })));
  await run('alarm', 'disarm', '-w', 'json');
  await run('alarm', 'list');
  await run('put', 'k', 'v');
  await run('endpoint', 'health');
  await here.close();
  return saw;
}

describe.skipIf(!haveUpstream())('alarm and defrag on the command line', () => {
  test('are the same with either etcdctl and either server', { timeout: 240_000 }, async () => {
    const expected = await story(upstream, upstream.etcdctl);
    expect.soft(await story(upstream, ours.etcdctl), 'our etcdctl, upstream’s server').toEqual(expected);
    expect.soft(await story(ours, upstream.etcdctl), 'upstream’s etcdctl, our server').toEqual(expected);
    expect.soft(await story(ours, ours.etcdctl), 'our etcdctl, our server').toEqual(expected);
  });
});

describe.skipIf(!haveUpstream())('a data directory', () => {
  /** Waits for a line in a member's log. */
  async function logged(of: TestCluster, text: string): Promise<void> {
    const { logFile } = of.member(0);
    const read = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');
    await expect.poll(read, pollTimeout).toContain(text);
  }

  async function start(server: Executables): Promise<TestCluster> {
    cluster = await TestCluster.start(server, { members: 1 });
    return cluster;
  }

  /** A member that would use another's data directory, on ports of its own. */
  async function rival(server: Executables, dataDir: string): Promise<TestCluster> {
    const other = await TestCluster.create(server, { members: 1 });
    other.member(0).dataDir = dataDir;
    other.launch(0);
    return other;
  }

  test('that our server uses, upstream’s etcdutl waits for, and gets when ours was killed', async () => {
    const here = await start(ours);
    const child = execFile(upstream.etcdutl, ['defrag', '--data-dir', here.member(0).dataDir], { timeout: 60_000 });
    const ended = once(child, 'exit');
    await expect(once(child.stderr as Readable, 'data')).resolves.toEqual([
      expect.stringContaining('waiting for etcd to close and release its lock'),
    ]);
    await here.killAll();
    expect(await ended).toEqual([0, null]);
  });

  test('that our server uses, even after a defragmentation, upstream’s etcd waits for, and gets when ours was killed', async () => {
    const here = await start(ours);
    const { dataDir } = here.member(0);
    await here.etcdctl(ours.etcdctl, ['put', 'k', 'v']);
    await here.etcdctl(ours.etcdctl, ['defrag']);
    const other = await rival(upstream, dataDir);
    try {
      await logged(other, 'db file is flocked by another process');
      await here.killAll();
      await logged(other, 'ready to serve client requests');
    } finally {
      await other.close();
    }
  });

  test('that upstream’s server uses, our etcd and etcdutl refuse, naming it', async () => {
    const here = await start(upstream);
    const { dataDir, process: owner } = here.member(0);
    const refusal = `data directory ${dataDir} is in use by process ${owner?.pid} (etcd)`;
    const other = await rival(ours, dataDir);
    try {
      expect(await other.waitEnded(0)).toMatchObject({ code: 1 });
      expect(other.logTail(other.member(0))).toContain(refusal);
      const defrag = await runCommand(ours.etcdutl, ['defrag', '--data-dir', dataDir]);
      expect(defrag).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(refusal) });
      await here.killAll();
      other.launch(0);
      await other.waitHealthy();
    } finally {
      await other.close();
    }
  });

  test('is still good for either server after the other’s etcdutl has defragmented it', async () => {
    const here = await start(ours);
    const hash = async () => (await here.etcdctl(upstream.etcdctl, ['endpoint', 'hashkv'])).stdout;
    for (let i = 0; i < 30; i++) await here.etcdctl(ours.etcdctl, ['put', `k${i}`, 'v'.repeat(5000)]);
    await here.etcdctl(ours.etcdctl, ['compaction', '20', '--physical']);
    const before = await hash();
    for (const [server, utl] of [
      [upstream, ours],
      [ours, upstream],
    ] as const) {
      await here.stopAll();
      const defrag = await runCommand(utl.etcdutl, ['defrag', '--data-dir', here.member(0).dataDir]);
      expect(defrag).toMatchObject({ exitCode: 0, stdout: '' });
      here.executables = server;
      await here.startAll();
      expect(await hash()).toBe(before);
    }
  });

  test('keeps its alarms when the servers change', async () => {
    cluster = await TestCluster.start(ours, { members: 1, flags: ['--quota-backend-bytes=300000'] });
    const there = cluster;
    const value = 'x'.repeat(50_000);
    for (let i = 0; i < 20; i++) await there.etcdctl(ours.etcdctl, ['put', 'fill', value]);
    const alarms = async () => (await there.etcdctl(upstream.etcdctl, ['alarm', 'list'])).stdout;
    const raised = await alarms();
    expect(raised).toMatch(/^memberID:\d+ alarm:NOSPACE \n$/);
    for (const server of [upstream, ours]) {
      await there.stopAll();
      there.executables = server;
      await there.startAll();
      expect(await alarms()).toBe(raised);
    }
  });
});

describe.skipIf(!haveUpstream())('in a cluster of members of both kinds', () => {
  const flags = [
    '--experimental-corrupt-check-time=500ms',
    '--experimental-compact-hash-check-enabled',
    '--experimental-compact-hash-check-time=500ms',
    '--experimental-initial-corrupt-check',
  ];

  /** Members 0 and 2 are upstream's, member 1 is ours. */
  async function startMixed(): Promise<TestCluster> {
    const mixed = await TestCluster.create(upstream, { flags });
    cluster = mixed;
    launch(mixed, 0);
    launch(mixed, 1);
    launch(mixed, 2);
    await mixed.waitHealthy();
    return mixed;
  }

  function launch(mixed: TestCluster, index: number): void {
    mixed.executables = index === 1 ? ours : upstream;
    mixed.launch(index);
  }

  async function idOf(mixed: TestCluster, index: number): Promise<bigint> {
    const client = mixed.client([mixed.member(index).clientUrl]);
    try {
      return (await client.status()).header?.member_id as bigint;
    } finally {
      client.close();
    }
  }

  /** Makes a member the leader. */
  async function lead(mixed: TestCluster, index: number): Promise<void> {
    const target = await idOf(mixed, index);
    for (const each of mixed.members.keys()) {
      const client = mixed.client([mixed.member(each).clientUrl]);
      try {
        const { header, leader } = await client.status();
        if (leader === header?.member_id && leader !== target) await client.moveLeader({ targetID: target });
      } finally {
        client.close();
      }
    }
  }

  test.each([
    ['ours', 1],
    ['upstream’s', 0],
  ])('a leader that is %s finds no difference where there is none', async (_title, leader) => {
    const mixed = await startMixed();
    await lead(mixed, leader);
    const client = mixed.client();
    try {
      for (let i = 0; i < 60; i++) await client.put({ key: Buffer.from(`k${i % 7}`), value: Buffer.from(`v${i}`) });
      await client.deleteRange({ key: Buffer.from('k3') });
      for (const revision of [10, 30, 62]) {
        await client.compact({ revision, physical: true });
        await client.put({ key: Buffer.from('k3'), value: Buffer.from('again') });
        // Long enough for each of the checks to look.
        await delay(1200);
      }
      const log = readFileSync(mixed.member(leader).logFile, 'utf8');
      expect(log).toContain('finished peer corruption check');
      expect(log).toContain('successfully checked hash');
      expect((await client.alarm({})).alarms).toEqual([]);
    } finally {
      client.close();
    }
  });

  test.each([
    ['our leader finds that a member of upstream’s has other data, and names it', 1, 2],
    // 3.5's answer to a leader's question does not carry the member's id: its leader raises the alarm of nobody.
    ['upstream’s leader finds that our member has other data, and names nobody', 0, 1],
    ['upstream’s leader finds that a member of upstream’s has other data, and names nobody', 0, 2],
  ])('%s', async (_title, leader, victim) => {
    const mixed = await startMixed();
    const client = mixed.client();
    try {
      for (let i = 0; i < 20; i++) await client.put({ key: Buffer.from(`k${i}`), value: Buffer.from('value') });
      await lead(mixed, leader);
      const memberID = leader === 1 ? await idOf(mixed, victim) : 0n;
      await mixed.signal(victim, 'SIGTERM');
      await changeValue(mixed.member(victim).dataDir, 'k5');
      mixed.executables = victim === 1 ? ours : upstream;
      mixed.launch(victim, ['--experimental-initial-corrupt-check=false']);
      const alarms = async () => (await client.alarm({})).alarms;
      await expect.poll(alarms, pollTimeout).toEqual([{ memberID, alarm: AlarmType.CORRUPT }]);
    } finally {
      client.close();
    }
  });

  test('our member that has other data does not start', async () => {
    const mixed = await startMixed();
    const client = mixed.client();
    try {
      for (let i = 0; i < 20; i++) await client.put({ key: Buffer.from(`k${i}`), value: Buffer.from('value') });
    } finally {
      client.close();
    }
    await mixed.signal(1, 'SIGTERM');
    await changeValue(mixed.member(1).dataDir, 'k5');
    launch(mixed, 1);
    expect(await mixed.waitEnded(1)).toMatchObject({ code: 1 });
    expect(mixed.logTail(mixed.member(1))).toContain('found data inconsistency with peers');
  });
});
