/** Changes of leadership while something else goes on. */
import type { EtcdClient } from '../../server/client/mod.ts';
import type { TestCluster } from './test-cluster.ts';

/**
 * Hands leadership to the next member, in order of ids.
 *
 * @returns the new leader's id
 * @throws Error when no member leads within 20 s
 */
export async function moveLeader(cluster: TestCluster): Promise<bigint> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const moved = await withClients(cluster, tryMove);
    if (moved !== undefined) return moved;
    if (Date.now() > deadlineMs) throw new Error('leadership could not be moved in 20 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function tryMove(clients: readonly EtcdClient[]): Promise<bigint | undefined> {
  const asked = clients.map(async (client) => ({ client, status: await client.status({}, { timeoutMs: 2000 }) }));
  const told = (await Promise.allSettled(asked))
    .filter((each) => each.status === 'fulfilled')
    .map(({ value }) => value);
  const leader = told.find(({ status }) => status.leader === status.header?.member_id && status.leader !== 0n);
  if (leader === undefined || told.length < 2) return undefined;
  const ids = told.map(({ status }) => status.header?.member_id ?? 0n).sort((a, b) => (a < b ? -1 : 1));
  const targetID = ids[(ids.indexOf(leader.status.leader) + 1) % ids.length] as bigint;
  const done = leader.client.moveLeader({ targetID }, { timeoutMs: 5000 });
  return done.then(
    () => targetID,
    () => undefined,
  );
}

async function withClients<T>(cluster: TestCluster, act: (clients: EtcdClient[]) => Promise<T>): Promise<T> {
  const clients = cluster.members.map(({ clientUrl }) => cluster.client([clientUrl]));
  try {
    return await act(clients);
  } finally {
    for (const client of clients) client.close();
  }
}
