/** The version of a cluster, which both engines agree upon, and whom it keeps out. */
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { BoltBackend } from '../../server/backend/bolt-backend.ts';
import { Cluster } from '../../server/membership/mod.ts';
import { Entry, EntryType } from '../../server/proto/gen/raft.ts';
import { InternalRaftRequest, RequestHeader } from '../../server/proto/gen/raft_internal.ts';
import { Wal } from '../../server/wal/mod.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const clusters: TestCluster[] = [];
afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

const engines = { upstream: async () => upstreamExecutables(), 'built-in': ensureBuilt } as const;
type Engine = keyof typeof engines;

/** What the log of a cluster holds, before any of its members has started. */
type Logged = Pick<Partial<InternalRaftRequest>, 'cluster_version_set' | 'downgrade_info_set'>;
const toVersion = (ver: string): Logged => ({ cluster_version_set: { ver } });
const toDowngrade = (ver: string): Logged => ({ downgrade_info_set: { enabled: true, ver } });

/** One member of each engine named, none of which runs, on a snapshot of a cluster at `was`. */
async function restoredCluster(members: readonly Engine[], logged: readonly Logged[], was = '3.5.0') {
  const executables = await Promise.all(members.map((engine) => engines[engine]()));
  const cluster = await TestCluster.create(executables[0] as Executables, {
    members: members.length,
    flags: ['--experimental-downgrade-check-time=500ms'],
  });
  clusters.push(cluster);
  const file = path.join(cluster.directory, 'snapshot.db');
  const backend = await BoltBackend.open(file);
  Cluster.load(1n, backend).setVersion(was);
  await backend.close();
  for (const [i, member] of cluster.members.entries()) {
    member.executables = executables[i] as Executables;
    const { exitCode, stderr } = await runCommand(upstreamExecutables().etcdutl, [
      ...['snapshot', 'restore', file, '--skip-hash-check', `--name=${member.name}`, `--data-dir=${member.dataDir}`],
      ...[`--initial-cluster=${cluster.initialCluster}`, '--initial-cluster-token=test'],
      `--initial-advertise-peer-urls=${member.peerUrl}`,
    ]);
    expect(exitCode, stderr).toBe(0);
    await append(path.join(member.dataDir, 'member/wal'), logged);
  }
  return cluster;
}

/** Puts requests at the end of a log, as committed. */
async function append(walDir: string, requests: readonly Logged[]): Promise<void> {
  const [snapshot] = await Wal.validSnapshots(walDir);
  const { wal, hardState } = await Wal.open(walDir, { index: snapshot?.index ?? 0, term: snapshot?.term ?? 0 });
  const entries = requests.map((request, i) =>
    Entry.create({
      Type: EntryType.EntryNormal,
      Term: hardState.term,
      Index: hardState.commit + 1 + i,
      Data: InternalRaftRequest.encode(
        InternalRaftRequest.create({ header: RequestHeader.create({ ID: BigInt(i + 1) }), ...request }),
      ),
    }),
  );
  await wal.save({ ...hardState, commit: hardState.commit + entries.length }, entries, true);
  await wal.close();
}

/** What each member that runs tells. */
async function told(cluster: TestCluster, indexes: readonly number[]): Promise<string[]> {
  const answers = indexes.map(async (index) => (await fetch(`${cluster.member(index).clientUrl}/version`)).json());
  return (await Promise.all(answers)).map((answer) => (answer as { etcdcluster: string }).etcdcluster);
}

describe.skipIf(!haveUpstream())('the cluster version', () => {
  const lower = 'invalid downgrade; server version is lower than determined cluster version';
  const elsewhere = 'invalid downgrade; server version is not allowed to join when downgrade is enabled';
  const both: readonly [Engine][] = [['upstream'], ['built-in']];

  describe.each(both)('with a server of 3.5 (%s)', (engine) => {
    test.each<[string, Logged[], string]>([
      ['at 3.6', [toVersion('3.6.0')], lower],
      ['that goes back to 3.4', [toVersion('3.5.0'), toDowngrade('3.4.0')], elsewhere],
    ])('keeps it from starting in a cluster %s', async (_, logged, words) => {
      const cluster = await restoredCluster([engine], logged);
      cluster.launch(0);
      if (words === elsewhere) {
        // Who hears of it while it runs goes on, and must not start once more.
        await cluster.waitHealthy();
        await cluster.signal(0, 'SIGTERM');
        cluster.launch(0);
      }
      expect(await cluster.waitEnded(0)).toEqual({ code: 1, signal: null });
      expect(cluster.logOfProcess(0)).toContain(words);
    });

    test('lets it start in a cluster that goes back to 3.5, which ends that', async () => {
      const cluster = await restoredCluster([engine], [toDowngrade('3.5.0'), toVersion('3.6.0'), toVersion('3.5.0')]);
      await cluster.startAll();
      const isEnabled = async () => (await fetch(`${cluster.member(0).peerUrl}/downgrade/enabled`)).text();
      await expect.poll(isEnabled, { timeout: 20_000 }).toBe('false');
      expect(cluster.logOfProcess(0)).toContain('the cluster has been downgraded');
    });

    test('is decided anew after a restore from a newer cluster', async () => {
      const cluster = await restoredCluster([engine], [], '3.6.0');
      await cluster.startAll();
      await expect.poll(() => told(cluster, [0])).toEqual(['3.5.0']);
    });
  });

  test.each(both)(
    'stays as it is while a member is away, and rises when all are there, with a leader of %s',
    async (leader) => {
      const cluster = await restoredCluster(['upstream', 'built-in', 'built-in'], [toVersion('3.4.0')]);
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
