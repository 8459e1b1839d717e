import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import type { EtcdClient, ResumingWatch } from '../../server/client/mod.ts';
import { Code } from '../../server/errors/etcd-error.ts';
import { WatchCreateRequest, WatchRequest, type WatchResponse, WatchService } from '../../server/proto/gen/rpc.ts';
import { PeerNetwork } from '../support/peer-network.ts';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { TestCluster } from '../support/test-cluster.ts';

let cluster: TestCluster;
afterEach(() => cluster?.close());

const allKeys = { key: Buffer.of(0), range_end: Buffer.of(0) };

/** The revisions of all events that came, in the order in which they came. */
class Observer {
  readonly revisions: number[] = [];
  readonly values = new Map<string, string>();

  see({ events }: WatchResponse): void {
    for (const { kv } of events) {
      if (kv === undefined) continue;
      this.revisions.push(kv.mod_revision);
      this.values.set(Buffer.from(kv.key).toString(), Buffer.from(kv.value).toString());
    }
  }

  get next(): number {
    return (this.revisions.at(-1) ?? 1) + 1;
  }
}

async function indexOfLeader(client: EtcdClient): Promise<number> {
  const statuses = await Promise.all(
    cluster.endpoints.map((endpoint) => client.status({}, { endpoint, timeoutMs: 2000 }).catch(() => undefined)),
  );
  return statuses.findIndex((status) => status !== undefined && status.header?.member_id === status.leader);
}

/** Kills the leader under load and brings it back, some times. @returns the last revision */
async function killLeaders(client: EtcdClient, rounds: number): Promise<{ revision: number; writer: RecordedWriter }> {
  const writer = new RecordedWriter(client);
  for (let round = 0; round < rounds; round++) {
    await writer.moreAcknowledged(100);
    const leader = await indexOfLeader(client);
    expect(leader).toBeGreaterThanOrEqual(0);
    await cluster.signal(leader, 'SIGKILL');
    await writer.moreAcknowledged(100);
    cluster.launch(leader);
    await cluster.waitHealthy();
  }
  await writer.stop();
  const { header } = await client.range({ key: Buffer.from('x') });
  return { revision: header?.revision ?? 0, writer };
}

/** Every put has a revision of its own, from 2 on: none may be missing, doubled or out of order. */
function expectAll(observer: Observer, revision: number): void {
  expect(observer.revisions.join()).toBe(Array.from({ length: revision - 1 }, (_, i) => i + 2).join());
}

describe('over kills of the leader', () => {
  test('a watch that resumes by itself misses nothing and doubles nothing', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const client = cluster.client();
    const stop = new AbortController();
    const observer = new Observer();
    const watch: ResumingWatch = client.resumingWatch({ ...allKeys, start_revision: 1 }, { signal: stop.signal });
    const watching = (async () => {
      for await (const response of watch) observer.see(response);
    })();
    try {
      const { revision, writer } = await killLeaders(client, 3);
      await vi.waitFor(() => expect(observer.next).toBe(revision + 1), 20_000);
      expectAll(observer, revision);
      for (const [key, value] of writer.acknowledged) {
        const possible = new Set([value, ...(writer.uncertain.get(key) ?? [])]);
        expect(possible).toContain(observer.values.get(key));
      }
    } finally {
      stop.abort();
      await expect(watching).rejects.toMatchObject({ code: Code.Canceled });
      client.close();
    }
  });

  test('so does one that a client resumes at the last revision that it saw, plus one', async () => {
    cluster = await TestCluster.start(await ensureBuilt());
    const client = cluster.client();
    const stop = new AbortController();
    const observer = new Observer();
    let breaks = 0;
    const watching = (async () => {
      while (!stop.signal.aborted) {
        try {
          // At the leader, as long as there is one: it is the one that is killed.
          const endpoint = cluster.endpoints[await indexOfLeader(client)];
          const options = { signal: stop.signal, endpoint };
          for await (const response of client.watch({ ...allKeys, start_revision: observer.next }, options)) {
            expect(response.canceled).toBe(false);
            observer.see(response);
          }
        } catch {
          breaks++;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    })();
    try {
      const { revision } = await killLeaders(client, 3);
      await vi.waitFor(() => expect(observer.next).toBe(revision + 1), 20_000);
      expectAll(observer, revision);
      expect(breaks).toBeGreaterThan(0);
    } finally {
      stop.abort();
      await watching;
      client.close();
    }
  });
});

test('a member that is stopped ends its watches at once, and they go on at another', async () => {
  cluster = await TestCluster.start(await ensureBuilt());
  const [one, other] = [cluster.client([cluster.member(0).clientUrl]), cluster.client()];
  const failed = (async () => {
    for await (const _ of one.watch(allKeys));
  })().catch((error: Error) => error.message);
  await vi.waitFor(async () => {
    const response = await fetch(`${cluster.member(0).clientUrl}/metrics`);
    expect(await response.text()).toMatch(/^etcd_debugging_mvcc_watcher_total 1$/m);
  }, 10_000);
  const startedMs = performance.now();
  const ended = cluster.signal(0, 'SIGTERM');
  expect(await failed).toBe('etcdserver: server stopped');
  await ended;
  // Not the seven seconds that calls under way are given to end.
  expect(performance.now() - startedMs).toBeLessThan(6000);
  one.close();
  other.close();
});

test('a watch goes on over a member that was so far behind that it was sent a snapshot', async () => {
  const flags = ['--snapshot-count=50', '--experimental-snapshot-catchup-entries=10'];
  cluster = await TestCluster.create(await ensureBuilt(), { flags });
  const network = await PeerNetwork.between(cluster);
  await cluster.startAll();
  const client = cluster.client(cluster.endpoints.slice(0, 2));
  // Without asking for a leader: the member has none meanwhile.
  const grpc = new Client(new URL(cluster.member(2).clientUrl).host, credentials.createInsecure());
  const { path, request, response } = WatchService.Watch;
  const stream = grpc.makeBidiStreamRequest(
    path,
    (message: WatchRequest) => Buffer.from(request.encode(message)),
    (bytes: Buffer) => response.decode(bytes),
  );
  const observer = new Observer();
  let failure: Error | undefined;
  stream.on('data', (message: WatchResponse) => observer.see(message));
  stream.on('error', (error) => {
    failure ??= error;
  });
  stream.write(WatchRequest.create({ create_request: WatchCreateRequest.create({ ...allKeys, start_revision: 1 }) }));
  const puts = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await client.put({ key: Buffer.from('k'), value: Buffer.from(String(i)) });
  };
  try {
    await puts(20);
    await vi.waitFor(() => expect(observer.next).toBe(22), 20_000);
    network.isolate(2);
    network.reset();
    await puts(200);
    expect(observer.next).toBe(22);
    network.heal();
    await vi.waitFor(() => expect(observer.next).toBe(222), 20_000);
    await puts(5);
    await vi.waitFor(() => expect(observer.next).toBe(227), 20_000);
    expectAll(observer, 226);
    expect(failure).toBeUndefined();
    expect(readFileSync(cluster.member(2).logFile, 'utf8')).toContain('applied snapshot');
  } finally {
    stream.cancel();
    grpc.close();
    client.close();
    await network.close();
  }
});
