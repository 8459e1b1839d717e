/** A member that ends and comes back. */
import { KVService } from '../../server/proto/gen/rpc.ts';
import type { BenchCluster } from '../cluster.ts';
import { until } from '../deadline.ts';
import { type Memory, memoryOf } from '../engines/target.ts';
import { LoadConnection } from '../load/connection.ts';

const restartMs = 120_000;

/**
 * Ends a follower as systemd does, and starts it again.
 *
 * @returns the time from its start until it has answered a linearizable read, and its memory then
 */
export async function restartMember(cluster: BenchCluster): Promise<{ seconds: number; memory: Memory }> {
  await cluster.findLeader();
  const { processes, leader } = cluster;
  const index = (leader + 1) % processes.members.length;
  await processes.signal(index, 'SIGTERM');
  const startMs = performance.now();
  processes.launch(index);
  await until(restartMs, 'the restarted member does not answer', () => readFrom(cluster, index));
  const seconds = (performance.now() - startMs) / 1000;
  return { seconds, memory: memoryOf(cluster)[index] as Memory };
}

async function readFrom(cluster: BenchCluster, index: number): Promise<void> {
  const connection = await LoadConnection.open(cluster.address(index));
  try {
    await connection.unary(KVService.Range, { key: Buffer.from('health') });
  } finally {
    connection.close();
  }
}
