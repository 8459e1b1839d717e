/**
 * A release of upstream that is newer than the one this server follows, in one cluster with members of ours, in the place
 * of them, and back.
 *
 * ETCDLAB_UPSTREAM_NEWEST  the folder of an etcd of 3.6 or later; without it, nothing here runs
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { parseVersion, type Version } from '../../server/membership/mod.ts';
import { moveLeader } from '../support/leader-moves.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';

const folder = process.env.ETCDLAB_UPSTREAM_NEWEST ?? '';
const newest = path.join(folder, 'etcd');
const haveNewest = folder !== '' && existsSync(newest);

let cluster: TestCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** Writes through every member, and compares all of them. */
async function expectEqualData(of: TestCluster): Promise<void> {
  const client = of.client();
  try {
    let revision = 0;
    for (const [i, endpoint] of of.endpoints.entries()) {
      for (const name of [`shared/${i % 2}`, `own/${i}`]) {
        const put = { key: Buffer.from(name), value: Buffer.from(`after ${revision}`) };
        revision = (await client.put(put, { endpoint, timeoutMs: 20_000 })).header?.revision ?? 0;
      }
    }
    const hashes = of.endpoints.map(async (endpoint) => {
      await client.range({ key: Buffer.from('shared/0') }, { endpoint });
      return (await client.hashKv({ revision }, { endpoint })).hash;
    });
    expect(new Set(await Promise.all(hashes)).size).toBe(1);
  } finally {
    client.close();
  }
}

/** What each member tells of the cluster's version. */
async function versions(of: TestCluster): Promise<string[]> {
  const answers = of.endpoints.map(async (url) => (await fetch(`${url}/version`)).json() as Promise<unknown>);
  return (await Promise.all(answers)).map((answer) => (answer as { etcdcluster: string }).etcdcluster);
}

async function atVersion(of: TestCluster, version: string): Promise<void> {
  await expect.poll(() => versions(of), { timeout: 30_000 }).toEqual(of.members.map(() => version));
}

/** Each member in turn ends and starts again with other executables, on the same data. */
async function moveAll(of: TestCluster, executables: Executables): Promise<void> {
  for (const [index, member] of of.members.entries()) {
    await of.signal(index, 'SIGTERM');
    member.executables = executables;
    of.launch(index);
    await of.waitHealthy();
    await expectEqualData(of);
  }
}

describe.skipIf(!haveNewest)('a newer release of upstream', () => {
  const theirs = { etcd: newest, etcdctl: '', etcdutl: '' };
  const release = async (): Promise<Version> => {
    const { stdout } = await runCommand(newest, ['--version']);
    const version = parseVersion(/^etcd Version: (\S+)$/m.exec(stdout)?.[1] ?? '');
    if (version === undefined) throw new Error(`${newest} does not say its version: ${stdout}`);
    return version;
  };

  test('leads and follows beside two members of ours, at our version', { timeout: 120_000 }, async () => {
    cluster = await TestCluster.create(await ensureBuilt());
    cluster.member(0).executables = theirs;
    await cluster.startAll();
    await atVersion(cluster, '3.5.0');
    for (let moves = 0; moves < 3; moves++) {
      await moveLeader(cluster);
      await expectEqualData(cluster);
    }
  });

  test('takes over our data, keeps our members out, and gives it back after a downgrade', {
    timeout: 300_000,
  }, async () => {
    const ours = await ensureBuilt();
    const { major, minor } = await release();
    cluster = await TestCluster.start(ours);
    await expectEqualData(cluster);
    await moveAll(cluster, theirs);
    await atVersion(cluster, `${major}.${minor}.0`);

    await cluster.signal(0, 'SIGTERM');
    cluster.member(0).executables = ours;
    cluster.launch(0);
    expect(await cluster.waitEnded(0)).toEqual({ code: 1, signal: null });
    expect(cluster.logOfProcess(0)).toContain('server version is lower than determined cluster version');
    cluster.member(0).executables = theirs;
    cluster.launch(0);
    await cluster.waitHealthy();

    const client = cluster.client();
    const back = `${major}.${minor - 1}`;
    try {
      // 3.7 refuses until it has seen all members for a while.
      await expect
        .poll(() => client.downgrade({ action: 1, version: back }).then(() => 'done', String), { timeout: 30_000 })
        .toBe('done');
    } finally {
      client.close();
    }
    await atVersion(cluster, `${back}.0`);
    // From 3.7 it takes a server of 3.6 in between.
    if (minor !== 6) return;
    await moveAll(cluster, ours);
    const isEnabled = async () => (await fetch(`${cluster?.member(0).peerUrl}/downgrade/enabled`)).text();
    await expect.poll(isEnabled, { timeout: 20_000 }).toBe('false');
    await expectEqualData(cluster);
    expect(await versions(cluster)).toEqual(['3.5.0', '3.5.0', '3.5.0']);
  });
});
