/** Puts of random keys at a bounded rate, and how long each took: what both checks are made of. */
import { randomBytes } from 'node:crypto';
import { describeRpcError, EtcdClient, type EtcdClientOptions } from '../../client/calls.ts';

export interface LoadPlan {
  readonly prefix: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  /** Puts under way at a time at most. */
  readonly clients: number;
  /** Stops after so many puts. */
  readonly maxPuts: number;
  /** Stops after so long. */
  readonly durationMs: number;
  /** Not faster than this. */
  readonly putsPerSecond: number;
}

export interface LoadResult {
  readonly latenciesMs: readonly number[];
  readonly tookMs: number;
  /** How often each error came. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Beyond this, more connections do not carry more: one process sends on all of them. */
const maxConnections = 50;
/** How often what may be sent is worked out anew. */
const tickMs = 5;
/** What was not sent in time is made up for only as far as timers are late: a limit of the rate is no backlog. */
const longestCatchUpMs = 100;

/**
 * Runs a load to its end. What is under way at the end is waited for.
 *
 * @param onProgress called after each put with the number that have ended
 */
export async function runLoad(
  settings: EtcdClientOptions,
  plan: LoadPlan,
  { onProgress, stop }: { onProgress: (puts: number) => void; stop: AbortSignal },
): Promise<LoadResult> {
  const connections = Array.from({ length: Math.min(plan.clients, maxConnections) }, () => new EtcdClient(settings));
  const latenciesMs: number[] = [];
  const errors = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const value = Buffer.alloc(plan.valueBytes);
  const startedMs = performance.now();
  let sent = 0;
  /** Puts that the rate allows by now. */
  let allowed = 0;
  let allowedMs = startedMs;

  const putOne = async (client: EtcdClient): Promise<void> => {
    const sentMs = performance.now();
    try {
      await client.put({ key: Buffer.concat([Buffer.from(plan.prefix), randomBytes(plan.keyBytes)]), value });
    } catch (error) {
      const text = describeRpcError(error);
      errors.set(text, (errors.get(text) ?? 0) + 1);
    }
    latenciesMs.push(performance.now() - sentMs);
    onProgress(latenciesMs.length);
  };
  const send = (): void => {
    const put = putOne(connections[sent++ % connections.length] as EtcdClient);
    underWay.add(put);
    void put.then(() => underWay.delete(put));
  };

  try {
    for (;;) {
      const nowMs = performance.now();
      if (nowMs - startedMs >= plan.durationMs || sent >= plan.maxPuts || stop.aborted) break;
      allowed += (Math.min(nowMs - allowedMs, longestCatchUpMs) / 1000) * plan.putsPerSecond;
      allowedMs = nowMs;
      while (allowed >= 1 && underWay.size < plan.clients && sent < plan.maxPuts) {
        send();
        allowed--;
      }
      allowed = Math.min(allowed, Math.max(1, (longestCatchUpMs / 1000) * plan.putsPerSecond));
      if (underWay.size >= plan.clients) await Promise.race(underWay);
      else await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
    await Promise.all(underWay);
    return { latenciesMs, tookMs: performance.now() - startedMs, errors };
  } finally {
    for (const client of connections) client.close();
  }
}
