/** Reads and writes of many keys at once, as applications do. */
import { KVService, PutRequest, RangeRequest } from '../../server/proto/gen/rpc.ts';
import { processorMs, type Target } from '../engines/target.ts';
import { type LoopRequest, runClosedLoop } from '../load/closed-loop.ts';
import { type LoadConnection, openConnections } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';
import type { LoadRow, Measured } from '../row.ts';
import { keyOf, putMany, randomNumbers } from './dataset.ts';
import { loadFigures } from './repeated-call.ts';

const prefix = 'mixed/';
const keys = 1000;
const valueBytes = 256;
const readsInHundred = 80;
const connections = 10;

/** Of a hundred calls 80 are linearizable ranges of one key, 20 are puts; which, and of which key, is drawn. */
async function measureMixed(
  target: Target,
  outstanding: number,
  { warmUpMs, durationMs }: { warmUpMs: number; durationMs: number },
): Promise<Measured> {
  const opened = await openConnections(target, connections);
  try {
    if (!target.isNull) await putMany(opened, { prefix, to: keys, valueBytes });
    const load = { connections: opened, outstanding, next: mixedRequests(opened[0] as LoadConnection) };
    await runClosedLoop({ ...load, durationMs: warmUpMs });
    const beforeMs = processorMs(target);
    const { perSecond, p50Ms, p99Ms, count } = await runClosedLoop({ ...load, durationMs });
    return { perSecond, p50Ms, p99Ms, processorMicros: (1000 * (processorMs(target) - beforeMs)) / count };
  } finally {
    for (const connection of opened) connection.close();
  }
}

/** All requests are made beforehand, so that making them is no part of the load. */
function mixedRequests(connection: LoadConnection): () => LoopRequest {
  const [rangeHead, putHead] = [connection.head(KVService.Range), connection.head(KVService.Put)];
  const ranges = Array.from({ length: keys }, (_, i) =>
    framed(RangeRequest.encode(RangeRequest.create({ key: keyOf(prefix, i) }))),
  );
  const puts = Array.from({ length: keys }, (_, i) =>
    framed(PutRequest.encode(PutRequest.create({ key: keyOf(prefix, i), value: Buffer.alloc(valueBytes, i) }))),
  );
  const random = randomNumbers(1);
  return () => {
    const isRead = random(100) < readsInHundred;
    return { head: isRead ? rangeHead : putHead, message: (isRead ? ranges : puts)[random(keys)] as Buffer };
  };
}

/** Both engines work a while before anything is measured: code is compiled, pools are filled. */
export async function warmUp(target: Target, durationMs: number): Promise<void> {
  await measureMixed(target, 100, { warmUpMs: durationMs, durationMs: 0 });
}

export const mixedRows: readonly LoadRow[] = [100, 1000].map((outstanding) => ({
  name: `mixed-${outstanding}`,
  title: `80 ranges to 20 puts, ${outstanding.toLocaleString('en-US')} outstanding`,
  on: 'shared cluster',
  hasCeiling: true,
  figures: () => loadFigures(),
  measure: (target, { scale }) => measureMixed(target, outstanding, scale),
}));
