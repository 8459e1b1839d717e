import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
afterEach(() => cluster?.close());

/** HashKV of each member's own store, once all stand at the same revision. */
async function hashes(): Promise<number[]> {
  const client = cluster.client();
  try {
    const { header } = await client.range({ key: Buffer.from('x') });
    const revision = header?.revision ?? 0;
    return await Promise.all(
      cluster.endpoints.map(async (endpoint) => {
        // A linearizable read through the member: it has applied everything up to that revision then.
        await client.range({ key: Buffer.from('x') }, { endpoint });
        return (await client.hashKv({ revision }, { endpoint })).hash;
      }),
    );
  } finally {
    client.close();
  }
}

describe('a cluster under load', { retry: 0 }, () => {
  test('loses no acknowledged write when members are killed, ten times in a row', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const client = cluster.client();
    const writer = new RecordedWriter(client);
    try {
      for (let round = 0; round < 10; round++) {
        await writer.moreAcknowledged(100);
        const victim = round % 3;
        await cluster.signal(victim, 'SIGKILL');
        // The two that are left must go on, with a new leader if the old one was killed.
        await writer.moreAcknowledged(100);
        cluster.launch(victim);
        await cluster.waitHealthy();
      }
      await writer.stop();
      expect(await writer.lostWrites(client)).toEqual([]);
      expect(new Set(await hashes()).size).toBe(1);
    } finally {
      await writer.stop();
      client.close();
    }
  });

  test('loses no acknowledged write when all members are killed at once', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    for (let round = 0; round < 3; round++) {
      const client = cluster.client();
      const writer = new RecordedWriter(client);
      await writer.moreAcknowledged(200);
      await cluster.killAll();
      await writer.stop();
      client.close();

      await cluster.startAll();
      const after = cluster.client();
      expect(await writer.lostWrites(after)).toEqual([]);
      after.close();
      expect(new Set(await hashes()).size).toBe(1);
    }
  });

  test('does not acknowledge a write without a quorum, and still answers serializable reads', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const client = cluster.client([cluster.member(0).clientUrl]);
    try {
      await client.put({ key: Buffer.from('k'), value: Buffer.from('before') });
      await cluster.signal(1, 'SIGKILL');
      await cluster.signal(2, 'SIGKILL');
      await expect(
        client.put({ key: Buffer.from('k'), value: Buffer.from('alone') }, { timeoutMs: 2000 }),
      ).rejects.toThrow();
      const { kvs } = await client.range({ key: Buffer.from('k'), serializable: true });
      expect(Buffer.from(kvs[0]?.value ?? []).toString()).toBe('before');
    } finally {
      client.close();
    }
  });
});
