/** What the API server of Kubernetes does to etcd, with a member killed meanwhile: nothing missed, nothing doubled. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { ObjectCache } from '../support/object-cache.ts';
import { compactNowAndThen, writeObjects } from '../support/object-writers.ts';
import { TestCluster } from '../support/test-cluster.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

const writers = 4;
/** Minutes of it show more: ETCDLAB_KUBERNETES_LOAD_MS says how long it goes on. */
const loadMs = Number(process.env.ETCDLAB_KUBERNETES_LOAD_MS ?? 6000);

let cluster: TestCluster | undefined;
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await cluster?.close();
  cluster = undefined;
});

describe.each(['upstream', 'built-in'] as const)('%s:', (engine) => {
  const timeout = 120_000 + loadMs;
  const title = 'list, watch, compare and write, compact, expire';
  test.skipIf(engine === 'upstream' && !haveUpstream())(title, { timeout }, async () => {
    const executables = engine === 'upstream' ? upstreamExecutables() : await ensureBuilt();
    const started = await TestCluster.start(executables, { flags: ['--unsafe-no-fsync'] });
    cluster = started;
    const { endpoints } = started;
    const client = started.client();
    open.push(client);
    const stop = new AbortController();
    const { signal } = stop;
    // More than a page of objects before anybody lists them.
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        client.put({ key: Buffer.from(`/registry/pods/old/${i}`), value: Buffer.of(i) }),
      ),
    );

    // Each cache prefers a member of its own and has the others to fall back on.
    const caches = endpoints.map((_, i) => {
      const own = started.client([...endpoints.slice(i), ...endpoints.slice(0, i)]);
      open.push(own);
      return new ObjectCache(own, '/registry/pods/');
    });
    await Promise.all(caches.map((cache) => cache.start()));
    const work = Array.from({ length: writers }, (_, i) => writeObjects(client, { seed: i + 1, signal }));
    const seen = (): number => Math.min(...caches.map(({ revision }) => revision));
    const compacting = compactNowAndThen(client, { seen, intervalMs: 1000, signal });
    const asking = setInterval(() => {
      for (const cache of caches) cache.askProgress();
    }, 200);
    try {
      await delay(loadMs / 3);
      await started.signal(0, 'SIGKILL');
      await delay(loadMs / 3);
      started.launch(0);
      await started.waitHealthy();
      await delay(loadMs / 3);
    } finally {
      stop.abort();
    }
    const counts = await Promise.all(work);
    const compactions = await compacting;

    const { header, kvs } = await client.range({
      key: Buffer.from('/registry/pods/'),
      range_end: Buffer.from('/registry/pods0'),
    });
    const wanted = new Map(kvs.map((kv) => [Buffer.from(kv.key).toString('latin1'), kv.mod_revision]));
    for (const cache of caches) {
      // Progress tells when a cache has seen all that there is.
      await expect.poll(() => cache.revision, { timeout: 20_000 }).toBeGreaterThanOrEqual(header?.revision ?? 0);
      expect(cache.violations).toEqual([]);
      expect(new Map([...cache.objects].map(([key, { revision }]) => [key, revision]))).toEqual(wanted);
      expect(cache.progressNotices).toBeGreaterThan(0);
    }
    clearInterval(asking);
    expect(new Set(caches.map(({ events }) => events)).size).toBe(1);
    expect(counts.reduce((sum, { changed }) => sum + changed, 0)).toBeGreaterThan(0);
    expect(counts.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(0);
    expect(compactions).toBeGreaterThan(0);
    // What was written with a lease goes with it.
    const events = {
      key: Buffer.from('/registry/events/'),
      range_end: Buffer.from('/registry/events0'),
      count_only: true,
    };
    await expect.poll(async () => (await client.range(events)).count, { timeout: 20_000 }).toBe(0);
    await Promise.all(caches.map((cache) => cache.close()));
  });
});
