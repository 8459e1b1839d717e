/** What the tests of whole clusters rely on, with programs in the place of etcd that end at once. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestCluster } from '../../support/test-cluster.ts';

let directory: string;
let cluster: TestCluster | undefined;

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
});

afterEach(async () => {
  await cluster?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** One member, for which that script is run. */
async function clusterOf(script: string): Promise<TestCluster> {
  const etcd = path.join(directory, 'etcd');
  writeFileSync(etcd, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  cluster = await TestCluster.create({ etcd, etcdctl: etcd, etcdutl: etcd }, { members: 1 });
  return cluster;
}

// What a process writes at its end is read from the pipe only when the process is gone: here it comes that late for certain.
test('the log of a member that has ended is whole', async () => {
  const running = await clusterOf('(sleep 0.5; echo last words) & echo first words; exit 1');
  running.launch(0);
  expect(await running.waitEnded(0)).toEqual({ code: 1, signal: null });
  expect(running.logTail(running.member(0), 2)).toBe('first words\nlast words');
});

test('the log of a member that was killed is whole', async () => {
  const running = await clusterOf('(sleep 0.5; echo last words) & echo first words; exec sleep 60');
  running.launch(0);
  await expect
    .poll(() => readFileSync(running.member(0).logFile, 'utf8'), { timeout: 30_000 })
    .toContain('first words');
  expect(await running.signal(0, 'SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  expect(running.logTail(running.member(0), 2)).toBe('first words\nlast words');
});

test('what the present process has said is told from what earlier ones have', async () => {
  const running = await clusterOf('echo "process $$"');
  const said: string[] = [];
  for (let i = 0; i < 3; i++) {
    running.launch(0);
    const { pid } = running.member(0).process ?? {};
    await running.waitEnded(0);
    expect(running.logOfProcess(0)).toBe(`process ${pid}\n`);
    said.push(running.logOfProcess(0));
  }
  expect(readFileSync(running.member(0).logFile, 'utf8')).toBe(said.join(''));
});

test('a member whose port somebody has taken is launched again, with the same flags, until the time is over', async () => {
  const running = await clusterOf('echo "$*: bind: address already in use"; exit 1');
  running.launch(0, ['--extra']);
  await expect(running.waitHealthy(1500)).rejects.toThrow('m1 is not healthy');
  await running.waitEnded(0);
  const lines = readFileSync(running.member(0).logFile, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.every((line) => line.includes('--extra: bind'))).toBe(true);
});

test('a member that ends for another reason is not', async () => {
  const running = await clusterOf('echo "no such thing"; exit 1');
  running.launch(0);
  await expect(running.waitHealthy()).rejects.toThrow(/m1 has ended\nno such thing/);
  expect(readFileSync(running.member(0).logFile, 'utf8')).toBe('no such thing\n');
});
