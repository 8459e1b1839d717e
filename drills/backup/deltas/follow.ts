/** Follows a cluster: what it does from the last recorded revision on goes into a chain. */
import { setTimeout as delay } from 'node:timers/promises';
import { type EtcdClient, RpcError } from '../../../server/client/mod.ts';
import { Code } from '../../../server/errors/etcd-error.ts';
import { Event } from '../../../server/proto/gen/kv.ts';
import type { WatchResponse } from '../../../server/proto/gen/rpc.ts';
import { LabError } from '../../../toolkit/errors.ts';
import type { ChainWriter, ReceivedRevision } from './chain-writer.ts';
import { fork } from './continuity.ts';
import { LeaseTimes } from './lease-times.ts';

/** What it needs of a client. */
export type FollowedCluster = Pick<EtcdClient, 'range' | 'watch' | 'leaseTimeToLive'>;

/** Every key there can be. */
const wholeKeySpace = { key: Buffer.of(0), range_end: Buffer.of(0) };
/** How often the cluster is asked how far it is: that shows how far the log is behind, and that it is not. */
const askEveryMs = 10_000;
/** A log that is behind for this long, and gets nothing, has a connection that is dead. */
const deadAfterMs = 30_000;

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Return as soon as the log has what the cluster has now. */
  readonly untilCaughtUp?: boolean | undefined;
  /** Told of each step: how far the log is, and how far the cluster. */
  readonly onProgress?: ((recorded: number, cluster: number) => void) | undefined;
  readonly askEveryMs?: number | undefined;
  readonly now?: () => number;
}

/**
 * Reads over one connection. The last recorded revision is asked for once more, and compared: that shows a cluster that
 * was restored meanwhile and has written on.
 *
 * @throws RpcError when the connection is lost; call it again, with a new client
 * @throws LabError LAB_DELTA_FORK when the cluster is another one, or has another history; LAB_DELTA_GAP when it has
 *   compacted what comes next: a new chain must begin with a new full backup. LAB_DELTA_WRITE
 */
export async function follow(client: FollowedCluster, writer: ChainWriter, options: FollowOptions): Promise<void> {
  const { now = Date.now, onProgress } = options;
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, done.signal]);
  let clusterRevision = await requireSameHistory(client, writer, signal);
  /** What is up to here had happened before this connection was made. */
  const lateUntil = clusterRevision;
  const hasCaughtUp = (): boolean => options.untilCaughtUp === true && writer.lastRevision >= lateUntil;
  if (hasCaughtUp()) return;
  const leases = new LeaseTimes(client, writer, signal);
  leases.learn(writer.unknownLeases);
  let failure: unknown;
  const asking = askOnAndOn(client, writer, {
    signal,
    everyMs: options.askEveryMs ?? askEveryMs,
    onAnswer: (revision) => {
      clusterRevision = Math.max(clusterRevision, revision);
      onProgress?.(writer.lastRevision, clusterRevision);
    },
  }).catch((error: unknown) => {
    failure ??= error;
    done.abort();
  });
  try {
    const start_revision = Math.max(writer.lastRevision, writer.baseRevision + 1);
    const watch = client.watch({ ...wholeKeySpace, start_revision }, { signal });
    for await (const response of watch) {
      requireWatch(response, writer);
      for (const [isLate, revisions] of partition(byRevision(response), lateUntil)) {
        await writer.record(revisions, { atMs: now(), isLate });
      }
      leases.learn(response.events.map(({ kv }) => kv?.lease ?? 0n));
      clusterRevision = Math.max(clusterRevision, writer.lastRevision);
      onProgress?.(writer.lastRevision, clusterRevision);
      if (hasCaughtUp()) return;
    }
  } catch (error) {
    if (!options.signal.aborted) throw failure ?? error;
  } finally {
    if (!done.signal.aborted) await leases.settled();
    done.abort();
    await asking;
  }
}

/** @returns the cluster's revision, as a quorum has it */
async function requireSameHistory(client: FollowedCluster, writer: ChainWriter, signal: AbortSignal): Promise<number> {
  const { header } = await client.range({ key: wholeKeySpace.key, count_only: true }, { signal, timeoutMs: 5000 });
  const [revision, clusterId] = [header?.revision ?? 0, (header?.cluster_id ?? 0n).toString(16)];
  if (clusterId !== writer.clusterId) {
    throw new LabError('LAB_DELTA_FORK', `this is cluster ${clusterId}, the delta log is of ${writer.clusterId}`);
  }
  if (revision < writer.lastRevision) throw fork(writer.lastRevision, `is recorded, and the cluster is at ${revision}`);
  return revision;
}

interface AskOptions {
  readonly signal: AbortSignal;
  readonly everyMs: number;
  onAnswer(revision: number): void;
}

/** A linearizable read says how far the cluster is; one that finds the log to be as far leaves a mark. */
async function askOnAndOn(
  client: FollowedCluster,
  writer: ChainWriter,
  { signal, everyMs, onAnswer }: AskOptions,
): Promise<void> {
  let behindSince: number | undefined;
  let lastSeen = writer.lastRevision;
  for (;;) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const askedAt = Date.now();
    const revision = await requireSameHistory(client, writer, signal);
    onAnswer(revision);
    if (revision <= writer.lastRevision) await writer.mark(revision, askedAt);
    const isStuck = revision > writer.lastRevision && writer.lastRevision === lastSeen;
    lastSeen = writer.lastRevision;
    behindSince = isStuck ? (behindSince ?? performance.now()) : undefined;
    if (behindSince !== undefined && performance.now() - behindSince > deadAfterMs) {
      throw new RpcError(Code.Unavailable, `nothing comes after revision ${lastSeen}, the cluster is at ${revision}`);
    }
  }
}

/** @throws LabError LAB_DELTA_GAP, LAB_DELTA_FORK; RpcError when the watch is ended for another reason */
function requireWatch({ header, canceled, compact_revision, cancel_reason }: WatchResponse, writer: ChainWriter): void {
  if (header !== undefined && header.cluster_id.toString(16) !== writer.clusterId) {
    throw new LabError('LAB_DELTA_FORK', `this is cluster ${header.cluster_id.toString(16)}, not ${writer.clusterId}`);
  }
  if (compact_revision > 0) {
    const message = `the cluster was compacted at revision ${compact_revision}, the delta log ends at ${writer.lastRevision}`;
    throw new LabError('LAB_DELTA_GAP', message);
  }
  if (canceled) throw new RpcError(Code.Unavailable, `the member ended the watch: ${cancel_reason}`);
}

function byRevision({ events }: WatchResponse): ReceivedRevision[] {
  const revisions: { revision: number; events: Uint8Array[] }[] = [];
  for (const event of events) {
    const revision = event.kv?.mod_revision ?? 0;
    const last = revisions.at(-1);
    if (last?.revision === revision) last.events.push(Event.encode(event));
    else revisions.push({ revision, events: [Event.encode(event)] });
  }
  return revisions;
}

/** Those up to a revision, and those after it, without a part that is empty. */
function partition(revisions: ReceivedRevision[], lateUntil: number): [isLate: boolean, ReceivedRevision[]][] {
  const late = revisions.filter(({ revision }) => revision <= lateUntil);
  const live = revisions.slice(late.length);
  const parts: [boolean, ReceivedRevision[]][] = [
    [true, late],
    [false, live],
  ];
  return parts.filter(([, part]) => part.length > 0);
}
