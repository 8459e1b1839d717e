/**
 * What becomes of clients that watch. A client that was told of a revision asks for what comes after it. In a cluster
 * that was restored to an earlier revision those numbers are given out a second time, and it is told nothing of that,
 * unless the restore has raised the revision and marked its past as compacted.
 */
import type { EtcdClient } from '../../server/client/mod.ts';
import { type Check, judgeReading } from './check.ts';
import { isFailure, type Observation, type Reference } from './evidence.ts';

/** What a watch is told that goes on after the last revision of before. */
export type WatchReading =
  | { cancelled: true; compactRevision: number }
  /** It waits for what it asks for; the member is at this revision. */
  | { cancelled: false; atRevision: number };

export interface WatchReport {
  heldRevision: number;
  outcome: 'cancelled' | 'misses' | 'unknown';
  missed?: { from: number; to: number };
}

const deadlineMs = 15_000;
const watchedKey = Buffer.from('etcdlab-drill/watched');

/**
 * A member says of each watch that it is created, and at which revision it is itself: one that asks for a later revision
 * is taken all the same, and waits. One whose past is compacted is cancelled soon after.
 *
 * @param heldRevision the last one that the watch was told of
 * @throws RpcError; Error when the member says neither within 15 s
 */
export async function readWatch(
  client: EtcdClient,
  endpoint: string,
  heldRevision: number,
  signal: AbortSignal,
): Promise<WatchReading> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const create = { key: watchedKey, start_revision: heldRevision + 1 };
  try {
    const responses = client.watch(create, { endpoint, signal: AbortSignal.any([signal, deadline]) });
    for await (const { created, canceled, compact_revision, header } of responses) {
      if (canceled) return { cancelled: true, compactRevision: compact_revision };
      const atRevision = header?.revision ?? 0;
      if (created && atRevision <= heldRevision) return { cancelled: false, atRevision };
    }
  } catch (error) {
    if (!deadline.aborted) throw error;
  }
  throw new Error(`a watch from revision ${heldRevision + 1} on is neither cancelled nor made to wait within 15 s`);
}

/** Only a restored cluster gives out revisions twice. */
export function checkWatch(reference: Reference, { member, watch }: Observation): Check[] {
  if (reference.outcome !== 'restored') return [];
  const { lastRevision: held, bumpedBy = 0 } = reference;
  const missed = missedRevisions(reference);
  const expected =
    bumpedBy > 0
      ? `a watch that goes on after revision ${held} is cancelled: what it asks for is compacted`
      : missed === undefined
        ? `a watch that goes on after revision ${held} misses nothing`
        : `restored without raising the revision, so that a watch that goes on after ${held} misses ${missed.from} to ${missed.to}`;
  return [
    judgeReading({ name: 'watch-continuity', member, expected }, watch, (told) => ({
      passed: told.cancelled === bumpedBy > 0,
      observed: told.cancelled
        ? `it is cancelled: compacted at revision ${told.compactRevision}`
        : `it waits, at revision ${told.atRevision}`,
    })),
  ];
}

/** @returns what it means for clients that watched before; undefined unless the cluster was restored and asked */
export function watchReport(reference: Reference, observations: readonly Observation[]): WatchReport | undefined {
  const readings = observations.flatMap(({ watch }) => watch ?? []);
  if (reference.outcome !== 'restored' || readings.length === 0) return undefined;
  const heldRevision = reference.lastRevision;
  if (readings.every((told) => !isFailure(told) && told.cancelled)) return { heldRevision, outcome: 'cancelled' };
  if (!readings.every((told) => !isFailure(told) && !told.cancelled)) return { heldRevision, outcome: 'unknown' };
  const missed = missedRevisions(reference);
  return { heldRevision, outcome: 'misses', ...(missed && { missed }) };
}

/** Revisions that the clients of before were told of, and that the restored cluster gives to other writes. */
function missedRevisions({ revision, lastRevision }: Reference): { from: number; to: number } | undefined {
  return lastRevision > revision ? { from: revision + 1, to: lastRevision } : undefined;
}
