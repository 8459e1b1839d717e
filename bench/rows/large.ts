/** A large database: what it takes, and how long it takes to start, save, restore, defragment and compact it. */
import { execFile } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Executables } from '../../scripts/build.ts';
import { KVService, MaintenanceService } from '../../server/proto/gen/rpc.ts';
import type { BenchCluster } from '../cluster.ts';
import { within } from '../deadline.ts';
import { LoadConnection, openConnections } from '../load/connection.ts';
import { spreadOf } from '../report/statistics.ts';
import type { ClusterRow, Figure, Measured, Surroundings } from '../row.ts';
import { putMany } from './dataset.ts';
import { keyFigures, keyPrefix, measureKeys } from './growth.ts';

const run = promisify(execFile);
const valueBytes = 256;
const gigabyteValueBytes = 8192;
const connections = 10;
/** Share of the keys that is written again, so that there is something to compact. */
const rewrittenShare = 0.2;
const commandMs = 120_000;

interface Timed {
  readonly seconds: number;
  /** The longest and the 99th percentile of puts that were made meanwhile. */
  readonly longestMs: number;
  readonly p99Ms: number;
}

/** Does something while puts of one client come one after another. */
async function timeWithPuts(cluster: BenchCluster, what: string, work: () => Promise<unknown>): Promise<Timed> {
  const connection = await LoadConnection.open(cluster);
  const latencies: number[] = [];
  let isOver = false;
  const writing = (async () => {
    do {
      const startMs = performance.now();
      await connection.unary(KVService.Put, { key: Buffer.from('meanwhile'), value: Buffer.alloc(valueBytes) });
      latencies.push(performance.now() - startMs);
    } while (!isOver);
  })();
  const startMs = performance.now();
  try {
    await within(commandMs, what, work());
    const seconds = (performance.now() - startMs) / 1000;
    isOver = true;
    await within(commandMs, `puts during ${what}`, writing);
    const sorted = latencies.toSorted((a, b) => a - b);
    const p99Ms = sorted[Math.ceil(0.99 * sorted.length) - 1] as number;
    return { seconds, longestMs: spreadOf(latencies).max, p99Ms };
  } finally {
    isOver = true;
    connection.close();
    writing.catch(() => {});
  }
}

/** @returns MB a second of saving, checking and restoring a snapshot with the engine's own tools */
async function measureSnapshot(
  cluster: BenchCluster,
  { etcdctl, etcdutl }: Executables,
  scratch: string,
): Promise<Measured> {
  const file = path.join(scratch, 'snapshot.db');
  const timed = async (program: string, ...args: string[]): Promise<number> => {
    const startMs = performance.now();
    await run(program, args, { timeout: commandMs, env: { PATH: process.env.PATH } });
    return (performance.now() - startMs) / 1000;
  };
  const authority = path.join(scratch, 'ca.pem');
  if (cluster.ca !== undefined) await writeFile(authority, cluster.ca);
  const tls = cluster.ca === undefined ? [] : [`--cacert=${authority}`];
  const save = await timed(etcdctl, `--endpoints=${cluster.url}`, ...tls, 'snapshot', 'save', file);
  const status = await timed(etcdutl, 'snapshot', 'status', file);
  const restore = await timed(etcdutl, 'snapshot', 'restore', file, `--data-dir=${path.join(scratch, 'restored')}`);
  const megabytes = (await stat(file)).size / 1e6;
  return { save: megabytes / save, status: megabytes / status, restore: megabytes / restore };
}

/** Writes some keys again, and compacts what they were before. */
async function measureCompaction(cluster: BenchCluster, keys: number): Promise<Timed> {
  const opened = await openConnections(cluster, connections);
  try {
    await putMany(opened, { prefix: keyPrefix, to: Math.ceil(rewrittenShare * keys), valueBytes });
    const [first] = opened as [LoadConnection];
    const revision = (await first.unary(KVService.Range, { key: Buffer.from(keyPrefix) })).header?.revision ?? 0;
    return await timeWithPuts(cluster, 'compaction', () =>
      first.unary(KVService.Compact, { revision, physical: true }),
    );
  } finally {
    for (const connection of opened) connection.close();
  }
}

async function measureDefragmentation(cluster: BenchCluster): Promise<Timed> {
  const connection = await LoadConnection.open(cluster);
  try {
    return await timeWithPuts(cluster, 'defragmentation', () => connection.unary(MaintenanceService.Defragment, {}));
  } finally {
    connection.close();
  }
}

async function measureLarge(
  cluster: BenchCluster,
  executables: Executables,
  { scale, scratch }: Surroundings,
): Promise<Measured> {
  const keys = await measureKeys(cluster, 0, scale.largeKeys, scale);
  await cluster.findLeader();
  const snapshot = await measureSnapshot(cluster, executables, scratch);
  const compaction = await measureCompaction(cluster, scale.largeKeys);
  const defragmentation = await measureDefragmentation(cluster);
  return {
    ...{ ...keys, ...snapshot, compaction: compaction.seconds, compactionP99: compaction.p99Ms },
    ...{ compactionLongest: compaction.longestMs, defragmentation: defragmentation.seconds },
    ...{ defragmentationP99: defragmentation.p99Ms, defragmentationLongest: defragmentation.longestMs },
  };
}

/** Larger values: a gigabyte in the file, and few keys in memory. */
async function measureGigabyte(
  cluster: BenchCluster,
  executables: Executables,
  { scale, scratch }: Surroundings,
): Promise<Measured> {
  const opened = await openConnections(cluster, connections);
  try {
    await putMany(opened, { prefix: keyPrefix, to: scale.gigabyteKeys, valueBytes: gigabyteValueBytes });
  } finally {
    for (const connection of opened) connection.close();
  }
  await cluster.findLeader();
  return await measureSnapshot(cluster, executables, scratch);
}

const snapshotFigures: Readonly<Record<'save' | 'status' | 'restore', Figure>> = {
  save: rate('etcdctl snapshot save'),
  status: rate('etcdutl snapshot status'),
  restore: rate('etcdutl snapshot restore'),
};

const time = (title: string, unit: 's' | 'ms'): Figure => ({ title, unit, better: 'lower' });

function rate(title: string): Figure {
  return { title, unit: 'MB/s', better: 'higher', target: 1 };
}

function figures(largeKeys: number): Record<string, Figure> {
  const { memory, restart, ...others } = keyFigures(largeKeys) as Record<'memory' | 'restart', Figure>;
  return {
    ...others,
    memory: { ...memory, target: 0.5 },
    restart: { ...restart, target: 1 },
    ...snapshotFigures,
    compaction: time('compaction of a fifth', 's'),
    compactionP99: time('p99 of puts during compaction', 'ms'),
    compactionLongest: time('longest put during compaction', 'ms'),
    defragmentation: time('defragmentation of the leader', 's'),
    defragmentationP99: time('p99 of puts during defragmentation', 'ms'),
    defragmentationLongest: time('longest put during defragmentation', 'ms'),
  };
}

export const largeRows: readonly ClusterRow[] = [
  {
    ...{ name: 'large', title: 'large database', on: 'own cluster', isLarge: true },
    figures: ({ largeKeys }) => figures(largeKeys),
    measure: measureLarge,
  },
  {
    ...{ name: 'gigabyte', title: 'database of 1 GB', on: 'own cluster', isLarge: true },
    figures: () => snapshotFigures,
    measure: measureGigabyte,
  },
];
