/** How long an answer of each member is waited for: longer, once it did not come in time. */
import { RpcError } from '../../../server/client/mod.ts';
import { Code } from '../../../server/errors/etcd-error.ts';

/** A healthy member answers in milliseconds. */
const firstTimeoutMs = 1000;
/** Members on emulated machines have been seen to need four seconds. */
const longestTimeoutMs = 5000;

export class Patience {
  private readonly timeouts = new Map<string, number>();

  /** @returns how long the next answer of that member may take, in milliseconds */
  timeoutMs(node: string): number {
    return this.timeouts.get(node) ?? firstTimeoutMs;
  }

  /** Asks, and gives the member twice as long the next time if its time runs out. @throws what `question` throws */
  async ask<T>(node: string, question: (call: { readonly timeoutMs: number }) => Promise<T>): Promise<T> {
    const timeoutMs = this.timeoutMs(node);
    try {
      return await question({ timeoutMs });
    } catch (error) {
      if (error instanceof RpcError && error.code === Code.DeadlineExceeded) {
        this.timeouts.set(node, Math.min(2 * timeoutMs, longestTimeoutMs));
      }
      throw error;
    }
  }
}
