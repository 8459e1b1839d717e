/** The leader is killed: how long until a put is acknowledged by those who are left. */
import { setTimeout as delay } from 'node:timers/promises';
import { KVService } from '../../server/proto/gen/rpc.ts';
import type { BenchCluster } from '../cluster.ts';
import { LoadConnection } from '../load/connection.ts';
import { spreadOf } from '../report/statistics.ts';
import type { ClusterRow } from '../row.ts';

const key = Buffer.from('failover');
const killsInRound = 2;
const attemptMs = 10;
const failoverMs = 60_000;

/** @returns from the kill until the first acknowledged put, in ms */
async function killLeader(cluster: BenchCluster): Promise<number> {
  await cluster.findLeader();
  const { processes, leader } = cluster;
  const others = [...processes.members.keys()].filter((index) => index !== leader);
  const connections = await Promise.all(others.map((index) => LoadConnection.open(cluster.address(index))));
  try {
    for (const connection of connections) await connection.unary(KVService.Put, { key });
    const startMs = performance.now();
    await processes.signal(leader, 'SIGKILL');
    await firstAcknowledged(connections, failoverMs);
    return performance.now() - startMs;
  } finally {
    for (const connection of connections) connection.close();
  }
}

/**
 * Puts to each of the others every 10 ms: some wait for a leader, some are refused for want of one.
 *
 * @throws Error when none is acknowledged in time
 */
export async function firstAcknowledged(
  connections: readonly Pick<LoadConnection, 'unary'>[],
  timeoutMs: number,
): Promise<void> {
  let isAcknowledged = false;
  for (const startMs = performance.now(); !isAcknowledged && performance.now() - startMs < timeoutMs; ) {
    for (const connection of connections) {
      connection.unary(KVService.Put, { key }).then(
        () => {
          isAcknowledged = true;
        },
        () => {},
      );
    }
    await delay(attemptMs);
  }
  if (!isAcknowledged)
    throw new Error(`no put is acknowledged within ${timeoutMs / 1000} s after the leader was killed`);
}

export const failoverRows: readonly ClusterRow[] = [
  {
    ...{ name: 'failover', title: 'leader killed until a put is acknowledged', on: 'own cluster' },
    figures: () => ({
      medianMs: { title: 'median of two kills', unit: 'ms', better: 'lower', target: 1 },
      longestMs: { title: 'longest of two kills', unit: 'ms', better: 'lower' },
    }),
    measure: async (cluster, _, { scale }) => {
      const times: number[] = [];
      for (let i = 0; i < (scale.isQuick ? 1 : killsInRound); i++) {
        times.push(await killLeader(cluster));
        cluster.processes.launch(cluster.leader);
        await cluster.processes.waitHealthy();
      }
      const { median, max } = spreadOf(times);
      return { medianMs: median, longestMs: max };
    },
  },
];
