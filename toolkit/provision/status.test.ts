import { describe, expect, it } from 'vitest';
import type { StatusResponse } from '../../server/proto/gen/rpc.ts';
import { localNode } from '../lab/nodes.ts';
import type { ClusterView } from './health/mod.ts';
import { clusterStatus } from './status.ts';

/** A cluster of three of which so many run and answer; whoever is left calls itself a follower. */
function cluster(running: number): ClusterView {
  const nodes = [1, 2, 3].map((n) => ({
    ...localNode({ name: `node${n}`, address: '127.0.0.1', clientPort: n, peerPort: n + 10 }, '/hosts'),
    host: { cutFrom: async () => [] },
  }));
  const runs = (name: string) => nodes.findIndex((node) => node.name === name) < running;
  return {
    nodes,
    process: async ({ name }: { name: string }) => ({ state: runs(name) ? 'running' : 'stopped' }),
    hasLostData: async () => false,
    status: async () => ({ header: { member_id: 1n, cluster_id: 1n, revision: 1 }, leader: 3n }) as StatusResponse,
  } as unknown as ClusterView;
}

describe('the status of a cluster', () => {
  it.each([
    [2, ['node3 is stopped: etcdlab up starts it']],
    [
      1,
      [
        'node2 is stopped: etcdlab up starts it',
        'node3 is stopped: etcdlab up starts it',
        'no majority, and so no leader: 1 of 3 members answers, 2 are needed to write anything',
      ],
    ],
  ])('says what follows when %i of 3 members run', async (running, problems) => {
    expect((await clusterStatus('lab', cluster(running))).problems).toEqual(problems);
  });

  it('says no more than that all are stopped when they are', async () => {
    expect((await clusterStatus('lab', cluster(0))).problems).toHaveLength(3);
  });
});
