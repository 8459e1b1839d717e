/** Keys and values that rows work on. */
import { KVService, PutRequest, type RequestOp, TxnRequest } from '../../server/proto/gen/rpc.ts';
import { runClosedLoop } from '../load/closed-loop.ts';
import type { LoadConnection } from '../load/connection.ts';
import { framed } from '../load/message-reader.ts';

const keysPerTxn = 100;
const outstanding = 20;

/** `prefix` and eight digits. */
export function keyOf(prefix: string, index: number): Buffer {
  return Buffer.from(`${prefix}${String(index).padStart(8, '0')}`);
}

/** The first key behind all of a prefix. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
}

/** The same numbers each time (mulberry32), from 0 up to but not including `below`. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * Puts keys from one index up to another, in transactions of 100.
 *
 * @returns how long it took, in ms
 */
export async function putMany(
  connections: readonly LoadConnection[],
  { prefix, from = 0, to, valueBytes }: { prefix: string; from?: number; to: number; valueBytes: number },
): Promise<number> {
  const head = (connections[0] as LoadConnection).head(KVService.Txn);
  let next = from;
  const startMs = performance.now();
  await runClosedLoop({
    connections,
    outstanding,
    durationMs: Number.POSITIVE_INFINITY,
    next: () => {
      if (next >= to) return undefined;
      const last = Math.min(to, next + keysPerTxn);
      const success: RequestOp[] = [];
      for (; next < last; next++) {
        const key = keyOf(prefix, next);
        success.push({ request_put: PutRequest.create({ key, value: Buffer.alloc(valueBytes, next) }) });
      }
      return { head, message: framed(TxnRequest.encode(TxnRequest.create({ success }))) };
    },
  });
  return performance.now() - startMs;
}
