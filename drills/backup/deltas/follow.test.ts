import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RpcError } from '../../../server/client/mod.ts';
import { Code } from '../../../server/errors/etcd-error.ts';
import { type Event, Event_EventType, KeyValue } from '../../../server/proto/gen/kv.ts';
import {
  LeaseTimeToLiveResponse,
  RangeResponse,
  ResponseHeader,
  type WatchCreateRequest,
  WatchResponse,
} from '../../../server/proto/gen/rpc.ts';
import { describeChain, readSegments } from './chain.ts';
import { ChainWriter } from './chain-writer.ts';
import type { RevisionEntry } from './entry.ts';
import { type FollowedCluster, follow } from './follow.ts';

const chain = {
  id: '20261120-081500-cafe',
  clusterId: 'cafe',
  base: { backup: '20261120-081500', sha256: 'ab'.repeat(32), revision: 10 },
  fromMs: 1000,
};
let folder: string;
let writer: ChainWriter;
const own = (): string => path.join(folder, chain.id);

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  writer = await ChainWriter.create(folder, chain);
});
afterEach(async () => {
  await writer.close();
  rmSync(folder, { recursive: true, force: true });
});

const event = (revision: number, key: string, lease = 0n): Event => ({
  type: Event_EventType.PUT,
  kv: KeyValue.create({ key: Buffer.from(key), mod_revision: revision, lease }),
});

/** A cluster that is what a test says it is. */
class Cluster implements FollowedCluster {
  id = 0xcafen;
  revision = 10;
  /** What the watch sends; then it waits, or ends with an error. */
  responses: Partial<WatchResponse>[] = [];
  breaksAfter = false;
  readonly watched: Partial<WatchCreateRequest>[] = [];
  readonly grants = new Map<bigint, number>();

  get header(): ResponseHeader {
    return ResponseHeader.create({ cluster_id: this.id, revision: this.revision });
  }

  async range(): Promise<RangeResponse> {
    return RangeResponse.create({ header: this.header });
  }

  async *watch(create: Partial<WatchCreateRequest>, options: { signal?: AbortSignal | undefined } = {}) {
    this.watched.push(create);
    for (const response of this.responses) yield WatchResponse.create({ header: this.header, ...response });
    if (!this.breaksAfter) await delay(60_000, undefined, options).catch(() => undefined);
    throw new RpcError(Code.Unavailable, 'the connection is lost');
  }

  async leaseTimeToLive({ ID = 0n }: { ID?: bigint }): Promise<LeaseTimeToLiveResponse> {
    return LeaseTimeToLiveResponse.create({ ID, grantedTTL: this.grants.get(ID) ?? 0, TTL: 1 });
  }
}

const signal = AbortSignal.timeout(60_000);
const catchUp = (cluster: Cluster) => follow(cluster, writer, { signal, untilCaughtUp: true, now: () => 2000 });

async function recorded(): Promise<RevisionEntry[]> {
  await writer.seal();
  const found: RevisionEntry[] = [];
  for await (const { entries } of readSegments((await describeChain(own()))?.segments ?? []))
    found.push(...entries.filter((entry) => entry.kind === 'revision'));
  return found;
}

test('a revision is one entry, however many of them come in one message', async () => {
  const cluster = new Cluster();
  cluster.revision = 13;
  cluster.responses = [
    { created: true },
    { events: [event(11, 'a'), event(11, 'b'), event(12, 'a')] },
    { events: [event(13, 'c'), event(13, 'd')] },
  ];
  await catchUp(cluster);
  expect(cluster.watched).toMatchObject([{ key: Buffer.of(0), range_end: Buffer.of(0), start_revision: 11 }]);
  const found = await recorded();
  expect(found.map(({ revision, events }) => [revision, events.length])).toEqual([
    [11, 2],
    [12, 1],
    [13, 2],
  ]);
});

test('what had happened before the connection is late, what happens afterwards is not', async () => {
  const cluster = new Cluster();
  cluster.revision = 11;
  cluster.responses = [{ created: true }, { events: [event(11, 'a'), event(12, 'a')] }];
  cluster.breaksAfter = true;
  await expect(follow(cluster, writer, { signal })).rejects.toThrow('the connection is lost');
  expect((await recorded()).map(({ isLate }) => isLate)).toEqual([true, false]);
});

test('after a lost connection the last revision is read once more, and compared', async () => {
  const cluster = new Cluster();
  cluster.revision = 12;
  cluster.responses = [{ events: [event(11, 'a'), event(12, 'b')] }];
  await catchUp(cluster);
  cluster.revision = 13;
  cluster.responses = [{ events: [event(12, 'b'), event(13, 'c')] }];
  await catchUp(cluster);
  expect(cluster.watched.map(({ start_revision }) => start_revision)).toEqual([11, 12]);
  cluster.revision = 14;
  cluster.responses = [{ events: [event(13, 'restored and written anew'), event(14, 'c')] }];
  await expect(catchUp(cluster)).rejects.toMatchObject({ code: 'LAB_DELTA_FORK', message: /revision 13 is there/ });
});

test.each<[string, Partial<Cluster>, string]>([
  ['another cluster', { id: 0xbeefn }, 'LAB_DELTA_FORK'],
  ['one that is behind the log', { revision: 9 }, 'LAB_DELTA_FORK'],
  ['a hole', { revision: 12, responses: [{ events: [event(12, 'b')] }] }, 'LAB_DELTA_GAP'],
  ['a compaction', { revision: 20, responses: [{ canceled: true, compact_revision: 15 }] }, 'LAB_DELTA_GAP'],
])('%s ends the chain', async (_, is, code) => {
  await expect(catchUp(Object.assign(new Cluster(), is))).rejects.toMatchObject({ code });
  expect(writer.lastRevision).toBe(10);
});

test('leases are asked for once, also those that the writer before did not learn', async () => {
  const cluster = new Cluster();
  cluster.revision = 12;
  cluster.responses = [{ events: [event(11, 'a', 7n), event(12, 'b', 7n)] }];
  // The lease cannot be asked for: nobody knows it yet.
  await catchUp(cluster);
  await writer.close();
  writer = (await ChainWriter.open(own())) as ChainWriter;
  expect([...writer.unknownLeases]).toEqual([7n]);
  cluster.grants.set(7n, 60).set(8n, 90);
  cluster.revision = 13;
  cluster.responses = [{ events: [event(12, 'b', 7n), event(13, 'c', 8n)] }];
  await catchUp(cluster);
  expect([...writer.leases].sort()).toEqual([7n, 8n]);
});

test('that the log lacks nothing is written down while nothing happens', async () => {
  const cluster = new Cluster();
  const ended = new AbortController();
  const before = Date.now();
  await follow(cluster, writer, {
    signal: ended.signal,
    askEveryMs: 1,
    onProgress: () => {
      if (writer.lastAtMs >= before) ended.abort();
    },
  });
  expect(writer.lastAtMs).toBeGreaterThanOrEqual(before);
});
