/** The version of a cluster, which both engines agree upon, and whom it keeps out. */
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { BoltBackend } from '../../server/backend/bolt-backend.ts';
import { Cluster } from '../../server/membership/mod.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

const engines = { upstream: async () => upstreamExecutables(), 'built-in': ensureBuilt } as const;
type Engine = keyof typeof engines;

interface Announced {
  readonly version: string;
  readonly downgradeTo?: string;
}

/** One member of each engine named, none of which runs, on data of a cluster that had come to some version. */
async function restoredCluster(members: readonly Engine[], { version, downgradeTo }: Announced): Promise<TestCluster> {
  const executables = await Promise.all(members.map((engine) => engines[engine]()));
  const cluster = await TestCluster.create(executables[0] as Executables, { members: members.length });
  clusters.push(cluster);
  const file = path.join(cluster.directory, 'snapshot.db');
  const backend = await BoltBackend.open(file);
  const stored = Cluster.load(1n, backend);
  stored.setVersion(version);
  if (downgradeTo !== undefined) stored.setDowngrade({ enabled: true, targetVersion: downgradeTo });
  await backend.close();
  for (const [i, member] of cluster.members.entries()) {
    member.executables = executables[i] as Executables;
    const { exitCode, stderr } = await runCommand(upstreamExecutables().etcdutl, [
      ...['snapshot', 'restore', file, '--skip-hash-check', `--name=${member.name}`, `--data-dir=${member.dataDir}`],
      ...[`--initial-cluster=${cluster.initialCluster}`, '--initial-cluster-token=test'],
      `--initial-advertise-peer-urls=${member.peerUrl}`,
    ]);
    expect(exitCode, stderr).toBe(0);
  }
  return cluster;
}

/** What each member that runs tells. */
async function told(cluster: TestCluster, indexes: readonly number[]): Promise<string[]> {
  const answers = indexes.map(async (index) => (await fetch(`${cluster.member(index).clientUrl}/version`)).json());
  return (await Promise.all(answers)).map((answer) => (answer as { etcdcluster: string }).etcdcluster);
}

describe.skipIf(!haveUpstream())('the cluster version', () => {
  const lower = 'invalid downgrade; server version is lower than determined cluster version';
  const elsewhere = 'invalid downgrade; server version is not allowed to join when downgrade is enabled';
  test.each<[Engine, Announced, string]>([
    ['upstream', { version: '3.6.0' }, lower],
    ['built-in', { version: '3.6.0' }, lower],
    ['upstream', { version: '3.5.0', downgradeTo: '3.4.0' }, elsewhere],
    ['built-in', { version: '3.5.0', downgradeTo: '3.4.0' }, elsewhere],
  ])('keeps a server of 3.5 (%s) from starting at %o', async (engine, announced, words) => {
    const cluster = await restoredCluster([engine], announced);
    cluster.launch(0);
    expect(await cluster.waitEnded(0)).toEqual({ code: 1, signal: null });
    expect(cluster.logOfProcess(0)).toContain(words);
  });

  test.each<[Engine]>([['upstream'], ['built-in']])(
    'lets a server of 3.5 (%s) start in a cluster that goes back to 3.5',
    async (engine) => {
      const cluster = await restoredCluster([engine], { version: '3.5.0', downgradeTo: '3.5.0' });
      await cluster.startAll();
      // It leads, and everybody is of that release: the downgrade is over.
      await expect
        .poll(async () => (await fetch(`${cluster.member(0).peerUrl}/downgrade/enabled`)).text(), { timeout: 20_000 })
        .toBe('false');
    },
  );

  test.each<[Engine]>([['upstream'], ['built-in']])(
    'stays as it is while a member is away, and rises when all are there, with a leader of %s',
    async (leader) => {
      const cluster = await restoredCluster(['upstream', 'built-in', 'built-in'], { version: '3.4.0' });
      cluster.launch(0);
      cluster.launch(1);
      await cluster.waitHealthy();
      const client = cluster.client([cluster.member(0).clientUrl, cluster.member(1).clientUrl]);
      try {
        const { members } = await client.memberList({});
        const wanted = leader === 'upstream' ? 'm1' : 'm2';
        const targetID = members.find(({ name }) => name === wanted)?.ID as bigint;
        const isLeading = async () => (await client.status()).leader === targetID;
        if (!(await isLeading())) {
          const other = cluster.member(leader === 'upstream' ? 1 : 0).clientUrl;
          await client.moveLeader({ targetID }, { endpoint: other });
          await expect.poll(isLeading).toBe(true);
        }
        expect(await told(cluster, [0, 1])).toEqual(['3.4.0', '3.4.0']);
        cluster.launch(2);
        await cluster.waitHealthy();
        await expect.poll(() => told(cluster, [0, 1, 2]), { timeout: 20_000 }).toEqual(['3.5.0', '3.5.0', '3.5.0']);
      } finally {
        client.close();
      }
    },
  );
});
