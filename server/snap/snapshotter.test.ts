import { describe, expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { ConfState, type Snapshot } from '../proto/gen/raft.ts';
import { encodeSnapFile } from './snap-file.ts';
import { Snapshotter } from './snapshotter.ts';

reportCrashPoints('snapshot files');

function snapshot(index: number, term = 1): Snapshot {
  const conf_state = ConfState.create({ voters: [1n] });
  return { data: Buffer.from(`{"index":${index}}`), metadata: { conf_state, index, term } };
}

async function directory(options = {}): Promise<{ fs: CrashFileSystem; snaps: Snapshotter; warnings: string[] }> {
  const fs = new CrashFileSystem(options);
  await fs.makeDirectory('/snap');
  await fs.syncDirectory('/');
  const warnings: string[] = [];
  return { fs, warnings, snaps: new Snapshotter('/snap', { fs, onWarning: (message) => warnings.push(message) }) };
}

async function* chunks(...parts: string[]): AsyncIterable<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

const any = () => true;

describe('snapshots', () => {
  test('are named by term and index, in hexadecimal', async () => {
    const { fs, snaps } = await directory();
    await snaps.save(snapshot(0x62, 2));
    expect(await fs.list('/snap')).toEqual(['0000000000000002-0000000000000062.snap']);
  });

  test('come back newest first, of those that the log vouches for', async () => {
    const { snaps } = await directory();
    for (const [index, term] of [
      [90, 1],
      [100, 1],
      [95, 2],
    ] as const) {
      await snaps.save(snapshot(index, term));
    }
    expect((await snaps.loadNewest(any))?.metadata).toMatchObject({ index: 95, term: 2 });
    expect((await snaps.loadNewest((_, term) => term === 1))?.metadata).toMatchObject({ index: 100, term: 1 });
    expect(await snaps.loadNewest(() => false)).toBeUndefined();
  });

  test('that are damaged, or not what their names say, are put aside', async () => {
    const { fs, snaps, warnings } = await directory();
    await snaps.save(snapshot(1));
    const damaged = encodeSnapFile(snapshot(3)).slice();
    damaged[20] = (damaged[20] as number) ^ 1;
    fs.seedFile('/snap/0000000000000001-0000000000000003.snap', damaged);
    fs.seedFile('/snap/0000000000000001-0000000000000002.snap', encodeSnapFile(snapshot(7)));
    fs.seedFile('/snap/db', Buffer.from('x'));
    expect((await snaps.loadNewest(any))?.metadata.index).toBe(1);
    expect(await fs.list('/snap')).toEqual([
      '0000000000000001-0000000000000001.snap',
      '0000000000000001-0000000000000002.snap.broken',
      '0000000000000001-0000000000000003.snap.broken',
      'db',
    ]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('/snap/0000000000000001-0000000000000003.snap is damaged');
  });

  test('survive a loss of power once saved, and leave nothing half-done for loading', async () => {
    const steps = (await directory()).fs.steps.length + 8;
    for (let crashAtStep = 3; crashAtStep < steps; crashAtStep++) {
      for (let seed = 0; seed < 20; seed++) {
        const { fs, snaps } = await directory({ seed, crashAtStep });
        let saved = 0;
        for (const index of [1, 2])
          await snaps.save(snapshot(index)).then(
            () => (saved = index),
            () => undefined,
          );
        const warnings: string[] = [];
        const after = new Snapshotter('/snap', { fs: fs.reboot(), onWarning: (message) => warnings.push(message) });
        expect((await after.loadNewest(any))?.metadata.index ?? 0).toBeGreaterThanOrEqual(saved);
        expect(warnings).toEqual([]);
      }
    }
  });
});

describe('a received database', () => {
  test('is there whole, under its index', async () => {
    const { fs, snaps } = await directory();
    expect(await snaps.hasDatabase(0x62)).toBe(false);
    const saved = await snaps.saveDatabase(0x62, chunks('one', '', 'two'));
    expect(saved).toEqual({ path: snaps.databasePath(0x62), sizeBytes: 6 });
    expect(await fs.list('/snap')).toEqual(['0000000000000062.snap.db']);
    expect(await snaps.hasDatabase(0x62)).toBe(true);
    expect(Buffer.from(fs.reboot().contents(saved.path)).toString()).toBe('onetwo');
  });

  test('that is too large is refused and leaves nothing', async () => {
    const { fs, snaps } = await directory();
    await expect(snaps.saveDatabase(1, chunks('12345', '6'), 5)).rejects.toMatchObject({ code: 'SNAP_TOO_LARGE' });
    expect(await fs.list('/snap')).toEqual([]);
    expect((await snaps.saveDatabase(1, chunks('12345'), 5)).sizeBytes).toBe(5);
  });

  test('whose sender breaks off leaves nothing', async () => {
    const { fs, snaps } = await directory();
    async function* broken(): AsyncIterable<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('connection reset');
    }
    await expect(snaps.saveDatabase(1, broken())).rejects.toThrow('connection reset');
    expect(await fs.list('/snap')).toEqual([]);
  });

  test('may come twice at once', async () => {
    const { fs, snaps } = await directory();
    await Promise.all([snaps.saveDatabase(1, chunks('a', 'b')), snaps.saveDatabase(1, chunks('a', 'b'))]);
    expect(Buffer.from(fs.contents(snaps.databasePath(1))).toString()).toBe('ab');
    expect(await fs.list('/snap')).toHaveLength(1);
  });

  test('leaves a temporary file behind when the power fails, which the next start removes', async () => {
    const { fs, snaps } = await directory();
    await snaps.save(snapshot(1));
    for (const name of ['tmp-0000000000000001-0', 'tmp123', 'db.tmp.45', 'db']) {
      fs.seedFile(`/snap/${name}`, Buffer.from('x'));
    }
    expect(await snaps.removeTemporary()).toEqual(['db.tmp.45', 'tmp-0000000000000001-0', 'tmp123']);
    expect(await fs.list('/snap')).toEqual(['0000000000000001-0000000000000001.snap', 'db']);
  });
});

describe('old files', () => {
  test('are removed but for the newest of each kind', async () => {
    const { fs, snaps } = await directory();
    for (let index = 1; index <= 4; index++) {
      await snaps.save(snapshot(index));
      await snaps.saveDatabase(index, chunks('x'));
    }
    fs.seedFile('/snap/db', Buffer.from('x'));
    expect(await snaps.purge(0)).toEqual([]);
    expect(await snaps.purge(3)).toEqual(['0000000000000001-0000000000000001.snap', '0000000000000001.snap.db']);
    expect(await snaps.purge(3)).toEqual([]);
    expect(await snaps.removeDatabasesBelow(4)).toEqual(['0000000000000002.snap.db', '0000000000000003.snap.db']);
    expect(await fs.list('/snap')).toContain('db');
  });
});
