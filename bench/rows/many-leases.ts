/** A million leases: what it takes to grant them, to know of them, to end some and to start with them. */
import { setTimeout as delay } from 'node:timers/promises';
import { LeaseGrantRequest, LeaseService } from '../../server/proto/gen/rpc.ts';
import type { BenchCluster } from '../cluster.ts';
import { memoryOf, processorMs } from '../engines/target.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import { Samples } from '../load/percentiles.ts';
import type { ClusterRow, Figure, Measured, Surroundings } from '../row.ts';
import { randomNumbers } from './dataset.ts';
import { measureExpiry } from './lease.ts';
import { restartMember } from './restart.ts';

const connections = 10;
const outstanding = 500;
/** Longer than any of these measurements. */
const ttlSeconds = 36_000;
const askedOneByOne = 1000;
/** Memory is looked at when what was written has settled. */
const settleMs = 300;

const largestMember = (cluster: BenchCluster): number =>
  Math.max(...memoryOf(cluster).map(({ ownBytes }) => ownBytes)) / 1e6;

/** @returns how long it took, in ms */
async function grantMany(opened: readonly LoadConnection[], count: number): Promise<number> {
  const head = (opened[0] as LoadConnection).head(LeaseService.LeaseGrant);
  let granted = 0;
  const next = () =>
    granted < count
      ? { head, message: framed(LeaseGrantRequest.encode({ ID: BigInt(++granted), TTL: ttlSeconds })) }
      : undefined;
  const startMs = performance.now();
  await runClosedLoop({ connections: opened, outstanding, durationMs: Number.POSITIVE_INFINITY, next });
  return performance.now() - startMs;
}

/** @returns the 99th percentile of calls for the time to live, one after the other, in ms */
async function askTimeToLive(connection: LoadConnection, count: number, calls: number): Promise<number> {
  const random = randomNumbers(count);
  const latencies = new Samples();
  for (let i = 0; i < calls; i++) {
    const startMs = performance.now();
    const { TTL } = await connection.unary(LeaseService.LeaseTimeToLive, { ID: BigInt(1 + random(count)) });
    if (TTL <= 0) throw new Error('a lease is gone that was granted for hours');
    latencies.add(performance.now() - startMs);
  }
  return latencies.percentiles(0.99)[0] as number;
}

async function measureMany(cluster: BenchCluster, _: unknown, { scale }: Surroundings): Promise<Measured> {
  const { manyLeases: count } = scale;
  const opened = await openConnections(cluster, connections);
  try {
    const [first] = opened as [LoadConnection];
    const emptyMegabytes = largestMember(cluster);
    const beforeMs = processorMs(cluster);
    const grantMs = await grantMany(opened, count);
    await delay(settleMs);
    const processor = (processorMs(cluster) - beforeMs) / 1000;
    const memory = largestMember(cluster) - emptyMegabytes;
    const listMs = performance.now();
    const { leases } = await first.unary(LeaseService.LeaseLeases, {});
    const list = (performance.now() - listMs) / 1000;
    if (leases.length !== count) throw new Error(`${leases.length} leases are listed, not ${count}`);
    const timeToLive = await askTimeToLive(first, count, scale.isQuick ? 100 : askedOneByOne);
    // The row `lease-expiry` shows that it runs: a lease of the shortest time takes longer than all of this.
    const expiry = scale.isQuick ? {} : { late: (await measureExpiry(cluster, scale)).lateSeconds as number };
    const restarted = await restartMember(cluster);
    return {
      ...{ grants: (1000 * count) / grantMs, processor, memory, list, timeToLive, ...expiry },
      ...{ restart: restarted.seconds, memoryAfter: restarted.memory.ownBytes / 1e6 },
    };
  } finally {
    for (const connection of opened) connection.close();
  }
}

const lower = (title: string, unit: string): Figure => ({ title, unit, better: 'lower' });

export const manyLeasesRows: readonly ClusterRow[] = [
  {
    ...{ name: 'many-leases', title: 'a million leases', on: 'own cluster', isLarge: true, maxRounds: 1 },
    figures: ({ isQuick }) => ({
      grants: { title: 'granted', unit: '/s', better: 'higher' },
      processor: lower('CPU of all members to grant', 's'),
      memory: lower('memory that they take in the largest member', 'MB'),
      list: lower('list', 's'),
      timeToLive: lower('p99 of time to live', 'ms'),
      ...(!isQuick && { late: lower('10,000 more that end: last key gone after the last was due', 's') }),
      restart: lower('restart of a member', 's'),
      memoryAfter: lower('memory of a member after its restart', 'MB'),
    }),
    measure: measureMany,
  },
];
