/** How cost grows: with clients, with the size of values, with the number of keys. */
import { setTimeout as delay } from 'node:timers/promises';
import { KVService, MaintenanceService, PutRequest, RangeRequest } from '../../server/proto/gen/rpc.ts';
import type { BenchCluster } from '../cluster.ts';
import { memoryOf, processorMs } from '../engines/target.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import type { LoadResult } from '../load/percentiles.ts';
import type { ClusterRow, Figure, LoadRow, Measured, Scale, Surroundings } from '../row.ts';
import { keyOf, putMany, randomNumbers } from './dataset.ts';
import { loadFigures, measureCall } from './repeated-call.ts';
import { restartMember } from './restart.ts';

const thousand = (count: number): string => count.toLocaleString('en-US');

/** Number of clients, and how many calls they make together: about half a second of them. */
const clientCounts: readonly (readonly [clients: number, calls: number])[] = [
  [1, 500],
  [10, 3000],
  [100, 10_000],
  [1000, 20_000],
];

const clientRows: readonly LoadRow[] = clientCounts.map(([clients, calls]) => {
  const growth = (of: string): Pick<Figure, 'growth'> => ({ growth: { of, with: 'clients', at: clients } });
  return {
    ...{ name: `clients-${clients}`, title: `put, clients with one call each: ${thousand(clients)}` },
    ...{ on: 'shared cluster', hasCeiling: true },
    figures: () => {
      const { perSecond, p99Ms } = loadFigures();
      return {
        perSecond: { ...perSecond, ...growth('puts') },
        p99Ms: { ...p99Ms, ...growth('p99 of puts') },
      };
    },
    measure: (target, surroundings) =>
      measureCall(putOf(32), { connections: clients, streams: 1, calls }, target, surroundings),
  };
});

function putOf(valueBytes: number) {
  return {
    method: KVService.Put,
    request: { key: Buffer.alloc(12, 'k'), value: Buffer.alloc(valueBytes, 'v') },
    answerBytes: 33,
    isRight: ({ header }: { header?: { revision: number } | undefined }) => (header?.revision ?? 0) > 1,
  };
}

const valueSizes = [64, 1024, 16_384, 262_144, 1_000_000];

/** In a cluster of its own: what it leaves behind is large. */
const valueRow: ClusterRow = {
  ...{ name: 'values', title: 'put of larger values, 10 outstanding', on: 'own cluster', maxRounds: 2 },
  figures: () =>
    Object.fromEntries(
      valueSizes.flatMap((sizeBytes): [string, Figure][] => {
        const growth = (of: string): Pick<Figure, 'growth'> => ({
          growth: { of, with: 'bytes of value', at: sizeBytes },
        });
        const title = `${thousand(sizeBytes)} bytes`;
        return [
          [`perSecond-${sizeBytes}`, { title, unit: '/s', better: 'higher', ...growth('puts') }],
          [`p99Ms-${sizeBytes}`, { title: `p99, ${title}`, unit: 'ms', better: 'lower', ...growth('p99 of puts') }],
        ];
      }),
    ),
  measure: async (cluster, _, surroundings) => {
    const measured: Record<string, number> = {};
    for (const sizeBytes of valueSizes) {
      const { perSecond, p99Ms } = await measureCall(
        putOf(sizeBytes),
        { connections: 10, streams: 1 },
        cluster,
        surroundings,
      );
      measured[`perSecond-${sizeBytes}`] = perSecond as number;
      measured[`p99Ms-${sizeBytes}`] = p99Ms as number;
    }
    return measured;
  },
};

/** Before the keys that `measureKeys` loads. */
export const keyPrefix = 'grown/';
const valueBytes = 256;
const outstanding = 100;
const connections = 10;
/** Memory and database are looked at when what was written has settled. */
const settleMs = 300;

/** @returns throughput of puts and of linearizable ranges of keys that are drawn */
async function loadKeys(
  opened: readonly LoadConnection[],
  { keys, durationMs, what }: { keys: number; durationMs: number; what: 'put' | 'range' },
): Promise<LoadResult> {
  const [first] = opened as [LoadConnection];
  const head = first.head(what === 'put' ? KVService.Put : KVService.Range);
  const random = randomNumbers(keys);
  const value = Buffer.alloc(valueBytes, 'w');
  const next = () => {
    const key = keyOf(keyPrefix, random(keys));
    const message =
      what === 'put'
        ? PutRequest.encode(PutRequest.create({ key, value }))
        : RangeRequest.encode(RangeRequest.create({ key }));
    return { head, message: framed(message) };
  };
  return await runClosedLoop({ connections: opened, outstanding, durationMs, next });
}

/** What a cluster with so many keys does and takes. */
export async function measureKeys(cluster: BenchCluster, from: number, keys: number, scale: Scale): Promise<Measured> {
  const opened = await openConnections(cluster, connections);
  try {
    const beforeMs = processorMs(cluster);
    const loadMs = await putMany(opened, { prefix: keyPrefix, from, to: keys, valueBytes });
    await delay(settleMs);
    const loadProcessorMs = processorMs(cluster) - beforeMs;
    const { dbSize } = await (opened[0] as LoadConnection).unary(MaintenanceService.Status, {});
    const memories = memoryOf(cluster);
    const { durationMs, warmUpMs } = scale;
    await loadKeys(opened, { keys, durationMs: warmUpMs, what: 'range' });
    const ranges = await loadKeys(opened, { keys, durationMs, what: 'range' });
    const puts = await loadKeys(opened, { keys, durationMs, what: 'put' });
    const restarted = await restartMember(cluster);
    return {
      load: (1000 * (keys - from)) / loadMs,
      ...{ ranges: ranges.perSecond, puts: puts.perSecond, putP99: puts.p99Ms },
      ...{ loadProcessor: loadProcessorMs / 1000, database: dbSize / 1e6, restart: restarted.seconds },
      memory: Math.max(...memories.map(({ ownBytes }) => ownBytes)) / 1e6,
      resident: Math.max(...memories.map(({ residentBytes }) => residentBytes)) / 1e6,
      ...{ memoryAfter: restarted.memory.ownBytes / 1e6, residentAfter: restarted.memory.residentBytes / 1e6 },
    };
  } finally {
    for (const connection of opened) connection.close();
  }
}

export function keyFigures(keys: number): Record<string, Figure> {
  const point = (of: string, unit: string, better: Figure['better']): Figure => ({
    ...{ title: `${of}, ${thousand(keys)} keys`, unit, better },
    growth: { of, with: 'keys', at: keys },
  });
  return {
    load: point('keys loaded', '/s', 'higher'),
    ranges: point('ranges of one key', '/s', 'higher'),
    puts: point('puts', '/s', 'higher'),
    putP99: point('p99 of puts', 'ms', 'lower'),
    memory: point('memory of the largest member', 'MB', 'lower'),
    resident: point('memory with mapped files of the largest member', 'MB', 'lower'),
    loadProcessor: point('CPU of all members to load', 's', 'lower'),
    memoryAfter: point('memory of a member after its restart', 'MB', 'lower'),
    residentAfter: point('memory with mapped files of a member after its restart', 'MB', 'lower'),
    database: point('database', 'MB', 'lower'),
    restart: point('restart of a member', 's', 'lower'),
  };
}

const keyRow: ClusterRow = {
  ...{ name: 'keys', title: 'keys of 256 bytes', on: 'own cluster', isLarge: true },
  figures: ({ keys }) =>
    Object.fromEntries(
      keys.flatMap((count) => Object.entries(keyFigures(count)).map(([name, figure]) => [`${name}-${count}`, figure])),
    ),
  measure: async (cluster, _, { scale }: Surroundings) => {
    const measured: Record<string, number> = {};
    let from = 0;
    for (const keys of scale.keys) {
      const point = await measureKeys(cluster, from, keys, scale);
      for (const [name, value] of Object.entries(point)) measured[`${name}-${keys}`] = value;
      from = keys;
    }
    return measured;
  },
};

export const growthRows: readonly (LoadRow | ClusterRow)[] = [...clientRows, valueRow, keyRow];
