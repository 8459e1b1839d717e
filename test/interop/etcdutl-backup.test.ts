/** `etcdutl backup` by upstream and by us: the same copy, and one that either server starts as a cluster of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { BoltDatabase } from '../../server/bolt/mod.ts';
import { memoryIo } from '../../server/cli/testing/memory-io.ts';
import { runEtcdutl } from '../../server/etcdutl/main.ts';
import { Snapshotter } from '../../server/snap/mod.ts';
import { Wal } from '../../server/wal/mod.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const members = 3;
let source: TestCluster;
let folder: string;
let hashKv: number;
let started: TestCluster | undefined;

beforeAll(async () => {
  if (!haveUpstream()) return;
  folder = await mkdtemp(path.join(os.tmpdir(), 'etcdutl-backup-'));
  const flags = ['--unsafe-no-fsync', '--snapshot-count=40'];
  source = await TestCluster.start(upstreamExecutables(), { members, flags });
  const client = source.client();
  try {
    for (let i = 0; i < 150; i++) await client.put({ key: Buffer.from(`key/${i % 40}`), value: Buffer.from(`${i}`) });
    await client.auth.userAdd({ name: 'someone', password: 'secret' });
    const endpoint = source.member(0).clientUrl;
    await client.range({ key: Buffer.from('key/0') }, { endpoint });
    hashKv = (await client.hashKv({ revision: 0 }, { endpoint })).hash;
  } finally {
    client.close();
  }
  await source.stopAll();
});

afterEach(async () => {
  await started?.close();
  started = undefined;
});

afterAll(async () => {
  await source?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

function backupByUpstream(target: string): void {
  const args = ['backup', `--data-dir=${source.member(0).dataDir}`, `--backup-dir=${target}`];
  execFileSync(upstreamExecutables().etcdutl, args, { stdio: 'pipe' });
}

async function backupByOurs(target: string): Promise<void> {
  let stderr = '';
  const stdout = { write: () => true };
  const io = { stdin: Readable.from([]), stdout, stderr: { write: (text: unknown) => (stderr += text) }, env: {} };
  const exitCode = await runEtcdutl(
    ['backup', `--data-dir=${source.member(0).dataDir}`, `--backup-dir=${target}`],
    io as never,
  );
  expect(exitCode, stderr).toBe(0);
}

/** All that is not an id of the new cluster, which both draw at random. */
async function contents(dataDir: string): Promise<unknown> {
  const walDir = path.join(dataDir, 'member/wal');
  const at = (await Wal.validSnapshots(walDir)).at(-1) as { index: number; term: number };
  const { hardState, entries } = await Wal.read(walDir, at);
  const snapshot = await new Snapshotter(path.join(dataDir, 'member/snap')).loadNewest(() => true);
  const database = await BoltDatabase.open(path.join(dataDir, 'member/snap/db'), { readOnly: true });
  const view = database.view();
  const buckets = view.bucketNames().map((bucket) => {
    const pairs = [...view.pairs(bucket)].map(([key, value]) => [key.toString('latin1'), value.toString('latin1')]);
    if (bucket !== 'members') return [bucket, pairs];
    return [bucket, pairs.map(([, value]) => ({ ...JSON.parse(value as string), id: '' }))];
  });
  view.close();
  await database.close();
  const log = entries.map(({ Type, Term, Index, Data }) => [
    Type,
    Term,
    Index,
    Buffer.from(Data ?? []).toString('hex'),
  ]);
  const { index, term, conf_state } = snapshot?.metadata ?? {};
  const position = { index, term, voters: conf_state?.voters.length };
  return { at: at.index, hardState, log, position, buckets: Object.fromEntries(buckets) };
}

describe.skipIf(!haveUpstream())('the copy of a member of three', () => {
  test('has the log and the database of upstream’s copy', async () => {
    const into = await mkdtemp(path.join(folder, 'copies-'));
    const [theirs, ours] = [path.join(into, 'theirs'), path.join(into, 'ours')];
    backupByUpstream(theirs);
    await backupByOurs(ours);
    const expected = await contents(theirs);
    expect(expected).toMatchObject({ position: { voters: 1 } });
    expect(await contents(ours)).toEqual(expected);
  });

  test('is looked through for keys of API v2 with the same words', async () => {
    const args = ['check', 'v2store', `--data-dir=${source.member(0).dataDir}`];
    const stdout = execFileSync(upstreamExecutables().etcdutl, args, { encoding: 'utf8' });
    const io = memoryIo();
    expect([await runEtcdutl(args, io), io.out()]).toEqual([0, stdout]);
  });

  test.for<{ title: string; make: (target: string) => unknown; executables: () => Executables | Promise<Executables> }>(
    [
      { title: 'ours under upstream’s server', make: backupByOurs, executables: upstreamExecutables },
      { title: 'upstream’s under our server', make: backupByUpstream, executables: ensureBuilt },
      { title: 'ours under our server', make: backupByOurs, executables: ensureBuilt },
    ],
  )('is a cluster of one: $title', async ({ make, executables }) => {
    started = await TestCluster.create(await executables(), { members: 1, flags: ['--unsafe-no-fsync'] });
    const { dataDir, peerUrl } = started.member(0);
    await make(dataDir);
    started.launch(0, ['--force-new-cluster']);
    await started.waitHealthy();
    const client = started.client();
    try {
      expect((await client.hashKv({ revision: 0 })).hash).toBe(hashKv);
      expect((await client.auth.userList({})).users).toEqual(['someone']);
      const { members: left } = await client.memberList({ linearizable: true });
      expect(left).toHaveLength(1);
      await client.memberUpdate({ ID: left[0]?.ID ?? 0n, peerURLs: [peerUrl] });
      await client.put({ key: Buffer.from('written'), value: Buffer.from('after') });
    } finally {
      client.close();
    }
  });
});
