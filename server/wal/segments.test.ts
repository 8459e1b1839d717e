import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { ConfState } from '../proto/gen/raft.ts';
import { Metadata } from '../proto/gen/wal.ts';
import { FrameEncoder } from './frame-encoder.ts';
import { RecordType } from './record-type.ts';
import { parseSegmentName, segmentName } from './segment-name.ts';
import { entries, entry, frames } from './testing/log-model.ts';
import { Wal } from './wal.ts';

const metadata = { nodeId: 1n, clusterId: 2n };
const start = { index: 0, term: 0 };
const segmentSizeBytes = 2000;

/** A log of 60 entries in many segments, each entry saved on its own. */
async function longLog(fs: CrashFileSystem): Promise<Wal> {
  const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
  await wal.save({ term: 1, vote: 7n, commit: 0 }, [], true);
  for (const one of entries(1, 60, 1, 200)) await wal.save(undefined, [one], true);
  return wal;
}

describe('segment names', () => {
  test('are sequence and index in 16 hex digits each', () => {
    expect(segmentName(1, 0x33).name).toBe('0000000000000001-0000000000000033.wal');
    expect(parseSegmentName('000000000000000a-0000000000000033.wal')).toMatchObject({ sequence: 10, index: 0x33 });
    expect(parseSegmentName('1-33.wal')).toBeUndefined();
    expect(parseSegmentName('000000000000000a-0000000000000033.wal.broken')).toBeUndefined();
  });
});

describe('a full segment', () => {
  test('is cut to its data, and the next continues CRC, metadata and state', async () => {
    const fs = new CrashFileSystem();
    await (await longLog(fs)).close();
    const names = await fs.list('/wal');
    expect(names.length).toBeGreaterThan(5);
    const [first, second] = names.map((name) => fs.contents(`/wal/${name}`)) as [Uint8Array, Uint8Array];
    const last = frames(first).at(-1);
    expect(first.length).toBe(last?.end);
    expect(last?.offset).toBeLessThan(segmentSizeBytes);
    expect(first.length).toBeGreaterThanOrEqual(segmentSizeBytes);
    const head = frames(second).slice(0, 3);
    expect(head.map(({ record }) => record.type)).toEqual([RecordType.crc, RecordType.metadata, RecordType.state]);
    expect(head[0]?.record).toEqual({ type: RecordType.crc, crc: last?.record.crc, data: undefined });
    expect(head[1]?.record.data).toEqual(frames(first)[1]?.record.data);
    expect((await Wal.read('/wal', start, { fs })).hardState).toEqual({ term: 1, vote: 7n, commit: 0 });
  });

  test('is named after the first entry that the next may hold', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(undefined, entries(1, 0x32, 1, 100), true);
    await wal.close();
    expect((await fs.list('/wal'))[1]).toBe('0000000000000001-0000000000000033.wal');
  });

  test('is cut to its data, too, when it had been made larger', async () => {
    const fs = new CrashFileSystem();
    await (await Wal.create('/wal', metadata, { fs, segmentSizeBytes: 50_000 })).close();
    const { wal } = await Wal.open('/wal', start, { fs, segmentSizeBytes });
    await wal.save(undefined, entries(1, 20, 1, 100), true);
    await wal.close();
    const first = fs.contents(`/wal/${segmentName(0, 0).name}`);
    expect(first.length).toBe(frames(first).at(-1)?.end);
  });

  test('never splits a save', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    await wal.save(undefined, entries(1, 100, 1, 100), true);
    await wal.close();
    expect(await fs.list('/wal')).toHaveLength(2);
    expect(fs.contents('/wal/0000000000000000-0000000000000000.wal').length).toBeGreaterThan(100 * 100);
  });

  test('ends where it would if the saves had come one by one', async () => {
    const names = await Promise.all(
      [true, false].map(async (oneByOne) => {
        const fs = new CrashFileSystem();
        const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
        const saves = [];
        for (const one of entries(1, 60, 1, 200)) {
          saves.push(wal.save(undefined, [one], true));
          if (oneByOne) await saves.at(-1);
        }
        await Promise.all(saves);
        await wal.close();
        return fs.list('/wal');
      }),
    );
    expect(names[0]).toEqual(names[1]);
  });

  test('leaves no temporary file, and a left-over one is no obstacle', async () => {
    const fs = new CrashFileSystem();
    const wal = await Wal.create('/wal', metadata, { fs, segmentSizeBytes });
    fs.seedFile('/wal/1.tmp', Buffer.alloc(5000, 0xff));
    await wal.save(undefined, entries(1, 40, 1, 100), true);
    await wal.close();
    expect((await fs.list('/wal')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await Wal.read('/wal', start, { fs })).entries).toHaveLength(40);
  });
});

describe('segments that do not fit together', () => {
  test('are refused when one is missing in between', async () => {
    const fs = new CrashFileSystem();
    await (await longLog(fs)).close();
    const names = await fs.list('/wal');
    await fs.remove(`/wal/${names[2]}`);
    const missing = { code: 'WAL_GAP', message: expect.stringContaining('0000000000000002') };
    await expect(Wal.open('/wal', start, { fs })).rejects.toMatchObject(missing);
  });

  test('are refused when one is of another member', async () => {
    const fs = new CrashFileSystem();
    const encoder = new FrameEncoder(0);
    encoder.crcRecord();
    encoder.metadata(Metadata.encode({ NodeID: 1n, ClusterID: 2n }));
    encoder.snapshot({ index: 0, term: 0 });
    fs.seedFile(`/wal/${segmentName(0, 0).name}`, encoder.bytes());
    encoder.clear();
    encoder.crcRecord();
    const offset = encoder.length;
    encoder.metadata(Metadata.encode({ NodeID: 9n, ClusterID: 2n }));
    const path = `/wal/${segmentName(1, 1).name}`;
    fs.seedFile(path, encoder.bytes());
    const refused = { code: 'WAL_METADATA_MISMATCH', path, offset };
    await expect(Wal.open('/wal', start, { fs })).rejects.toMatchObject(refused);
  });

  test('are refused when the second does not continue the first', async () => {
    const fs = new CrashFileSystem();
    await (await longLog(fs)).close();
    const names = await fs.list('/wal');
    const path = `/wal/${names[1]}`;
    const bytes = fs.contents(path);
    bytes[12] = (bytes[12] as number) ^ 1;
    fs.seedFile(path, bytes);
    await expect(Wal.open('/wal', start, { fs })).rejects.toMatchObject({ code: 'WAL_CORRUPT', path, offset: 0 });
  });
});

describe('purging', () => {
  const confState = ConfState.create({ voters: [1n] });

  async function snapshotAt(wal: Wal, index: number): Promise<void> {
    await wal.save({ term: 1, vote: 7n, commit: index }, [], true);
    await wal.saveSnapshot({ index, term: 1, confState });
    wal.releaseTo(index);
  }

  test('removes nothing before a snapshot was released', async () => {
    const fs = new CrashFileSystem();
    const wal = await longLog(fs);
    expect(await wal.purge(1)).toEqual([]);
    await wal.close();
  });

  test('keeps what opening at the released snapshot needs', async () => {
    for (let index = 1; index <= 60; index++) {
      const fs = new CrashFileSystem();
      const wal = await longLog(fs);
      const before = await fs.list('/wal');
      await snapshotAt(wal, index);
      const removed = await wal.purge(1);
      expect(removed).toEqual(before.slice(0, removed.length));
      if (index > 30) expect(removed.length).toBeGreaterThan(0);
      await wal.save(undefined, [entry(61)], true);
      await wal.close();
      const opened = await Wal.open('/wal', { index, term: 1 }, { fs, segmentSizeBytes });
      await opened.wal.close();
      expect(opened.entries).toHaveLength(61 - index);
    }
  });

  test('keeps as many as it is told, all with 0', async () => {
    const fs = new CrashFileSystem();
    const wal = await longLog(fs);
    await snapshotAt(wal, 60);
    const before = await fs.list('/wal');
    expect(await wal.purge(0)).toEqual([]);
    await Promise.all([wal.purge(5), wal.purge(5)]);
    expect(await fs.list('/wal')).toEqual(before.slice(-5));
    await wal.close();
  });

  test('after reopening frees what lies before the snapshot opened at', async () => {
    const fs = new CrashFileSystem();
    const wal = await longLog(fs);
    await snapshotAt(wal, 50);
    await wal.close();
    const opened = await Wal.open('/wal', { index: 50, term: 1 }, { fs, segmentSizeBytes });
    expect((await opened.wal.purge(1)).length).toBeGreaterThan(2);
    await opened.wal.close();
  });
});
