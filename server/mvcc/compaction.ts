import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { errStopped } from '../errors/etcd-error.ts';
import { KvHasher } from './hash.ts';
import type { KeepRule } from './keep.ts';
import { keepRule } from './keep.ts';
import type { RecordSource } from './read.ts';
import { decodeRevision, encodeRevision } from './revision.ts';

/** What a compaction is to do, and how it shares the process with everything else. */
export interface CompactionJob extends RecordSource {
  readonly revision: number;
  /** The compact revision before this one, from which on its hash counts every record. */
  readonly previousRevision: number;
  /** Records looked at in one go, and deleted in one commit. */
  readonly batchRecords: number;
  /** Waited for after each commit of deletions: gives the disk to others. */
  yieldControl(): Promise<void>;
  /** Asked whenever others had the event loop; true ends the compaction, to be taken up again by `restore`. */
  isStopped(): boolean;
  readonly observe?: CompactionObserver | undefined;
}

/** Gets what compactions cost, in milliseconds. */
export interface CompactionObserver {
  /** A stretch of the index, or a batch of records: nothing else ran meanwhile. */
  indexPaused?(durationMs: number): void;
  recordsPaused?(durationMs: number): void;
  /** So many records were deleted. */
  deleted?(records: number): void;
  /** A whole compaction. */
  finished?(durationMs: number): void;
}

/**
 * Deletes from index and backend what a compaction at `revision` does not retain (contract: disk-and-peer §5.2). Puts
 * may go on meanwhile: they are all after `revision`.
 *
 * @returns the hash of the records up to `revision` as they were before
 * @throws EtcdError Unavailable when it was stopped
 */
export async function compactRecords(job: CompactionJob): Promise<number> {
  const { index, revision, observe } = job;
  const startMs = performance.now();
  const { keeps } = keepRule(index, (history) => history.retained(revision));
  const hasher = new KvHasher(job.previousRevision, keeps);
  await compactIndex(job);
  const end = encodeRevision(revision + 1, 0);
  let start: Buffer | undefined = encodeRevision(0, 0);
  let uncommitted = 0;
  while (start !== undefined) {
    const batchMs = performance.now();
    const batch = compactBatch(job, hasher, keeps, { start, end, maxDeleted: job.batchRecords - uncommitted });
    const tookMs = performance.now() - batchMs;
    observe?.recordsPaused?.(tookMs);
    observe?.deleted?.(batch.deleted);
    start = batch.next;
    uncommitted += batch.deleted;
    if (start === undefined) break;
    // What is deleted lies on pages all over the file: more of it would make one commit that holds everything up.
    if (uncommitted >= job.batchRecords) {
      await job.backend.commit();
      await job.yieldControl();
      uncommitted = 0;
    } else {
      await leaveTime(tookMs);
    }
    checkGoingOn(job);
  }
  observe?.finished?.(performance.now() - startMs);
  return hasher.sum;
}

interface Stretch {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly maxDeleted: number;
}

/** @returns where the next batch begins, undefined when this one was the last; and how many records it has deleted */
function compactBatch(
  job: CompactionJob,
  hasher: KvHasher,
  retains: KeepRule,
  { start, end, maxDeleted }: Stretch,
): { next: Buffer | undefined; deleted: number } {
  const { backend } = job;
  const deleted: Buffer[] = [];
  let records = 0;
  let next: Buffer | undefined;
  backend.scan('key', start, end, (key, value) => {
    if (records++ === job.batchRecords || deleted.length === maxDeleted) {
      next = Buffer.from(key);
      return false;
    }
    hasher.add(key, value);
    if (!retains(decodeRevision(key), value)) deleted.push(Buffer.from(key));
    return true;
  });
  for (const key of deleted) backend.delete('key', key);
  return { next, deleted: deleted.length };
}

/** Keys are cheaper to look at than records; this keeps a batch of either about as long. */
const keysPerRecord = 10;

async function compactIndex(job: CompactionJob): Promise<void> {
  const { index, revision } = job;
  let start: string | undefined = '';
  while (start !== undefined) {
    const startMs = performance.now();
    const emptied: string[] = [];
    let keys = 0;
    let next: string | undefined;
    index.ascend(start, undefined, (key, history) => {
      if (keys++ === job.batchRecords * keysPerRecord) {
        next = key;
        return false;
      }
      if (history.compact(revision)) emptied.push(key);
      return true;
    });
    for (const key of emptied) index.delete(key);
    const tookMs = performance.now() - startMs;
    job.observe?.indexPaused?.(tookMs);
    start = next;
    if (start === undefined) return;
    await leaveTime(tookMs);
    checkGoingOn(job);
  }
}

/** Others get as much time as was taken, so that a request, which takes several turns, does not wait in each of them. */
async function leaveTime(tookMs: number): Promise<void> {
  if (tookMs < 1) await setImmediate();
  else await delay(tookMs);
}

function checkGoingOn(job: CompactionJob): void {
  if (job.isStopped()) throw errStopped();
}
