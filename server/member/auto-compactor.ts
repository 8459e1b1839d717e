/**
 * Automatic compaction (`--auto-compaction-mode`, `--auto-compaction-retention`; contract: api.md §2.8). Every member
 * watches, so that a new leader knows the past; the leader alone compacts.
 */
import type { Clock } from '../base/clock.ts';
import { formatGoDuration } from '../base/go-duration.ts';
import type { Logger } from '../base/logger.ts';
import { errCompacted } from '../errors/etcd-error.ts';
import { Repeated } from './repeated.ts';

const hourMs = 3_600_000;
/** In mode `periodic`, so many looks are taken in the time between two compactions. */
const looksPerCompaction = 10;
const revisionModeIntervalMs = 5 * 60_000;

export interface AutoCompaction {
  readonly mode: 'periodic' | 'revision';
  /** What is kept: milliseconds of history in mode `periodic`, revisions in mode `revision`; 0 for no compaction. */
  readonly retention: number;
}

export interface AutoCompactorParts {
  currentRevision(): number;
  isLeader(): boolean;
  /** Rejects with `errCompacted` when that has been done already. */
  compact(revision: number): Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @returns what compacts once it is started; undefined when nothing is to be compacted */
export function autoCompactor({ mode, retention }: AutoCompaction, parts: AutoCompactorParts): Repeated | undefined {
  if (retention <= 0) return undefined;
  return mode === 'periodic' ? periodic(retention, parts) : byRevision(retention, parts);
}

/**
 * Keeps what was current at any time of the last `retentionMs`: for the first time when that has passed, and then as
 * often, but at least once an hour. What fails is tried again at the next look.
 */
function periodic(retentionMs: number, parts: AutoCompactorParts): Repeated {
  const { clock } = parts;
  const intervalMs = Math.min(retentionMs, hourMs);
  const lookMs = intervalMs / looksPerCompaction;
  const looks = Math.round(retentionMs / lookMs);
  let dueMs = clock.now() + retentionMs;
  let lastRevision = 0;
  /** At each look of the retention time, the oldest first. */
  let revisions = [parts.currentRevision()];
  const look = async (): Promise<void> => {
    revisions = [...revisions, parts.currentRevision()].slice(-(looks + 1));
    const revision = revisions[0] as number;
    // A timer may go off a moment early.
    const isDue = clock.now() > dueMs - lookMs / 2;
    if (!parts.isLeader() || !isDue || revision === lastRevision) return;
    await compact(parts, revision, { 'compact-period': formatGoDuration(retentionMs) });
    lastRevision = revision;
    dueMs = clock.now() + intervalMs;
  };
  return new Repeated(clock, lookMs, look, (error) => warn(parts, error));
}

/** Keeps the last `retention` revisions. */
function byRevision(retention: number, parts: AutoCompactorParts): Repeated {
  let lastRevision = 0;
  const look = async (): Promise<void> => {
    const revision = parts.currentRevision() - retention;
    if (!parts.isLeader() || revision <= 0 || revision === lastRevision) return;
    await compact(parts, revision, { 'revision-compaction-retention': retention });
    lastRevision = revision;
  };
  return new Repeated(parts.clock, revisionModeIntervalMs, look, (error) => warn(parts, error));
}

async function compact(parts: AutoCompactorParts, revision: number, rule: Record<string, unknown>): Promise<void> {
  const { log } = parts;
  log.info('starting auto compaction', { revision, ...rule });
  try {
    await parts.compact(revision);
  } catch (error) {
    if ((error as Error).message !== errCompacted().message) throw error;
  }
  log.info('completed auto compaction', { revision, ...rule });
}

function warn({ log }: AutoCompactorParts, error: Error): void {
  log.warn('failed auto compaction', { error: error.message });
}
