/** A lease that is kept alive as long as somebody needs it: what locks and leadership hang on. */
import type { EtcdClient } from './etcd-client.ts';

/** What a session takes of a client. */
export type SessionClient = Pick<EtcdClient, 'leaseGrant' | 'leaseKeepAlive' | 'leaseRevoke'>;

export class LeaseSession {
  readonly lease: bigint;
  /** Resolves when the lease has ended without `close`: what hung on it is lost. */
  readonly lost: Promise<void>;
  private readonly client: SessionClient;
  private readonly stop = new AbortController();

  private constructor(client: SessionClient, lease: bigint) {
    this.client = client;
    this.lease = lease;
    this.lost = this.keepAlive();
  }

  /**
   * @param ttlSeconds how long it outlives this process
   * @throws RpcError when no lease is granted
   */
  static async open(client: SessionClient, ttlSeconds: number): Promise<LeaseSession> {
    const { ID } = await client.leaseGrant({ TTL: ttlSeconds });
    return new LeaseSession(client, ID);
  }

  /** Ends the lease now, and with it every key that has it. @throws RpcError when it may live on to its end */
  async close(): Promise<void> {
    this.stop.abort();
    await this.client.leaseRevoke({ ID: this.lease });
  }

  private async keepAlive(): Promise<void> {
    const { signal } = this.stop;
    try {
      for await (const _ of this.client.leaseKeepAlive(this.lease, { signal }));
    } catch {
      // Refused for good is as lost as expired; after `close`, nobody is to be told.
    }
    if (signal.aborted) await new Promise<never>(() => {});
  }
}
