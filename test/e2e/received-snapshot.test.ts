/** A member that was cut off for so long that the leader sends it a database: its clients do not notice the change. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import { moveLeader } from '../support/leader-moves.ts';
import { PeerNetwork } from '../support/peer-network.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
let network: PeerNetwork | undefined;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await cluster?.close();
  await network?.close();
});

const bytes = (text: string): Buffer => Buffer.from(text);
const behind = 2;
const keys = 400;

function clientOf(indexes: number[]): EtcdClient {
  const client = cluster.client(indexes.map((index) => cluster.member(index).clientUrl));
  open.push(client);
  return client;
}

/** Makes another member the leader, if it is this one. */
async function leadElsewhere(own: EtcdClient): Promise<void> {
  for (;;) {
    const { header, leader } = await own.status();
    if (leader !== header?.member_id) return;
    await moveLeader(cluster);
  }
}

/** Asks a member again and again until it is stopped, and remembers every refusal. */
class Asking {
  readonly refusals: string[] = [];
  answered = 0;
  private running = true;
  private readonly workers: Promise<void>[];

  constructor(questions: Record<string, () => Promise<unknown>>) {
    this.workers = Object.entries(questions).map(([name, ask]) => this.repeat(name, ask));
  }

  async stop(): Promise<void> {
    this.running = false;
    await Promise.all(this.workers);
  }

  private async repeat(name: string, ask: () => Promise<unknown>): Promise<void> {
    while (this.running) {
      try {
        await ask();
        this.answered++;
      } catch (error) {
        this.refusals.push(`${name}: ${(error as Error).message}`);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('while a received database takes the place of the present one', () => {
  test('everything that needs no leader is answered', async () => {
    const flags = ['--snapshot-count=50', '--experimental-snapshot-catchup-entries=10', '--unsafe-no-fsync'];
    cluster = await TestCluster.create(await ensureBuilt(), { flags });
    network = await PeerNetwork.between(cluster);
    await cluster.startAll();
    const client = clientOf([0, 1]);
    const own = clientOf([behind]);
    await client.put({ key: bytes('before'), value: bytes('1') });
    await own.range({ key: bytes('before') });
    await leadElsewhere(own);
    network.isolate(behind);
    network.reset();
    for (let i = 0; i < keys; i++) {
      await client.put({ key: bytes(`key/${i}`), value: Buffer.alloc(10_000, i) }, { timeoutMs: 10_000 });
    }

    const asking = new Asking({
      range: () => own.range({ key: bytes('before'), serializable: true }),
      prefix: () => own.range({ key: bytes('key/'), range_end: bytes('key0'), serializable: true, limit: 20 }),
      status: () => own.status(),
      hashKv: () => own.hashKv({}),
      members: () => own.memberList({ linearizable: false }),
      leases: () => own.leases(),
    });
    open.push({ close: () => asking.stop() });
    network.heal();
    const log = (): string => readFileSync(cluster.member(behind).logFile, 'utf8');
    await expect.poll(log, { timeout: 60_000, interval: 20 }).toContain('"applied snapshot"');
    const count = async (): Promise<number> =>
      (await own.range({ key: bytes('key/'), range_end: bytes('key0'), serializable: true, count_only: true })).count;
    await expect.poll(count, { timeout: 30_000 }).toBe(keys);
    await asking.stop();

    expect(asking.refusals).toEqual([]);
    expect(asking.answered).toBeGreaterThan(20);
  });
});
