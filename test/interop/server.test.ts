/** Our server and upstream's tools, and the way of a snapshot from one engine to the other and back. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()));
});

async function start(executables: Executables): Promise<TestCluster> {
  const cluster = await TestCluster.start(executables, { tls: true });
  clusters.push(cluster);
  return cluster;
}

/** Runs etcdctl and expects success. @returns stdout */
async function ctl(
  cluster: TestCluster,
  program: string,
  args: string[],
  options: { input?: string; endpoints?: string[] } = {},
) {
  const result = await cluster.etcdctl(program, args, options);
  expect(result, `etcdctl ${args.join(' ')}\n${result.stderr}`).toMatchObject({ exitCode: 0 });
  return result.stdout;
}

/** Data with everything that a snapshot has to carry: overwritten, deleted, compacted, binary, large. */
async function fill(cluster: TestCluster, etcdctl: string): Promise<void> {
  const client = cluster.client();
  try {
    for (let i = 0; i < 300; i++) {
      await client.put({ key: Buffer.from(`key/${i % 200}`), value: Buffer.alloc(i * 3, i) });
    }
    await client.deleteRange({ key: Buffer.from('key/10'), range_end: Buffer.from('key/15') });
    await client.put({ key: Buffer.from([0, 255, 1]), value: Buffer.alloc(1_000_000, 7) });
    await client.compact({ revision: 120, physical: true });
  } finally {
    client.close();
  }
  await ctl(cluster, etcdctl, ['put', 'last', 'words']);
}

interface HashKv {
  Endpoint: string;
  HashKV: { hash: number; compact_revision: number };
}

async function hashKv(cluster: TestCluster, etcdctl: string): Promise<Set<string>> {
  const text = await ctl(cluster, etcdctl, ['endpoint', 'hashkv', '-w', 'json']);
  const all = JSON.parse(text) as HashKv[];
  expect(all).toHaveLength(cluster.members.length);
  return new Set(all.map(({ HashKV }) => `${HashKV.hash} compacted at ${HashKV.compact_revision}`));
}

/** Saves a snapshot with one etcdctl, restores it for each member with one etcdutl, and starts those. */
async function restore(
  source: TestCluster,
  snapshot: { etcdctl: string; etcdutl: string },
  target: Executables,
): Promise<{ cluster: TestCluster; file: string }> {
  const file = path.join(source.directory, 'snapshot.db');
  await ctl(source, snapshot.etcdctl, ['snapshot', 'save', file], { endpoints: [source.member(1).clientUrl] });
  const cluster = await TestCluster.create(target, { tls: true, token: 'restored' });
  clusters.push(cluster);
  for (const { name, peerUrl, dataDir } of cluster.members) {
    const result = await runCommand(snapshot.etcdutl, [
      'snapshot',
      'restore',
      file,
      `--name=${name}`,
      `--initial-cluster=${cluster.initialCluster}`,
      '--initial-cluster-token=restored',
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--data-dir=${dataDir}`,
    ]);
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  }
  await cluster.startAll();
  return { cluster, file };
}

describe.skipIf(!haveUpstream())('with upstream 3.5.30', () => {
  const upstream = upstreamExecutables();

  test('its etcdctl puts, gets, deletes, runs transactions, lists members and asks for status over mutual TLS', async () => {
    const cluster = await start(await ensureBuilt());
    const run = (args: string[], options = {}): Promise<string> => ctl(cluster, upstream.etcdctl, args, options);

    expect(await run(['put', 'key1', 'value1'])).toBe('OK\n');
    expect(await run(['put', 'key2'], { input: 'from stdin' })).toBe('OK\n');
    expect(await run(['put', 'key1', 'newer', '--prev-kv'])).toBe('OK\nkey1\nvalue1\n');
    expect(await run(['get', 'key', '--prefix'])).toBe('key1\nnewer\nkey2\nfrom stdin\n');
    expect(await run(['get', 'key1', '--rev=2'])).toBe('key1\nvalue1\n');
    expect(await run(['del', 'key2', '--prev-kv'])).toBe('1\nkey2\nfrom stdin\n');
    expect(await run(['get', 'key2'])).toBe('');
    const txn = 'value("key1") = "newer"\n\nput key3 yes\nget key3\n\nput key3 no\n\n';
    expect(await run(['txn'], { input: txn })).toBe('SUCCESS\n\nOK\n\nkey3\nyes\n');
    expect(await run(['compaction', '4'])).toBe('compacted revision 4\n');

    const members = (await run(['member', 'list'])).trim().split('\n').sort();
    expect(members).toHaveLength(3);
    for (const line of members) expect(line).toMatch(/^[0-9a-f]+, started, m[123], https:\S+, https:\S+, false$/);
    const health = await run(['endpoint', 'health', '--cluster']);
    expect(health.match(/is healthy/g)).toHaveLength(3);
    const status = JSON.parse(await run(['endpoint', 'status', '-w', 'json'])) as {
      Status: { version: string; leader: number; raftTerm: number };
    }[];
    expect(new Set(status.map(({ Status }) => Status.leader)).size).toBe(1);
    expect(status.every(({ Status }) => Status.version === '3.5.30' && Status.leader !== 0)).toBe(true);
    expect((await hashKv(cluster, upstream.etcdctl)).size).toBe(1);
  });

  test('reports refused requests in upstream’s words', async () => {
    const cluster = await start(await ensureBuilt());
    const run = (...args: string[]) => cluster.etcdctl(upstream.etcdctl, args);
    const refusal = async (...args: string[]): Promise<string> =>
      (await run(...args)).stderr.trim().split('\n').at(-1) ?? '';
    expect(await refusal('get', 'x', '--rev=99')).toBe(
      'Error: etcdserver: mvcc: required revision is a future revision',
    );
    expect(await refusal('put', 'x', 'y', '--lease=1')).toBe('Error: etcdserver: requested lease not found');
    expect(await refusal('put', 'x', '--ignore-value')).toBe('Error: etcdserver: key not found');
    expect(await refusal('compaction', '99')).toBe('Error: etcdserver: mvcc: required revision is a future revision');
  });

  test('accepts our snapshot, restores it, and serves every key with the same HashKV', async () => {
    const source = await start(await ensureBuilt());
    await fill(source, upstream.etcdctl);
    const before = await hashKv(source, upstream.etcdctl);
    const keys = await ctl(source, upstream.etcdctl, ['get', '', '--prefix', '-w', 'json']);

    const { cluster, file } = await restore(source, upstream, upstream);
    expect(await hashKv(cluster, upstream.etcdctl)).toEqual(before);
    const restored = await ctl(cluster, upstream.etcdctl, ['get', '', '--prefix', '-w', 'json']);
    expect(JSON.parse(restored).kvs).toEqual(JSON.parse(keys).kvs);

    const [theirs, ours] = await Promise.all(
      [upstream.etcdutl, (await ensureBuilt()).etcdutl].map((etcdutl) =>
        runCommand(etcdutl, ['snapshot', 'status', file, '-w', 'json']),
      ),
    );
    expect(theirs).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(ours?.stdout ?? '')).toEqual(JSON.parse(theirs?.stdout ?? ''));
  });

  test('takes a snapshot that ours restores and serves with the same HashKV', async () => {
    const own = await ensureBuilt();
    const source = await start(upstream);
    await fill(source, upstream.etcdctl);
    const before = await hashKv(source, upstream.etcdctl);
    const keys = await ctl(source, upstream.etcdctl, ['get', '', '--prefix', '-w', 'json']);

    const { cluster } = await restore(source, own, own);
    expect(await hashKv(cluster, upstream.etcdctl)).toEqual(before);
    const restored = await ctl(cluster, upstream.etcdctl, ['get', '', '--prefix', '-w', 'json']);
    expect(JSON.parse(restored).kvs).toEqual(JSON.parse(keys).kvs);
  });

  test('computes the same HashKV at every revision as ours does for the same requests', async () => {
    const [ours, theirs] = [await start(await ensureBuilt()), await start(upstream)];
    await Promise.all([fill(ours, upstream.etcdctl), fill(theirs, upstream.etcdctl)]);
    for (const revision of [120, 121, 200, 301, 302, 303, 304]) {
      const [a, b] = await Promise.all(
        [ours, theirs].map(async (cluster) => {
          const client = cluster.client();
          try {
            const { hash, compact_revision } = await client.hashKv({ revision });
            return { hash, compact_revision };
          } finally {
            client.close();
          }
        }),
      );
      expect(a, `revision ${revision}`).toEqual(b);
    }
  });

  test.each(['after a clean stop', 'after SIGKILL'])(
    'boots on the data directories that ours left behind, %s',
    async (how) => {
      const cluster = await start(await ensureBuilt());
      await fill(cluster, upstream.etcdctl);
      const before = await hashKv(cluster, upstream.etcdctl);
      if (how === 'after SIGKILL') await cluster.killAll();
      else await cluster.stopAll();

      cluster.executables = upstream;
      await cluster.startAll();
      expect(await hashKv(cluster, upstream.etcdctl)).toEqual(before);
      await ctl(cluster, upstream.etcdctl, ['put', 'from', 'upstream']);
      await cluster.stopAll();

      cluster.executables = await ensureBuilt();
      await cluster.startAll();
      expect(await ctl(cluster, upstream.etcdctl, ['get', 'from'])).toBe('from\nupstream\n');
      expect((await hashKv(cluster, upstream.etcdctl)).size).toBe(1);
    },
  );

  test('is told apart by nothing in the files that a snapshot leaves: mode, name, no rest', async () => {
    const own = await ensureBuilt();
    const cluster = await start(own);
    const file = path.join(cluster.directory, 'saved.db');
    const saved = await ctl(cluster, own.etcdctl, ['snapshot', 'save', file], {
      endpoints: [cluster.member(0).clientUrl],
    });
    expect(saved).toContain(`Snapshot saved at ${file}`);
    expect(statSync(file).size % 512).toBe(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.part`)).toBe(false);
    expect(readdirSync(cluster.directory).filter((name) => name.startsWith('saved'))).toEqual(['saved.db']);
  });
});
