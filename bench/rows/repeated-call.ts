/** One call again and again, made by h2load. */
import type { MethodDefinition } from '../../server/proto/wire.ts';
import { processorMs, type Target } from '../engines/target.ts';
import { LoadConnection } from '../load/connection.ts';
import { runH2load } from '../load/h2load.ts';
import { framed } from '../load/message-reader.ts';
import type { Figure, Measured, Surroundings } from '../row.ts';

/** How many calls are outstanding, as connections and streams on each. */
export interface Shape {
  readonly connections: number;
  readonly streams: number;
  /** So many calls, instead of a time: h2load hangs when its time is over before all of many clients are connected. */
  readonly calls?: number;
}

export interface Call<Request, Response> {
  readonly method: MethodDefinition<Request, Response>;
  readonly request: Partial<Request>;
  /** What the null server answers with: about as much as a right answer has. */
  readonly answerBytes: number;
  /** What has to be there before. */
  prepare?(connection: LoadConnection): Promise<unknown>;
  /** Whether an answer is what it should be. */
  isRight(answer: Response): boolean;
}

/** Throughput, latencies, and what a call costs; targets for the ratio to upstream, where there are any. */
export function loadFigures(targets: { perSecond?: number; p50?: number; p99?: number } = {}) {
  const wanted = (target: number | undefined) => (target === undefined ? {} : { target });
  return {
    perSecond: { title: 'throughput', unit: '/s', better: 'higher', ...wanted(targets.perSecond) },
    p50Ms: { title: 'p50', unit: 'ms', better: 'lower', ...wanted(targets.p50) },
    p99Ms: { title: 'p99', unit: 'ms', better: 'lower', ...wanted(targets.p99) },
    processorMicros: { title: 'CPU of all members per call', unit: 'µs', better: 'lower' },
  } satisfies Record<string, Figure>;
}

/**
 * Measures one call, made again and again.
 *
 * @returns what `loadFigures` describes
 * @throws Error when the answer is wrong, or calls fail
 */
export async function measureCall<Request, Response>(
  call: Call<Request, Response>,
  { connections, streams, calls }: Shape,
  target: Target,
  { scale, scratch, signal }: Surroundings,
): Promise<Measured> {
  const { method, request } = call;
  const message = method.request.encode(method.request.create(request));
  const answerBytes = target.isNull ? call.answerBytes : await tryOnce(call, target);
  const load = { url: target.url, path: method.path, message, connections, streams, answerBytes, scratch, signal };
  const amountFor = (durationMs: number) => {
    if (scale.isQuick) return { calls: 2 * connections * streams };
    return calls === undefined ? { durationMs } : { calls };
  };
  await runH2load({ ...load, amount: amountFor(scale.warmUpMs) });
  const beforeMs = processorMs(target);
  const { perSecond, p50Ms, p99Ms, count } = await runH2load({ ...load, amount: amountFor(scale.durationMs) });
  const processorMicros = (1000 * (processorMs(target) - beforeMs)) / count;
  return { perSecond, p50Ms, p99Ms, processorMicros };
}

/** @returns the size of a right answer */
async function tryOnce<Request, Response>(
  { method, request, prepare, isRight }: Call<Request, Response>,
  target: Target,
): Promise<number> {
  const connection = await LoadConnection.open(target);
  try {
    await prepare?.(connection);
    const answer = await connection.unary(method, request);
    if (!isRight(answer)) throw new Error(`${method.path} has another answer than expected`);
    return framed(method.response.encode(answer)).length;
  } finally {
    connection.close();
  }
}
