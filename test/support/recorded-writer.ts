/** Writes without pause, and remembers what a server has acknowledged: each of those must survive everything. */
import type { EtcdClient } from '../../server/client/mod.ts';

export class RecordedWriter {
  /** Values that were acknowledged, by key. */
  readonly acknowledged = new Map<string, string>();
  /**
   * Values that were sent without an answer. Each may be there or not, even in place of one that was acknowledged
   * later: its proposal may have waited for a leader meanwhile.
   */
  readonly uncertain = new Map<string, Set<string>>();
  private readonly client: EtcdClient;
  private readonly workers: Promise<void>[];
  private running = true;
  private acknowledgedCount = 0;

  /** @param concurrency writers, each with keys of its own, so that the last acknowledged value of a key is known */
  constructor(client: EtcdClient, { concurrency = 8, keysPerWriter = 20 } = {}) {
    this.client = client;
    this.workers = Array.from({ length: concurrency }, (_, i) => this.write(i, keysPerWriter));
  }

  /** Waits until `count` more writes are acknowledged. @throws Error when that takes longer than 30 s */
  async moreAcknowledged(count: number): Promise<void> {
    const goal = this.acknowledgedCount + count;
    const deadline = Date.now() + 30_000;
    while (this.acknowledgedCount < goal) {
      if (Date.now() > deadline)
        throw new Error(`no progress: ${this.acknowledgedCount} of ${goal} writes acknowledged`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  /** @returns what is wrong with the values that a server now has; nothing when all is well */
  async lostWrites(client: EtcdClient): Promise<string[]> {
    const wrong: string[] = [];
    for (const [key, expected] of this.acknowledged) {
      const { kvs } = await client.range({ key: Buffer.from(key) });
      const found = kvs[0] === undefined ? undefined : Buffer.from(kvs[0].value).toString();
      if (found !== expected && !(found !== undefined && this.uncertain.get(key)?.has(found))) {
        wrong.push(`${key}: acknowledged ${expected}, found ${found ?? 'nothing'}`);
      }
    }
    return wrong;
  }

  private async write(worker: number, keys: number): Promise<void> {
    for (let n = 0; this.running; n++) {
      const key = `writer${worker}/${n % keys}`;
      const value = `value-${n}`;
      try {
        await this.client.put({ key: Buffer.from(key), value: Buffer.from(value) }, { timeoutMs: 3000 });
        this.acknowledged.set(key, value);
        this.acknowledgedCount++;
      } catch {
        this.uncertain.set(key, (this.uncertain.get(key) ?? new Set()).add(value));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
