import { describe, expect, it } from 'vitest';
import type { Member } from '../../server/proto/gen/rpc.ts';
import { localNode } from '../lab/nodes.ts';
import type { ClusterView } from './health/mod.ts';
import { requireQuorumWithout } from './quorum.ts';

const member = (n: number, change: Partial<Member> = {}): Member => ({
  ID: BigInt(n),
  name: `node${n}`,
  peerURLs: [],
  clientURLs: [],
  isLearner: false,
  ...change,
});

/** A cluster of so many nodes, of which some serve linearizable requests. */
function cluster(
  size: number,
  serving: readonly number[],
  members = [...Array(size).keys()].map((i) => member(i + 1)),
) {
  const nodes = [...Array(size).keys()].map((i) =>
    localNode({ name: `node${i + 1}`, address: '127.0.0.1', clientPort: i + 1, peerPort: i + 11 }, '/hosts'),
  );
  const serves = serving.map((n) => `node${n}`);
  return {
    nodes,
    members: async ({ name }) => (serves.includes(name) ? members : Promise.reject(new Error('no leader'))),
  } as Partial<ClusterView> as ClusterView;
}

const without = (view: ClusterView, n: number): Promise<void> =>
  requireQuorumWithout(view, `node${n}`, { deadlineMs: 0, pollMs: 1 });

describe('a member can be taken away', () => {
  it('when the others are a quorum by themselves', async () => {
    await without(cluster(3, [1, 2]), 3);
    await without(cluster(5, [1, 2, 3]), 5);
  });

  it('when an earlier attempt has removed it already, or made it a learner', async () => {
    await without(cluster(2, [1], [member(1)]), 2);
    await without(cluster(2, [1], [member(1), member(2, { isLearner: true })]), 2);
  });

  it('not when one of the others is missing: its own vote was needed', async () => {
    await expect(without(cluster(3, [1, 3]), 3)).rejects.toMatchObject({
      code: 'LAB_PREFLIGHT',
      message: 'the others have no quorum without node3; nothing was changed',
      details: ['node2: serves no linearizable request'],
    });
  });

  it('not when there is only one other voter', async () => {
    await expect(without(cluster(2, [1, 2]), 2)).rejects.toMatchObject({
      details: ['node2: its vote is needed: 1 of 2 voters are too few'],
    });
  });

  it('not when there is nobody else', async () => {
    await expect(without(cluster(1, [1]), 1)).rejects.toMatchObject({
      code: 'LAB_PREFLIGHT',
      advice: [expect.stringContaining('etcdlab restore'), expect.stringContaining('etcdlab destroy')],
    });
  });
});
