/** Leases: granting them, keeping them alive, and ten thousand that end together. */
import {
  KVService,
  LeaseGrantRequest,
  type LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseService,
  PutRequest,
  WatchCreateRequest,
  WatchRequest,
  WatchService,
} from '../../server/proto/gen/rpc.ts';
import { processorMs, type Target } from '../engines/target.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import { type Head, type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import { Samples } from '../load/percentiles.ts';
import { WatchCounter } from '../load/watch-counter.ts';
import type { LoadRow, Measured, Scale } from '../row.ts';
import { endOf, keyOf } from './dataset.ts';
import { type Call, loadFigures, measureCall } from './repeated-call.ts';

const connections = 10;
const streamsOnEach = 10;
const longTtlSeconds = 3600;

const grant: Call<LeaseGrantRequest, LeaseGrantResponse> = {
  method: LeaseService.LeaseGrant,
  request: { TTL: longTtlSeconds },
  answerBytes: 45,
  isRight: ({ ID, TTL }) => ID !== 0n && TTL === longTtlSeconds,
};

/** Each stream keeps a lease of its own alive, again as soon as it is answered. */
async function measureKeepAlive(target: Target, { warmUpMs, durationMs }: Scale): Promise<Measured> {
  const opened = await openConnections(target, connections);
  try {
    const ids = await Promise.all(
      Array.from({ length: connections * streamsOnEach }, async (_, i) => {
        if (target.isNull) return BigInt(i + 1);
        const connection = opened[i % connections] as LoadConnection;
        return (await connection.unary(LeaseService.LeaseGrant, { TTL: longTtlSeconds })).ID;
      }),
    );
    await keepAliveFor(opened, ids, { durationMs: warmUpMs, isChecked: !target.isNull });
    const beforeMs = processorMs(target);
    const startMs = performance.now();
    const latencies = await keepAliveFor(opened, ids, { durationMs, isChecked: false });
    const perSecond = (1000 * latencies.count) / (performance.now() - startMs);
    const [p50Ms, p99Ms] = latencies.percentiles(0.5, 0.99) as [number, number];
    return { perSecond, p50Ms, p99Ms, processorMicros: (1000 * (processorMs(target) - beforeMs)) / latencies.count };
  } finally {
    for (const connection of opened) connection.close();
  }
}

/** @param isChecked whether each answer is decoded, and must say that the lease is there */
async function keepAliveFor(
  opened: readonly LoadConnection[],
  ids: readonly bigint[],
  { durationMs, isChecked }: { durationMs: number; isChecked: boolean },
): Promise<Samples> {
  const latencies = new Samples();
  const untilMs = performance.now() + durationMs;
  const streams = ids.map((id, i) => {
    const connection = opened[i % opened.length] as LoadConnection;
    const message = framed(LeaseKeepAliveRequest.encode({ ID: id }));
    return new Promise<void>((resolve, reject) => {
      let sentMs = performance.now();
      const call = connection.call(connection.head(LeaseService.LeaseKeepAlive), {
        message: (bytes) => {
          const nowMs = performance.now();
          latencies.add(nowMs - sentMs);
          if (isChecked && LeaseKeepAliveResponse.decode(bytes).TTL <= 0) reject(new Error(`lease ${id} is gone`));
          sentMs = nowMs;
          call.send(nowMs < untilMs ? message : Buffer.alloc(0), nowMs >= untilMs);
        },
        end: (failure) => (failure === undefined ? resolve() : reject(failure)),
      });
      call.send(message, false);
    });
  });
  await Promise.all(streams);
  return latencies;
}

const outstanding = 100;
const expiryPatienceMs = 60_000;

/** Leases with a key each, all due within the time that it took to grant them; a watch tells when the keys go. */
export async function measureExpiry(target: Target, { expiringLeases: count, isQuick }: Scale): Promise<Measured> {
  const opened = await openConnections(target, connections);
  const counter = new WatchCounter(expiryPatienceMs);
  // Of its own each time: what a try before this one has left does not count.
  const now = Date.now();
  const prefix = `leased-${now}/`;
  const idOf = (i: number): bigint => (BigInt(now) << 20n) + BigInt(i);
  try {
    const [watching] = opened as [LoadConnection];
    const range = { key: Buffer.from(prefix), range_end: endOf(prefix), filters: [0 as const] };
    const watch = WatchRequest.create({ create_request: WatchCreateRequest.create(range) });
    watching.call(watching.head(WatchService.Watch), counter).send(framed(WatchRequest.encode(watch)), false);
    await counter.created(1);
    const ttlSeconds = isQuick ? 5 : 10;
    const gone = counter.events(count, () => {});
    gone.catch(() => {}); // Whoever fails first below is heard.
    const putAll = async (head: Head, messageOf: (i: number) => Uint8Array): Promise<void> => {
      let i = 0;
      const next = () => (i < count ? { head, message: framed(messageOf(i++)) } : undefined);
      await runClosedLoop({ connections: opened, outstanding, durationMs: Number.POSITIVE_INFINITY, next });
    };
    await putAll(watching.head(LeaseService.LeaseGrant), (i) =>
      LeaseGrantRequest.encode({ ID: idOf(i), TTL: ttlSeconds }),
    );
    const dueMs = performance.now() + 1000 * ttlSeconds;
    await putAll(watching.head(KVService.Put), (i) =>
      PutRequest.encode(PutRequest.create({ key: keyOf(prefix, i), lease: idOf(i) })),
    );
    await gone;
    return { lateSeconds: (performance.now() - dueMs) / 1000 };
  } finally {
    counter.close();
    for (const connection of opened) connection.close();
  }
}

export const leaseRows: readonly LoadRow[] = [
  {
    ...{ name: 'lease-grant', title: 'lease grant, 100 outstanding', on: 'shared cluster', hasCeiling: true },
    figures: () => loadFigures(),
    measure: (target, surroundings) =>
      measureCall(grant, { connections, streams: streamsOnEach }, target, surroundings),
  },
  {
    ...{ name: 'lease-keep-alive', title: 'lease keep-alive on 100 streams', on: 'shared cluster', hasCeiling: true },
    figures: () => loadFigures(),
    measure: (target, { scale }) => measureKeepAlive(target, scale),
  },
  {
    ...{
      name: 'lease-expiry',
      title: 'expiry of 10,000 leases',
      on: 'shared cluster',
      hasCeiling: false,
      maxRounds: 1,
    },
    figures: () => ({ lateSeconds: { title: 'last key gone after the last was due', unit: 's', better: 'lower' } }),
    measure: (target, { scale }) => measureExpiry(target, scale),
  },
];
