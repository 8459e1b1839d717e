import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { ConfChange, ConfState, type HardState } from '../proto/gen/raft.ts';
import { contentsOf, entries, entry, frames, type ModelRecord, plain } from './testing/log-model.ts';
import { Wal } from './wal.ts';

const metadata = { nodeId: 0x59d8024f8dec20den, clusterId: 0xc1a6e8504d9ddbe9n };
const start = { index: 0, term: 0 };
/** Smaller than upstream's, so that the tests are quick. */
const segmentSizeBytes = 100_000;
const firstSegment = '/wal/0000000000000000-0000000000000000.wal';
const voters = (...ids: bigint[]) => ConfState.create({ voters: ids });
const state = (term: number, commit: number, vote = 1n): HardState => ({ term, vote, commit });

function hex(fs: CrashFileSystem, from: number, to: number, path = firstSegment): string {
  return Buffer.from(fs.contents(path)).toString('hex', from, to);
}

function bytesOf(frame: ReturnType<typeof frames>[number] | undefined): string {
  return Buffer.from(frame?.record.data ?? []).toString('hex');
}

function memberEntry(index: number, nodeId: bigint, name: string) {
  const context = Buffer.from(`{"id":${nodeId},"peerURLs":["http://127.0.0.1:2238${index + 1}"],"name":"${name}"}`);
  const Data = ConfChange.encode({ id: 0n, type: 0, node_id: nodeId, context });
  return { Type: 1 as const, Term: 1, Index: index, Data };
}

describe('a new log', () => {
  test('has upstream’s bytes', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(undefined, [memberEntry(1, 0x583f563645c3ed55n, 'm2')], true);
    await wal.close();
    expect(hex(fs, 0, 80)).toBe(
      [
        '0400000000000084' + '0804100000000000',
        '1f00000000000081' + '080110b6b48f85071a1508dec1b0eff8c980ec5910e9b7f7ec848abad3c10100',
        '0e00000000000082' + '080510d3dbad880f1a04080010000000',
      ].join(''),
    );
    expect(hex(fs, 80, 80 + 54)).toBe(
      '6e00000000000082' +
        ('080210fd9aeebd071a64' + '080110011801225c') +
        ('0800100018d5da8faee4c6d59f58224c' + Buffer.from('{"id":635889').toString('hex')),
    );
  });

  test('has 64,000,000 bytes, and nothing temporary is left beside it', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs });
    await wal.close();
    expect(fs.contents(firstSegment).length).toBe(64_000_000);
    expect(await fs.list('/')).toEqual(['wal']);
  });

  test('of a restore has its records where upstream’s etcdutl puts them', async () => {
    const fs = new CrashFileSystem();
    const [first, second] = [0x583f563645c3ed55n, 0x59d8024f8dec20den];
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 2, first), [memberEntry(1, first, 'm2'), memberEntry(2, second, 'm1')], true);
    await wal.saveSnapshot({ index: 2, term: 1, confState: voters(first, second) });
    await wal.close();
    const bytes = Buffer.from(fs.contents(firstSegment));
    expect(frames(bytes).map(({ offset }) => offset)).toEqual([0, 16, 56, 80, 200, 320, 352]);
    expect(bytes.subarray(400).every((byte) => byte === 0)).toBe(true);
  });

  test('writes states and snapshot records as upstream does', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(2, 98, 0n), [], true);
    const confState = ConfState.create({
      voters: [0x583f563645c3ed55n, 0x59d8024f8dec20den, 0xe188ed3f548d3a9en],
      learners: [0xf6e1a1cd20b5ebc1n],
    });
    await wal.saveSnapshot({ index: 98, term: 2, confState });
    await wal.close();
    const [savedState, snapshot] = frames(fs.contents(firstSegment)).slice(3);
    expect([savedState?.record.type, bytesOf(savedState)]).toEqual([3, '080210001862']);
    expect([snapshot?.record.type, bytesOf(snapshot)]).toEqual([
      5,
      '08621002' + '1a2c08d5da8faee4c6d59f5808dec1b0eff8c980ec59089ef5b4a4f5a7bbc4e101' + '10c1d7d785d2b9e8f0f6012800',
    ]);
  });

  test('is refused where one is', async () => {
    const fs = new CrashFileSystem();
    await (await Wal.create('/wal', metadata, { fs, segmentSizeBytes })).close();
    await expect(Wal.create('/wal', metadata, { fs, segmentSizeBytes })).rejects.toMatchObject({
      code: 'WAL_EXISTS',
      path: '/wal',
    });
  });

  test('is refused in a directory that holds something else, which stays', async () => {
    const fs = new CrashFileSystem();
    fs.seedFile('/wal/lost+found', Buffer.from('x'));
    await expect(Wal.create('/wal', metadata, { fs, segmentSizeBytes })).rejects.toMatchObject({ code: 'WAL_EXISTS' });
    expect(await fs.list('/wal')).toEqual(['lost+found']);
  });

  test('takes the place of one whose creation was interrupted', async () => {
    const fs = new CrashFileSystem();
    fs.seedFile('/wal.tmp/0000000000000000-0000000000000000.wal', Buffer.from('half'));
    await (await Wal.create('/wal', metadata, { fs, segmentSizeBytes })).close();
    expect(await Wal.exists('/wal', fs)).toBe(true);
    expect((await Wal.read('/wal', start, { fs })).entries).toEqual([]);
  });
});

describe('opening', () => {
  test('gives back member, cluster, last state and entries', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 0), entries(1, 3), true);
    await wal.save(state(1, 3), [], false);
    await wal.close();
    const opened = await Wal.open('/wal', start, { fs });
    await opened.wal.close();
    expect(opened.metadata).toEqual(metadata);
    expect(plain(opened)).toEqual(plain({ entries: entries(1, 3), hardState: state(1, 3) }));
  });

  test('at a snapshot gives the entries behind it', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 5), entries(1, 5), true);
    await wal.saveSnapshot({ index: 3, term: 1, confState: voters(1n) });
    await wal.close();
    const read = await Wal.read('/wal', { index: 3, term: 1 }, { fs });
    expect(read.entries.map(({ Index }) => Index)).toEqual([4, 5]);
  });

  test('a joiner’s log, which begins with a snapshot, works', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(2, 0, 0n), [], true);
    await wal.saveSnapshot({ index: 98, term: 2, confState: voters(1n) });
    await wal.save(state(2, 98, 0n), [], false);
    await wal.close();
    const opened = await Wal.open('/wal', { index: 98, term: 2 }, { fs });
    await opened.wal.save(undefined, [entry(99, 2)], true);
    await opened.wal.saveSnapshot({ index: 150, term: 2, confState: voters(1n) });
    await opened.wal.save(undefined, [entry(151, 2)], true);
    await opened.wal.close();
    expect((await Wal.read('/wal', { index: 150, term: 2 }, { fs })).entries).toHaveLength(1);
  });

  test('at a snapshot that is not recorded, or with another term, is refused', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 5), entries(1, 5), true);
    await wal.saveSnapshot({ index: 3, term: 1, confState: voters(1n) });
    await wal.close();
    const refused = { code: 'WAL_NO_SNAPSHOT' };
    await expect(Wal.open('/wal', { index: 4, term: 1 }, { fs })).rejects.toMatchObject(refused);
    await expect(Wal.open('/wal', { index: 3, term: 2 }, { fs })).rejects.toMatchObject(refused);
  });

  test('without a log, or before the log begins, is refused', async () => {
    const fs = new CrashFileSystem();
    const notFound = { code: 'WAL_NOT_FOUND' };
    await expect(Wal.open('/wal', start, { fs })).rejects.toMatchObject(notFound);
    await expect(Wal.validSnapshots('/wal', { fs })).rejects.toMatchObject(notFound);
    fs.seedFile('/wal/0000000000000003-0000000000000010.wal', Buffer.alloc(8));
    await expect(Wal.read('/wal', start, { fs })).rejects.toMatchObject(notFound);
  });

  test('ignores files that are not segments', async () => {
    const fs = new CrashFileSystem();
    await (await Wal.create('/wal', metadata, { fs, segmentSizeBytes })).close();
    for (const name of ['0.tmp', 'notes.wal', `${'0'.repeat(16)}-${'0'.repeat(16)}.wal.broken`]) {
      fs.seedFile(`/wal/${name}`, Buffer.from('x'));
    }
    expect((await Wal.read('/wal', start, { fs })).metadata).toEqual(metadata);
  });

  test('read-only changes nothing', async () => {
    const fs = new CrashFileSystem();
    await (await Wal.create('/wal', metadata, { fs, segmentSizeBytes })).close();
    const steps = fs.steps.length;
    await Wal.read('/wal', start, { fs });
    await Wal.validSnapshots('/wal', { fs });
    expect(fs.steps.length).toBe(steps);
  });
});

describe('the snapshots to start from', () => {
  test('are those that the last saved commit index covers', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 5), entries(1, 9), true);
    for (const index of [3, 5, 7]) await wal.saveSnapshot({ index, term: 1, confState: voters(1n, 2n) });
    await wal.close();
    const found = await Wal.validSnapshots('/wal', { fs });
    expect(found.map(({ index }) => index)).toEqual([0, 3, 5]);
    expect(found.at(-1)?.conf_state?.voters).toEqual([1n, 2n]);
  });
});

describe('saving', () => {
  test('sends all that waits in one write and one sync', async () => {
    const fs = new CrashFileSystem();
    const seconds: number[] = [];
    let clock = 0;
    const now = () => (clock += 2000);
    const onSync = (took: number) => seconds.push(took);
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes, now, onSync, maxDirectBytes: 0 });
    const before = { write: fs.count('write'), datasync: fs.count('datasync') };
    await Promise.all(entries(1, 1000).map((one) => wal.save(undefined, [one], true)));
    expect(fs.count('write') - before.write).toBe(1);
    expect(fs.count('datasync') - before.datasync).toBe(1);
    expect(seconds).toEqual([2]);
    await wal.close();
    expect((await Wal.read('/wal', start, { fs })).entries).toHaveLength(1000);
  });

  test('resolves only after the sync', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    const before = fs.count('datasync');
    await wal.save(state(1, 0), entries(1, 1), true);
    expect(fs.count('datasync')).toBe(before + 1);
    await wal.close();
  });

  test('without the need to sync writes only; close syncs it', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    const before = fs.count('datasync');
    await wal.save(state(1, 1), [], false);
    expect(fs.count('datasync')).toBe(before);
    await wal.close();
    expect(fs.count('datasync')).toBe(before + 1);
  });

  test('never syncs when told so', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, sync: false, segmentSizeBytes: 500 });
    for (const one of entries(1, 20)) await wal.save(undefined, [one], true);
    await wal.close();
    expect(fs.count('datasync') + fs.count('sync-directory')).toBe(0);
  });

  test('refuses entries that leave a gap, and goes on with those that do not', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    const refused = { code: 'WAL_BAD_INPUT' };
    await expect(wal.save(undefined, [entry(2)], true)).rejects.toMatchObject(refused);
    await expect(wal.save(undefined, [entry(0)], true)).rejects.toMatchObject(refused);
    await expect(wal.save(undefined, [entry(1), entry(3)], true)).rejects.toMatchObject(refused);
    await wal.save(undefined, entries(1, 2), true);
    await wal.close();
    expect((await Wal.read('/wal', start, { fs })).entries).toHaveLength(2);
  });

  test('over entries that are there replaces them and all behind', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(state(1, 0), entries(1, 9), true);
    await wal.save(state(2, 0), entries(4, 5, 2), true);
    await wal.close();
    const { entries: found } = await Wal.read('/wal', start, { fs });
    expect(found.map(({ Term }) => Term)).toEqual([1, 1, 1, 2, 2]);
  });

  test('after close is refused, and what waited then is written', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    const waiting = wal.save(undefined, entries(1, 2), true);
    const closed = wal.close();
    await expect(wal.save(undefined, [entry(3)], true)).rejects.toMatchObject({ code: 'WAL_CLOSED' });
    await Promise.all([waiting, closed, wal.close()]);
    expect((await Wal.read('/wal', start, { fs })).entries).toHaveLength(2);
  });

  test.each(['write', 'datasync'] as const)('is over for good after a failed %s', async (operation) => {
    let broken = false;
    const fs = new CrashFileSystem({
      onStep: (step) => {
        if (broken && step.operation === operation) throw new Error('EIO: i/o error');
      },
    });
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    broken = true;
    const first = wal.save(undefined, [entry(1)], true);
    const second = wal.saveSnapshot({ index: 1, term: 1, confState: voters(1n) });
    const failed = { code: 'WAL_FAILED', path: firstSegment, message: expect.stringContaining('EIO') };
    await expect(first).rejects.toMatchObject(failed);
    await expect(second).rejects.toMatchObject(failed);
    broken = false;
    const steps = fs.steps.length;
    await expect(wal.save(undefined, [entry(1)], true)).rejects.toMatchObject(failed);
    await expect(wal.purge(1)).rejects.toMatchObject(failed);
    await expect(wal.close()).rejects.toMatchObject(failed);
    expect(fs.steps.length).toBe(steps);
  });

  test('and reopening at any time gives back what was saved', async () => {
    const oneSave = fc.record({
      count: fc.nat(4),
      back: fc.nat(3),
      bytes: fc.constantFrom(0, 1, 44, 700, 3000),
      commit: fc.nat(3),
      reopen: fc.boolean(),
      wait: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(oneSave, { maxLength: 30 }),
        fc.constantFrom(600, 5000),
        async (saves, segmentSizeBytes) => {
          const fs = new CrashFileSystem();
          const options = { fs, segmentSizeBytes };
          let wal = await Wal.create('/wal', metadata, options);
          const records: ModelRecord[] = [];
          let last = 0;
          for (const [i, { count, back, bytes, commit, reopen, wait }] of saves.entries()) {
            const term = i + 1;
            const from = Math.max(1, last + 1 - back);
            const batch = count === 0 ? [] : entries(from, from + count - 1, term, bytes);
            if (count > 0) last = from + count - 1;
            const hardState = state(term, commit);
            records.push(...batch.map((one) => ({ entry: one })), { state: hardState });
            const saved = wal.save(hardState, batch, true);
            if (wait || reopen) await saved;
            if (!reopen) continue;
            await wal.close();
            const opened = await Wal.open('/wal', start, options);
            wal = opened.wal;
            expect(plain(opened)).toEqual(plain(contentsOf(records)));
          }
          await wal.close();
          expect(plain(await Wal.read('/wal', start, options))).toEqual(plain(contentsOf(records)));
        },
      ),
      { numRuns: 60 },
    );
  });
});
