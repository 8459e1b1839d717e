/** What a leader makes of the versions that the members tell at their peer URLs. */
import { afterEach, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { silentLogger } from '../base/logger.ts';
import { Cluster, newMember } from '../membership/mod.ts';
import { Workbench } from '../peer/testing/workbench.ts';
import { ClusterVersionMonitor } from './cluster-version.ts';

const bench = new Workbench();
afterEach(() => bench.clear());

interface Situation {
  /** Of the other members; undefined: it does not answer. */
  readonly servers: readonly (string | undefined)[];
  /** What the cluster is at. */
  readonly at?: string;
  readonly downgradeTo?: string;
  readonly isLeader?: boolean;
}

/** @returns what was proposed */
async function checked({ servers, at, downgradeTo, isLeader = true }: Situation): Promise<string[]> {
  const urls = servers.map((etcdserver) =>
    bench.listen((_, response) => {
      if (etcdserver === undefined) response.writeHead(503).end();
      else response.end(JSON.stringify({ etcdserver, etcdcluster: 'not_decided' }));
    }),
  );
  const others = (await Promise.all(urls)).map((url, i) => newMember({ id: BigInt(i + 2), peerURLs: [url] }));
  const cluster = Cluster.fromMembers(7n, [newMember({ id: 1n }), ...others], new MemoryBackend());
  if (at !== undefined) cluster.setVersion(at);
  if (downgradeTo !== undefined) cluster.setDowngrade({ enabled: true, targetVersion: downgradeTo });
  const proposed: string[] = [];
  const monitor = new ClusterVersionMonitor({
    localId: 1n,
    cluster: () => cluster,
    isLeader: () => isLeader,
    propose: async (version) => proposed.push(version),
    withdrawDowngrade: async () => proposed.push('no downgrade'),
    tls: undefined,
    log: silentLogger,
  });
  try {
    await monitor.check();
  } finally {
    monitor.stop();
  }
  return proposed;
}

test.each<[string, Situation, string[]]>([
  ['is that of the oldest server', { servers: ['3.5.30', '3.6.16'] }, ['3.5.0']],
  ['is kept low by one older member', { servers: ['3.4.23', '3.5.30'] }, ['3.4.0']],
  ['rises when the last older member has gone', { servers: ['3.5.30', '3.6.16'], at: '3.4.0' }, ['3.5.0']],
  ['is the oldest there can be at first, when somebody does not answer', { servers: [undefined] }, ['3.0.0']],
  ['stays as it is when somebody does not answer', { servers: ['3.5.30', undefined], at: '3.0.0' }, []],
  ['stays as it is when it is right', { servers: ['3.5.30', '3.6.16'], at: '3.5.0' }, []],
  ['does not fall', { servers: ['3.4.23', '3.5.30'], at: '3.5.0' }, []],
  ['is not a follower’s business', { servers: ['3.5.30'], isLeader: false }, []],
])('the version of a cluster %s', async (_, situation, proposed) => {
  expect(await checked(situation)).toEqual(proposed);
});

test.each<[string, Situation, string[]]>([
  ['is withdrawn when every member is of that release', { servers: ['3.5.7', '3.5.30'] }, ['no downgrade']],
  ['goes on while one is newer', { servers: ['3.5.30', '3.6.16'] }, []],
  ['goes on while one does not answer', { servers: ['3.5.30', undefined] }, []],
])('a downgrade to 3.5 %s', async (_, situation, proposed) => {
  expect(await checked({ at: '3.5.0', downgradeTo: '3.5.0', ...situation })).toEqual(proposed);
});
