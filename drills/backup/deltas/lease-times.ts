/** Finds out for how long the leases were granted that keys name: a watch does not tell. */
import type { EtcdClient } from '../../../server/client/mod.ts';
import type { ChainWriter } from './chain-writer.ts';

const questionsAtOnce = 8;
/** Beyond this, leases are not asked for: they are found again when the chain is written on. */
const maxWaiting = 10_000;
const questionTimeoutMs = 5000;

export class LeaseTimes {
  private readonly client: Pick<EtcdClient, 'leaseTimeToLive'>;
  private readonly writer: ChainWriter;
  private readonly signal: AbortSignal;
  private readonly waiting: bigint[] = [];
  /** Asked for over this connection, whatever came of it. */
  private readonly asked = new Set<bigint>();
  private readonly asking = new Set<Promise<void>>();

  constructor(client: Pick<EtcdClient, 'leaseTimeToLive'>, writer: ChainWriter, signal: AbortSignal) {
    this.client = client;
    this.writer = writer;
    this.signal = signal;
  }

  /** Asks for leases that are new, beside everything else: what is recorded does not wait for it. @param leases 0 for none */
  learn(leases: Iterable<bigint>): void {
    for (const lease of leases) {
      if (lease === 0n || this.writer.leases.has(lease) || this.asked.has(lease)) continue;
      if (this.waiting.length >= maxWaiting) break;
      if (this.asked.size >= 10 * maxWaiting) this.asked.clear();
      this.asked.add(lease);
      this.waiting.push(lease);
    }
    while (this.waiting.length > this.asking.size && this.asking.size < questionsAtOnce) {
      const work = this.askOneByOne().finally(() => this.asking.delete(work));
      this.asking.add(work);
    }
  }

  /** Waits for the answers that are still to come, each of which has a deadline. */
  async settled(): Promise<void> {
    await Promise.all(this.asking);
  }

  private async askOneByOne(): Promise<void> {
    for (let ID = this.waiting.shift(); ID !== undefined; ID = this.waiting.shift()) {
      const options = { signal: this.signal, timeoutMs: questionTimeoutMs };
      // A lease that has ended meanwhile has taken its keys along, or will be said to be unknown by the restore.
      const answer = await this.client.leaseTimeToLive({ ID }, options).catch(() => undefined);
      if (answer === undefined) this.asked.delete(ID);
      else if (answer.grantedTTL > 0)
        await this.writer.recordLeases(new Map([[ID, answer.grantedTTL]])).catch(() => undefined);
    }
  }
}
