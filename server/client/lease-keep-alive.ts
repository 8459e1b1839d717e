/** A lease renewed again and again, as upstream's client does it. */
import { Code } from '../errors/etcd-error.ts';
import type { LeaseKeepAliveResponse } from '../proto/gen/rpc.ts';
import { RpcError } from './rpc-error.ts';

/** How long the first renewal may take: nothing is known of the lease before. */
const firstRenewalMs = 3000;
/** Between two attempts after a failed one. */
const retryMs = 500;

/**
 * @param renew renews once, in so many milliseconds; rejects with an RpcError
 * @throws RpcError when the server refuses for good, as for a permission; the signal's reason when it fires
 */
export async function* keepAlive(
  renew: (timeoutMs: number) => Promise<LeaseKeepAliveResponse>,
  signal?: AbortSignal | undefined,
): AsyncGenerator<LeaseKeepAliveResponse, void, undefined> {
  let expiryMs = performance.now() + firstRenewalMs;
  while (performance.now() < expiryMs) {
    const startMs = performance.now();
    const response = await renew(Math.ceil(expiryMs - startMs)).catch((error: unknown) => {
      if (signal?.aborted || !mayPass(error)) throw error;
      return undefined;
    });
    if (response === undefined) {
      await pause(retryMs, signal);
      continue;
    }
    if (response.TTL <= 0) return;
    yield response;
    // Counted from before the question: the server counts from its answer.
    expiryMs = startMs + 1000 * response.TTL;
    await pause((1000 * response.TTL) / 3, signal);
  }
}

/** Whether another member, or the same one later, may answer. */
function mayPass(error: unknown): boolean {
  return error instanceof RpcError && (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted) aborted();
  });
}
