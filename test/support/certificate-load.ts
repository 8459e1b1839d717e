/**
 * Clients that read and write without pause while certificates and authorities are replaced under them. Like a program
 * that is made for that, each reads its files again when they have changed, and tries once again what has failed.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { EtcdClient } from '../../server/client/mod.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';

/** A member that restarts hands its leadership over before; a request that waits for the new leader takes no longer. */
const attemptTimeoutMs = 8_000;

export class CertificateLoad {
  completed = 0;
  /** Requests that succeeded at their second attempt. */
  retried = 0;
  /** Requests of which both attempts failed. */
  readonly failed: string[] = [];
  private running = true;
  private readonly workers: Promise<void>[];
  private readonly lab: Lab;

  /** Starts at once. */
  constructor(lab: Lab, workers = 4) {
    this.lab = lab;
    this.workers = Array.from({ length: workers }, (_, i) => this.work(`load/${i}`));
  }

  /** @returns when `count` more requests have succeeded @throws Error when that takes longer than 30 s */
  async moreCompleted(count: number): Promise<void> {
    const goal = this.completed + count;
    const end = Date.now() + 30_000;
    while (this.completed < goal) {
      if (Date.now() > end) throw new Error(`${this.completed} of ${goal} requests; failed: ${this.failed.join('; ')}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  private async work(key: string): Promise<void> {
    let stamp = '';
    let client: EtcdClient | undefined;
    const connected = async (): Promise<EtcdClient> => {
      const now = this.stamp();
      if (client === undefined || now !== stamp) {
        client?.close();
        client = await this.open();
        stamp = now;
      }
      return client;
    };
    for (let n = 0; this.running; n++) {
      const value = `${n}`;
      const attempt = async () => {
        const options = { timeoutMs: attemptTimeoutMs };
        if (n % 2 === 0) await (await connected()).put({ key: Buffer.from(key), value: Buffer.from(value) }, options);
        else await (await connected()).range({ key: Buffer.from(key) }, options);
        this.completed += 1;
      };
      try {
        await attempt();
      } catch {
        try {
          // As upstream's client does it: a member that is going needs a moment to be gone.
          await new Promise((resolve) => setTimeout(resolve, 100));
          await attempt();
          this.retried += 1;
        } catch (error) {
          this.failed.push((error as Error).message);
        }
      }
    }
    client?.close();
  }

  private stamp(): string {
    const { caFile, certFile, keyFile } = this.lab.clientTls;
    return [caFile, certFile, keyFile].map((file) => statSync(file, { bigint: true }).mtimeNs).join();
  }

  /** Key and certificate are two files: between the two renames they do not fit, and are read again. */
  private async open(): Promise<EtcdClient> {
    const { caFile, certFile, keyFile } = this.lab.clientTls;
    for (let tries = 0; ; tries++) {
      const [ca, cert, key] = [readFileSync(caFile), readFileSync(certFile), readFileSync(keyFile)];
      if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
        return new EtcdClient({ endpoints: this.lab.endpoints(), tls: { ca, cert, key } });
      }
      if (tries > 1000) throw new Error(`${keyFile} is not the key of ${certFile}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
