/** A client that writes one key after the other, whatever happens to the members meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdClient } from '../../server/client/mod.ts';
import { messageOf } from '../../toolkit/errors.ts';
import type { Batch, Put } from './dataset.ts';

/** A put that no member has taken for so long will not be taken. */
const patienceMs = 30_000;
const callTimeoutMs = 2000;
const betweenPutsMs = 20;
const betweenTriesMs = 50;

export interface SteadyWrites {
  /** In the order in which they were acknowledged. */
  batches: Batch[];
  /** Calls that failed, and were made again. */
  failures: number;
  /** The longest time that one key took, tries that failed included. */
  longestMs: number;
  /** Why writing ended before it was to. */
  problem?: string;
}

/**
 * Every key has a value of its own, so that a put whose answer was lost can be made again without a doubt. A call that
 * fails is made over a new connection, with the certificates that there are by then.
 */
export class SteadyWriter {
  private readonly open: () => EtcdClient;
  private readonly prefix: string;
  private readonly ended = new AbortController();
  private readonly writes: SteadyWrites = { batches: [], failures: 0, longestMs: 0 };
  private readonly running: Promise<void>;
  private client: EtcdClient | undefined;

  /**
   * Begins to write.
   *
   * @param open makes a client; asked for another one after each failure
   * @param prefix of all keys
   */
  constructor(open: () => EtcdClient, prefix: string) {
    this.open = open;
    this.prefix = prefix;
    this.running = this.write().catch((error: unknown) => {
      this.writes.problem = messageOf(error);
    });
  }

  /** How many keys were acknowledged so far. */
  get acknowledged(): number {
    return this.writes.batches.length;
  }

  /** Ends after the put that is under way, which is still acknowledged. Can be called again. */
  async stop(): Promise<SteadyWrites> {
    this.ended.abort();
    await this.running;
    return this.writes;
  }

  private async write(): Promise<void> {
    try {
      for (let n = 1; !this.ended.signal.aborted; n++) {
        const put = { key: Buffer.from(`${this.prefix}${n}`), value: Buffer.from(`value ${n}`) };
        await this.putUntilAcknowledged(put);
        this.writes.batches.push({ puts: [put] });
        await delay(betweenPutsMs, undefined, { signal: this.ended.signal }).catch(() => undefined);
      }
    } finally {
      this.client?.close();
    }
  }

  private async putUntilAcknowledged(put: Put): Promise<void> {
    const startedAt = performance.now();
    for (;;) {
      try {
        // Certificates that are being replaced may not go together for a moment.
        this.client ??= this.open();
        await this.client.put(put, { timeoutMs: callTimeoutMs });
        this.writes.longestMs = Math.max(this.writes.longestMs, Math.round(performance.now() - startedAt));
        return;
      } catch (error) {
        this.writes.failures += 1;
        this.client?.close();
        this.client = undefined;
        if (performance.now() - startedAt > patienceMs) throw error;
        await delay(betweenTriesMs);
      }
    }
  }
}
