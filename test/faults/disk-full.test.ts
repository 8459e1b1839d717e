/**
 * A disk without room, under real processes: the member ends and says why, or refuses and goes on; nothing that was
 * acknowledged is lost, and it works again once there is room.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureBuilt } from '../../scripts/build.ts';
import { saveSnapshot } from '../../server/client/mod.ts';
import { damageIn } from '../support/check-directory.ts';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { TestCluster } from '../support/test-cluster.ts';

const canMount = SmallDisk.isPossible();
const pollTimeout = { timeout: 60_000, interval: 100 };

let disk: SmallDisk;
let cluster: TestCluster | undefined;
let writer: RecordedWriter | undefined;

beforeEach(() => {
  disk = SmallDisk.mount(48) as SmallDisk;
});

afterEach(async () => {
  await writer?.stop();
  await cluster?.close();
  disk.unmount();
});

function logOf(index: number): string {
  return readFileSync((cluster as TestCluster).member(index).logFile, 'utf8');
}

/** What the last process of a member gave as its reason to end. It must have ended. */
function lastWords(index: number): { level: string; msg: string; error: string } {
  const lines = (cluster as TestCluster).logOfProcess(index).trimEnd().split('\n');
  return JSON.parse(lines.findLast((line) => line.includes('"level":"fatal"')) ?? '{}');
}

async function hashesOf({ endpoints, client: make }: TestCluster): Promise<Set<number>> {
  const client = make.call(cluster);
  try {
    const { header } = await client.range({ key: Buffer.from('x') });
    const found = new Set<number>();
    for (const endpoint of endpoints) {
      await client.range({ key: Buffer.from('x') }, { endpoint });
      found.add((await client.hashKv({ revision: header?.revision ?? 0 }, { endpoint })).hash);
    }
    return found;
  } finally {
    client.close();
  }
}

/** Three members, of which the first has its data, or its log alone, on the small disk. */
async function start(what: 'everything' | 'the log', flags: string[] = []): Promise<TestCluster> {
  const running = await TestCluster.create(await ensureBuilt(), { flags });
  cluster = running;
  const extra = what === 'the log' ? [`--wal-dir=${path.join(disk.directory, 'wal')}`] : [];
  if (what === 'everything') running.member(0).dataDir = path.join(disk.directory, 'm1');
  running.launch(0, extra);
  running.launch(1);
  running.launch(2);
  await running.waitHealthy();
  return running;
}

describe.skipIf(!canMount)('a disk that fills up under load', { timeout: 120_000 }, () => {
  test.each(['everything', 'the log'] as const)(
    'with %s on it ends the member with the reason; the others go on, and it comes back without a loss',
    async (what) => {
      const running = await start(what);
      const client = running.client();
      writer = new RecordedWriter(client);
      await writer.moreAcknowledged(200);
      disk.fill();
      expect((await running.waitEnded(0)).code).toBe(1);
      expect(lastWords(0).error).toMatch(/ENOSPC.*(start the member again|free space)/s);
      await writer.moreAcknowledged(200);

      disk.free();
      running.launch(0, what === 'the log' ? [`--wal-dir=${path.join(disk.directory, 'wal')}`] : []);
      await running.waitHealthy();
      await writer.moreAcknowledged(50);
      await writer.stop();
      expect(await writer.lostWrites(client)).toEqual([]);
      expect((await hashesOf(running)).size).toBe(1);
      client.close();
      if (what === 'the log') {
        await running.signal(0, 'SIGTERM');
        expect(await damageIn(running.member(0).dataDir, path.join(disk.directory, 'wal'))).toEqual([]);
      }
    },
  );

  test('is found full at the next start, too, which changes nothing', async () => {
    const running = await TestCluster.create(await ensureBuilt(), { members: 1 });
    cluster = running;
    running.member(0).dataDir = path.join(disk.directory, 'm1');
    await running.startAll();
    const client = running.client();
    writer = new RecordedWriter(client);
    await writer.moreAcknowledged(200);
    disk.fill();
    await running.waitEnded(0);
    await writer.stop();
    for (let i = 0; i < 2; i++) {
      running.launch(0);
      // It may come up, as long as nothing has to be written; then the first write ends it.
      const probe = running.client();
      let isRunning = true;
      const ended = running.waitEnded(0).finally(() => {
        isRunning = false;
      });
      while (isRunning) {
        await probe.put({ key: Buffer.from('probe'), value: Buffer.alloc(9000) }, { timeoutMs: 500 }).catch(() => {});
      }
      probe.close();
      expect((await ended).code).toBe(1);
      expect(lastWords(0).error).toMatch(/ENOSPC/);
    }
    disk.free();
    running.launch(0);
    await running.waitHealthy();
    expect(await writer.lostWrites(client)).toEqual([]);
    client.close();
  });
});

describe.skipIf(!canMount)('a disk without room', { timeout: 120_000 }, () => {
  test('for a first start: the member says so, leaves nothing that is in its way, and starts when there is room', async () => {
    const running = await TestCluster.create(await ensureBuilt(), { members: 1 });
    cluster = running;
    running.member(0).dataDir = path.join(disk.directory, 'm1');
    mkdirSync(running.member(0).dataDir, { mode: 0o700 });
    disk.fill();
    running.launch(0);
    expect((await running.waitEnded(0)).code).toBe(1);
    expect(lastWords(0).error).toMatch(/ENOSPC/);
    disk.free();
    running.launch(0);
    await running.waitHealthy();
  });

  test('for the database that a leader sends: the member goes on as it is, and takes it when there is room', async () => {
    const flags = ['--snapshot-count=20', '--experimental-snapshot-catchup-entries=5', '--max-wals=1'];
    const running = await start('everything', flags);
    const client = running.client(running.endpoints.slice(1));
    await running.signal(0, 'SIGTERM');
    // Larger than what will be free.
    for (let i = 0; i < 30; i++) {
      await client.put({ key: Buffer.from(`large/${i}`), value: Buffer.alloc(1_000_000, i) });
    }
    for (let i = 0; i < 60; i++) await client.put({ key: Buffer.from('small'), value: Buffer.from(`${i}`) });
    // What is left takes the term and vote of a new leader, which it may have to write.
    disk.fill(1 / 16);
    const snapDir = path.join(running.member(0).dataDir, 'member/snap');
    running.launch(0);
    await expect.poll(() => logOf(0), pollTimeout).toMatch(/failed to take a request of a peer.*ENOSPC/);
    expect(running.member(0).process?.exitCode).toBeNull();
    // The leader tries again and again: something is there now and then, and goes each time.
    const received = () => readdirSync(snapDir).filter((name) => name.includes('tmp') || name.endsWith('.snap.db'));
    await expect.poll(received, pollTimeout).toEqual([]);

    disk.free();
    await expect.poll(() => logOf(0), pollTimeout).toContain('applied snapshot');
    await running.waitHealthy();
    expect((await hashesOf(running)).size).toBe(1);
    client.close();
  });

  test('for a defragmentation: it fails, the member goes on, and nothing is left behind', async () => {
    const running = await TestCluster.create(await ensureBuilt(), { members: 1 });
    cluster = running;
    running.member(0).dataDir = path.join(disk.directory, 'm1');
    await running.startAll();
    const client = running.client();
    for (let i = 0; i < 12; i++) {
      await client.put({ key: Buffer.from(`large/${i}`), value: Buffer.alloc(1_000_000, i) });
    }
    // Everything is in the database file then: what is left is room to write, but not for a second file.
    await saveSnapshot(client, path.join(running.directory, 'snapshot.db'));
    disk.fill(4);
    await expect(client.defragment({}, { timeoutMs: 30_000 })).rejects.toThrow(/ENOSPC/);
    const snapDir = path.join(running.member(0).dataDir, 'member/snap');
    expect(existsSync(path.join(snapDir, 'db.tmp.defrag'))).toBe(false);
    await client.put({ key: Buffer.from('after'), value: Buffer.from('it') });
    expect((await client.range({ key: Buffer.from('large/7') })).count).toBe(1);
    client.close();
  });
});
