import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataLock } from '../base/data-lock.ts';
import { nodeFileSystem } from '../base/file-system.ts';
import { silentLogger } from '../base/logger.ts';
import { BoltDatabase } from '../bolt/mod.ts';
import { memoryIo } from '../cli/testing/memory-io.ts';
import { type Entry, EntryType } from '../proto/gen/raft.ts';
import { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { decodeSnapFile, encodeSnapFile } from '../snap/mod.ts';
import { Wal } from '../wal/mod.ts';
import { runEtcdutl } from './main.ts';
import { restoreSnapshot } from './mod.ts';
import { snapshotFixture } from './testing/snapshot-fixture.ts';

let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'etcdutl-test-'));
  dataDir = path.join(folder, 'm1');
  await makeMember();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const walDir = (of: string): string => path.join(of, 'member/wal');
const restored = { index: 1, term: 1 };

/** A member that was restored and has written two entries behind its snapshot since then. */
async function makeMember(): Promise<void> {
  const snapshotPath = path.join(folder, 's.db');
  const file = await nodeFileSystem.open(snapshotPath, 'create', 0o600);
  await file.write([(await snapshotFixture()).snapshot], 0);
  await file.close();
  const url = 'http://127.0.0.1:2380';
  const cluster = { initialCluster: `m1=${url}`, initialClusterToken: 't', initialAdvertisePeerUrls: [url] };
  await restoreSnapshot({ snapshotPath, dataDir, name: 'm1', ...cluster });
  await editMeta((put) => put('confState', '{"voters":[1]}'));
  const attributes = { member_ID: 1n, member_attributes: { name: 'm1', client_urls: [] } };
  await append(
    InternalRaftRequest.create({ ID: 8n, cluster_member_attr_set: attributes }),
    InternalRaftRequest.create({ ID: 9n, lease_grant: { ID: 5n, TTL: 60 } }),
  );
}

async function append(...requests: InternalRaftRequest[]): Promise<void> {
  const { wal, hardState, entries } = await Wal.open(walDir(dataDir), restored);
  const last = entries.at(-1)?.Index ?? restored.index;
  const added = requests.map((request, i): Entry => {
    const Data = Buffer.from(InternalRaftRequest.encode(request));
    return { Type: EntryType.EntryNormal, Term: 1, Index: last + 1 + i, Data };
  });
  await wal.save({ ...hardState, commit: last + added.length }, added, true);
  await wal.close();
}

async function editMeta(edit: (put: (key: string, value: string) => void) => void): Promise<void> {
  const database = await BoltDatabase.open(path.join(dataDir, 'member/snap/db'));
  const transaction = database.begin();
  edit((key, value) => transaction.put('meta', Buffer.from(key), Buffer.from(value)));
  await transaction.commit();
  await database.close();
}

async function read(of: string, bucket: string): Promise<[string, string][]> {
  const database = await BoltDatabase.open(path.join(of, 'member/snap/db'), { readOnly: true });
  const view = database.view();
  const pairs = [...view.pairs(bucket)].map(([key, value]): [string, string] => [
    key.toString('latin1'),
    value.toString('latin1'),
  ]);
  view.close();
  await database.close();
  return pairs;
}

async function storageVersion(): Promise<string | undefined> {
  return (await read(dataDir, 'meta')).find(([key]) => key === 'storageVersion')?.[1];
}

async function etcdutl(...args: string[]): Promise<{ exitCode: number; stderr: string }> {
  let stderr = '';
  const io = {
    stdin: Readable.from([]),
    stdout: { write: () => true },
    stderr: { write: (text: string | Uint8Array) => (stderr += text) },
    env: {},
  };
  return { exitCode: await runEtcdutl(args, io), stderr };
}

test('a copy has the keys and the log of the member, and knows one member only', async () => {
  const copy = path.join(folder, 'copy');
  expect(await etcdutl('backup', `--data-dir=${dataDir}`, `--backup-dir=${copy}`)).toMatchObject({ exitCode: 0 });
  expect(await read(copy, 'key')).toEqual(await read(dataDir, 'key'));
  const [member, ...others] = await read(copy, 'members');
  expect(others).toEqual([]);
  expect(JSON.parse(member?.[1] as string)).toMatchObject({ name: 'etcdctl-v2-backup' });

  const [theirs, ours] = [await Wal.read(walDir(dataDir), restored), await Wal.read(walDir(copy), restored)];
  expect(ours.metadata.nodeId.toString(16)).toBe(member?.[0]);
  expect(ours.metadata.clusterId).not.toBe(theirs.metadata.clusterId);
  expect(ours.hardState).toEqual(theirs.hardState);
  expect(ours.entries.map(({ Index, Data }) => [Index, Data?.length])).toEqual([
    [2, 0],
    [3, theirs.entries[1]?.Data?.length],
  ]);
});

test('a log elsewhere is copied to where it is wanted', async () => {
  const [copy, log] = [path.join(folder, 'copy'), path.join(folder, 'log')];
  const flags = [`--data-dir=${dataDir}`, `--backup-dir=${copy}`, `--backup-wal-dir=${log}`];
  expect(await etcdutl('backup', ...flags)).toMatchObject({ exitCode: 0 });
  expect((await Wal.read(log, restored)).entries).toHaveLength(2);
  expect(await readdir(path.join(copy, 'member'))).toEqual(['snap']);
});

test.for<{ title: string; prepare: () => Promise<unknown>; more?: string[]; message: string }>([
  {
    title: 'a target with something in it',
    prepare: () => nodeFileSystem.makeDirectory(path.join(folder, 'copy', 'x')),
    message: 'not empty',
  },
  {
    title: 'a database that is ahead of the log',
    prepare: () => editMeta((put) => put('consistent_index', '\0\0\0\0\0\0\0\x09')),
    message: 'not of one moment',
  },
  { title: 'no database', prepare: () => rm(path.join(dataDir, 'member/snap/db')), message: 'no such file' },
  { title: 'no keys', prepare: async () => undefined, more: ['--with-v3=false'], message: 'v2 store' },
])('refuses $title, and leaves nothing behind', async ({ prepare, more = [], message }) => {
  await prepare();
  const before = await readdir(folder);
  const flags = [`--data-dir=${dataDir}`, `--backup-dir=${path.join(folder, 'copy')}`, ...more];
  const { exitCode, stderr } = await etcdutl('backup', ...flags);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(message);
  expect(await readdir(folder)).toEqual(before);
});

test.for(['backup', 'migrate'])('%s leaves a member that runs alone', async (command) => {
  const lock = new DataLock(dataDir, { log: silentLogger });
  await lock.take();
  try {
    const flags = command === 'backup' ? [`--backup-dir=${path.join(folder, 'copy')}`] : ['--target-version=3.6'];
    expect(await etcdutl(command, `--data-dir=${dataDir}`, ...flags)).toMatchObject({ exitCode: 1 });
    expect(await storageVersion()).toBeUndefined();
  } finally {
    await lock.release();
  }
});

const migrate = (version: string, ...more: string[]) =>
  etcdutl('migrate', `--data-dir=${dataDir}`, `--target-version=${version}`, ...more);

test('a migration to 3.6 and back leaves the database as it was', async () => {
  const before = await read(dataDir, 'meta');
  expect(await migrate('3.6')).toMatchObject({ exitCode: 0 });
  expect(await storageVersion()).toBe('3.6.0');
  expect((await migrate('3.6')).stderr).toContain('up-to-date');
  expect(await migrate('3.5')).toMatchObject({ exitCode: 0 });
  expect(await read(dataDir, 'meta')).toEqual(before);
});

test('a log with the cluster version 3.6 in it goes back by force only', async () => {
  await migrate('3.6');
  await append(InternalRaftRequest.create({ ID: 10n, cluster_version_set: { ver: '3.6.0' } }));
  const refused = await migrate('3.5');
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('WAL contains newer entries: entry 4 sets the cluster version to 3.6.0');
  expect(await storageVersion()).toBe('3.6.0');
  expect(await migrate('3.5', '--force')).toMatchObject({ exitCode: 0 });
  expect(await storageVersion()).toBeUndefined();
});

test.for([
  ['3', 128, 'wrong target version format, expected "X.Y", got "3"'],
  ['3.4', 128, 'no schema 3.4 is known here'],
  ['3.7', 128, 'no schema 3.7 is known here'],
] as const)('a migration to %s is refused', async ([version, code, message]) => {
  const { exitCode, stderr } = await migrate(version);
  expect(exitCode).toBe(code);
  expect(stderr).toContain(message);
});

test('a database with a schema of its own time is refused', async () => {
  await editMeta((put) => put('storageVersion', '3.7.0'));
  expect((await migrate('3.6')).stderr).toContain('has the schema 3.7.0');
  expect(await storageVersion()).toBe('3.7.0');
});

test('check v2store tells members with keys of API v2 from others', async () => {
  const check = async () => {
    const io = memoryIo();
    return [await runEtcdutl(['check', 'v2store', `--data-dir=${dataDir}`], io), io.out(), io.err()];
  };
  expect(await check()).toEqual([0, 'No custom content found in v2store.\n', '']);
  const snapDir = path.join(dataDir, 'member/snap');
  const name = (await readdir(snapDir)).find((each) => each.endsWith('.snap')) as string;
  const file = path.join(snapDir, name);
  const snapshot = decodeSnapFile(await readFile(file));
  const store = JSON.parse(Buffer.from(snapshot.data as Uint8Array).toString());
  store.Root.Children['1'].Children = { foo: { Path: '/1/foo', Value: 'bar', Children: null } };
  await writeFile(file, encodeSnapFile({ ...snapshot, data: Buffer.from(JSON.stringify(store)) }));
  expect(await check()).toEqual([1, '', 'Error: detected custom content in v2store\n']);
  await rm(walDir(dataDir), { recursive: true });
  expect(await check()).toEqual([1, '', `Error: open ${walDir(dataDir)}: no such file or directory\n`]);
});
