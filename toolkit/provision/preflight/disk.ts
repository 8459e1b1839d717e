/** Disk space, and how long the disk takes to make a write durable: every write of a cluster waits for that. */
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Finding, ok, problem } from './finding.ts';

const mebibyte = 1024 * 1024;
/** Each member preallocates two WAL segments of 64 MB, and keeps its database. */
const neededPerMemberMiB = 200;
const comfortablePerMemberMiB = 1024;
/** etcd's documentation wants the 99th percentile of fsync below 10 ms. */
const slowSyncMs = 10;
const samples = 40;
const maxMeasureMs = 1500;

/** @param directory may not exist yet: then its nearest existing parent is measured */
export async function checkDisk(directory: string, members: number): Promise<Finding[]> {
  return [await checkSpace(directory, members), await checkSync(directory)];
}

async function checkSpace(directory: string, members: number): Promise<Finding> {
  const { bavail, bsize } = await statfs(await existingParent(directory));
  const freeMiB = Math.floor((bavail * bsize) / mebibyte);
  const needed = members * neededPerMemberMiB;
  const comfortable = members * comfortablePerMemberMiB;
  const advice = 'free some space, or put the state elsewhere with --state-dir';
  if (freeMiB < needed) {
    return problem('error', 'disk-space', directory, `${freeMiB} MiB free, ${needed} MiB needed`, advice);
  }
  if (freeMiB < comfortable) {
    return problem('warning', 'disk-space', directory, `${freeMiB} MiB free, ${comfortable} MiB advised`, advice);
  }
  return ok('disk-space', directory, `${Math.floor(freeMiB / 1024)} GiB free`);
}

async function checkSync(directory: string): Promise<Finding> {
  const parent = await existingParent(directory);
  const times = await measureSync(parent);
  const slowest = percentile99(times);
  const found = `fdatasync takes ${slowest.toFixed(1)} ms (99th percentile of ${times.length})`;
  if (slowest <= slowSyncMs) return ok('disk-sync', directory, found);
  return problem(
    'warning',
    'disk-sync',
    directory,
    `${found}, below ${slowSyncMs} ms is wanted`,
    'expect slow writes and, under load, changes of leader; a local SSD is best',
  );
}

/** @param times at least one */
export function percentile99(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] as number;
}

/** @returns milliseconds of each of up to 40 appends of a small raft entry */
async function measureSync(parent: string): Promise<number[]> {
  const scratch = await mkdtemp(join(parent, '.etcdlab-fsync-'));
  const times: number[] = [];
  try {
    const handle = await open(join(scratch, 'wal'), 'w', 0o600);
    try {
      const entry = Buffer.alloc(2300, 1);
      const end = performance.now() + maxMeasureMs;
      // The first write also allocates and is no sample.
      for (let i = 0; i <= samples && (performance.now() < end || times.length === 0); i++) {
        const start = performance.now();
        await handle.write(entry);
        await handle.datasync();
        if (i > 0) times.push(performance.now() - start);
      }
    } finally {
      await handle.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return times;
}

async function existingParent(directory: string): Promise<string> {
  for (let path = directory; ; path = dirname(path)) {
    const isThere = await statfs(path).then(
      () => true,
      () => false,
    );
    if (isThere || path === dirname(path)) return path;
  }
}
