/** Snapshots of an upstream member, through upstream's etcdutl and ours: the same figures, the same restored members. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BoltDatabase } from '../../server/bolt/mod.ts';
import { memoryIo } from '../../server/cli/testing/memory-io.ts';
import { saveSnapshot } from '../../server/client/mod.ts';
import { fileHashKv } from '../../server/etcdutl/hash-kv.ts';
import { runEtcdutl } from '../../server/etcdutl/main.ts';
import { restoreSnapshot, snapshotStatus } from '../../server/etcdutl/mod.ts';
import { decodeSnapFile, decodeV2Store } from '../../server/snap/mod.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';
import { lines } from './etcdutl-lines.ts';

let source: TestCluster;
/** A snapshot of the empty store, and one with everything that a store may hold. */
let emptyFile: string;
let fullFile: string;
let hashKv: number;
const clusters: TestCluster[] = [];

beforeAll(async () => {
  if (!haveUpstream()) return;
  source = await TestCluster.start(upstreamExecutables(), { members: 1, flags: ['--unsafe-no-fsync'] });
  const client = source.client();
  emptyFile = path.join(source.directory, 'empty.db');
  fullFile = path.join(source.directory, 'full.db');
  try {
    await saveSnapshot(client, emptyFile);
    await fill(client);
    await saveSnapshot(client, fullFile);
    hashKv = (await client.hashKv({})).hash;
  } finally {
    client.close();
  }
});

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

afterAll(() => source?.close());

async function fill(client: ReturnType<TestCluster['client']>): Promise<void> {
  const { ID: lease } = await client.leaseGrant({ TTL: 3600 });
  for (let i = 0; i < 500; i++) {
    await client.put({ key: Buffer.from(`key/${i % 300}`), value: Buffer.alloc(i * 7, i), lease: i % 50 ? 0n : lease });
  }
  await client.deleteRange({ key: Buffer.from('key/10'), range_end: Buffer.from('key/20') });
  await client.put({ key: Buffer.from([0, 255, 1]), value: Buffer.alloc(1_000_000, 7) });
  await client.compact({ revision: 250, physical: true });
  await client.auth.userAdd({ name: 'someone', password: 'secret' });
  await client.put({ key: Buffer.from('last'), value: Buffer.from('<&>') });
}

interface RestoreFlags {
  readonly bump?: number | undefined;
  readonly walDir?: string | undefined;
}

/** Restores member `index` of `cluster` with upstream's etcdutl. */
function restoreByUpstream(file: string, cluster: TestCluster, index: number, { bump, walDir }: RestoreFlags): string {
  const { name, peerUrl } = cluster.member(index);
  const dataDir = path.join(cluster.directory, `upstream-${name}`);
  execFileSync(
    upstreamExecutables().etcdutl,
    [
      ...['snapshot', 'restore', file, `--data-dir=${dataDir}`, `--name=${name}`],
      ...[`--initial-cluster=${cluster.initialCluster}`, '--initial-cluster-token=test'],
      `--initial-advertise-peer-urls=${peerUrl}`,
      ...(bump === undefined ? [] : [`--bump-revision=${bump}`, '--mark-compacted']),
      ...(walDir === undefined ? [] : [`--wal-dir=${walDir}`]),
    ],
    { stdio: 'pipe' },
  );
  return dataDir;
}

async function restoreByOurs(file: string, cluster: TestCluster, index: number, flags: RestoreFlags): Promise<string> {
  const { name, peerUrl, dataDir } = cluster.member(index);
  await restoreSnapshot({
    snapshotPath: file,
    dataDir,
    walDir: flags.walDir,
    name,
    initialCluster: cluster.initialCluster,
    initialClusterToken: 'test',
    initialAdvertisePeerUrls: [peerUrl],
    bumpRevision: flags.bump,
  });
  return dataDir;
}

async function newCluster(members: number): Promise<TestCluster> {
  const cluster = await TestCluster.create(upstreamExecutables(), { members, flags: ['--unsafe-no-fsync'] });
  clusters.push(cluster);
  return cluster;
}

/** Every bucket, key and value of a database. */
async function contents(dataDir: string): Promise<Record<string, string[]>> {
  const database = await BoltDatabase.open(path.join(dataDir, 'member/snap/db'), { readOnly: true });
  const view = database.view();
  const shown = (bytes: Buffer): string =>
    bytes.length > 100 ? createHash('sha256').update(bytes).digest('hex') : bytes.toString('latin1');
  const all = view
    .bucketNames()
    .map((bucket) => [bucket, [...view.pairs(bucket)].map(([key, value]) => `${shown(key)} => ${shown(value)}`)]);
  view.close();
  await database.close();
  return Object.fromEntries(all);
}

function snapFile(dataDir: string): { name: string; metadata: unknown; members: unknown } {
  const directory = path.join(dataDir, 'member/snap');
  const name = readdirSync(directory).find((file) => file.endsWith('.snap')) as string;
  const { metadata, data } = decodeSnapFile(readFileSync(path.join(directory, name)));
  return { name, metadata, members: decodeV2Store(data as Uint8Array).members };
}

async function etcdutl(...args: string[]): Promise<{ exitCode: number; stdout: string }> {
  let stdout = '';
  const io = {
    stdin: Readable.from([]),
    stdout: { write: (text: string | Uint8Array) => (stdout += text) },
    stderr: { write: () => true },
    env: {},
  };
  return { exitCode: await runEtcdutl(args, io), stdout };
}

/** Of a help text the usage: the explanations are ours. */
function summary(stdout: string): string {
  return stdout.includes('Usage:') ? stdout.split('\n').slice(0, 2).join('\n') : stdout;
}

/** Of standard error, what scripts look at. */
function errorLines(stderr: string): string[] {
  return stderr.split('\n').filter((line) => /^(?:Error|Usage:|Unknown)/.test(line));
}

describe.skipIf(!haveUpstream())('with upstream 3.5.30', () => {
  test.for(['simple', 'json', 'fields', 'table'])('snapshot status -w %s prints the same figures', async (format) => {
    for (const file of [emptyFile, fullFile]) {
      const args = ['snapshot', 'status', file, '-w', format];
      const expected = execFileSync(upstreamExecutables().etcdutl, args, { encoding: 'utf8' });
      expect(await etcdutl(...args)).toEqual({ exitCode: 0, stdout: expected });
    }
  });

  test.for(lines)('etcdutl %s', async (line) => {
    const { directory } = source;
    const [target, small] = [path.join(directory, 'target'), path.join(directory, 'small')];
    const files: Record<string, string> = { SNAPSHOT: fullFile, FULL: directory, SMALL: small, TARGET: target };
    writeFileSync(small, Buffer.alloc(3000));
    const words = line.split(' ').filter((word) => word !== '');
    const args = words.map((word) => files[word] ?? word);
    const { status, stdout, stderr } = spawnSync(upstreamExecutables().etcdutl, args, { encoding: 'utf8' });
    // Upstream leaves what it has begun.
    rmSync(target, { recursive: true, force: true });
    const io = memoryIo();
    const exitCode = await runEtcdutl(args, io);
    const seen = { exitCode, stdout: summary(io.out()), errors: errorLines(io.err()) };
    expect(seen).toEqual({ exitCode: status, stdout: summary(stdout), errors: errorLines(stderr) });
    expect(existsSync(target)).toBe(false);
  });

  test('a file that both tools saved has the same figures', async () => {
    const file = path.join(source.directory, 'by-etcdctl.db');
    execFileSync(
      upstreamExecutables().etcdctl,
      [`--endpoints=${source.member(0).clientUrl}`, 'snapshot', 'save', file],
      { stdio: 'pipe' },
    );
    expect(await snapshotStatus(file)).toEqual(await snapshotStatus(fullFile));
  });

  test.for<{ title: string; members: number; flags: (directory: string) => RestoreFlags }>([
    { title: 'one member', members: 1, flags: () => ({}) },
    { title: 'three members', members: 3, flags: () => ({}) },
    { title: 'a raised revision', members: 2, flags: () => ({ bump: 1_000_000 }) },
    { title: 'a log elsewhere', members: 1, flags: (directory) => ({ walDir: path.join(directory, 'log') }) },
  ])('restores byte for byte the same log and the same database: $title', async ({ members, flags }) => {
    for (const file of [emptyFile, fullFile]) {
      const cluster = await newCluster(members);
      const chosen = flags(cluster.directory);
      for (let index = 0; index < members; index++) {
        const theirs = restoreByUpstream(file, cluster, index, chosen);
        const walDir = chosen.walDir === undefined ? undefined : `${chosen.walDir}-ours`;
        const ours = await restoreByOurs(file, cluster, index, { ...chosen, walDir });
        const logs = [chosen.walDir ?? path.join(theirs, 'member/wal'), walDir ?? path.join(ours, 'member/wal')];
        const [expected, actual] = logs.map((log) =>
          readFileSync(path.join(log, `${'0'.repeat(16)}-${'0'.repeat(16)}.wal`)),
        );
        expect(Buffer.compare(actual as Buffer, expected as Buffer), 'the log’s bytes').toBe(0);
        expect(snapFile(ours)).toEqual(snapFile(theirs));
        expect(await contents(ours)).toEqual(await contents(theirs));
        expect(existsSync(path.join(ours, 'member/wal'))).toBe(existsSync(path.join(theirs, 'member/wal')));
      }
    }
  });

  test('the hash of the keys in a file is the one that the member had', async () => {
    expect((await fileHashKv(fullFile, 0)).hash).toBe(hashKv);
  });

  test('upstream starts three members that we restored, and serves every key with the same HashKV', async () => {
    const cluster = await newCluster(3);
    for (let index = 0; index < 3; index++) await restoreByOurs(fullFile, cluster, index, {});
    await cluster.startAll();

    const everything = { key: Buffer.of(0), range_end: Buffer.of(0) };
    const before = source.client();
    const after = cluster.client();
    try {
      const [expected, actual] = [await before.range(everything), await after.range(everything)];
      expect(actual.count).toBe(expected.count);
      expect(actual.kvs).toEqual(expected.kvs);
      expect(actual.header?.revision).toBe(expected.header?.revision);
      expect((await after.leases({})).leases).toEqual((await before.leases({})).leases);
      expect((await after.auth.userList({})).users).toEqual(['someone']);
      const { members, header } = await after.memberList({ linearizable: true });
      expect(members.map(({ name }) => name).sort()).toEqual(['m1', 'm2', 'm3']);
      expect(header?.cluster_id).not.toBe((await before.memberList({})).header?.cluster_id);
      for (const endpoint of cluster.endpoints) {
        expect((await after.hashKv({ revision: 0 }, { endpoint })).hash).toBe(hashKv);
      }
      await after.put({ key: Buffer.from('written after the restore'), value: Buffer.from('yes') });
    } finally {
      before.close();
      after.close();
    }
  });

  test('after a raised revision, upstream goes on from there and reports the history as compacted', async () => {
    const cluster = await newCluster(1);
    await restoreByOurs(fullFile, cluster, 0, { bump: 1000 });
    await cluster.startAll();
    const { revision } = await snapshotStatus(fullFile);
    const client = cluster.client();
    try {
      const { header } = await client.put({ key: Buffer.from('next'), value: Buffer.from('1') });
      expect(header?.revision).toBe(revision + 1001);
      await expect(client.range({ key: Buffer.from('last'), revision })).rejects.toThrow('has been compacted');
      expect((await client.range({ key: Buffer.from('last') })).kvs[0]?.value.toString()).toBe('<&>');
    } finally {
      client.close();
    }
  });

  test('a copied database file is restored only when its missing hash is waived', async () => {
    const cluster = await newCluster(1);
    const copy = path.join(cluster.directory, 'copy.db');
    writeFileSync(copy, readFileSync(fullFile));
    truncateSync(copy, (await snapshotStatus(fullFile)).totalSizeBytes);
    const { name, peerUrl, dataDir } = cluster.member(0);
    const args = [
      ...['snapshot', 'restore', copy, `--data-dir=${dataDir}`, `--name=${name}`],
      ...[`--initial-cluster=${cluster.initialCluster}`, `--initial-advertise-peer-urls=${peerUrl}`],
    ];
    expect((await etcdutl(...args)).exitCode).toBe(1);
    expect(existsSync(dataDir)).toBe(false);
    expect((await etcdutl(...args, '--skip-hash-check')).exitCode).toBe(0);
    expect((await snapshotStatus(copy)).trailer).toBe('missing');
    await cluster.startAll();
  });
});
