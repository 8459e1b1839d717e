import { describe, expect, test } from 'vitest';
import type { FileSystem } from '../base/file-system.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { DiskPace } from './disk-pace.ts';
import { entry } from './testing/log-model.ts';
import { Wal } from './wal.ts';

describe('a disk is waited for', () => {
  test('while its writes are quick', () => {
    const pace = new DiskPace();
    for (let i = 0; i < 100; i++) pace.waited(0.2);
    expect(pace.isQuick).toBe(true);
  });

  test('not after one slow write, for the next hundred', () => {
    const pace = new DiskPace();
    pace.waited(11);
    for (let i = 0; i < 99; i++) pace.passed(0.2);
    expect(pace.isQuick).toBe(false);
    pace.passed(0.2);
    expect(pace.isQuick).toBe(true);
  });

  test('not when it takes longer than a millisecond each time', () => {
    const pace = new DiskPace();
    let waited = 0;
    for (; pace.isQuick && waited < 1000; waited++) pace.waited(1.5);
    expect(waited).toBeLessThan(20);
    for (let i = 0; i < 100; i++) pace.passed(0.2);
    pace.waited(1.5);
    expect(pace.isQuick).toBe(false);
  });

  test('not as long as the pool has to wait for it', () => {
    const pace = new DiskPace();
    pace.waited(11);
    for (let i = 0; i < 1000; i++) pace.passed(11);
    expect(pace.isQuick).toBe(false);
    for (let i = 0; i < 100; i++) pace.passed(0.2);
    expect(pace.isQuick).toBe(true);
  });

  test('again once it has recovered', () => {
    const pace = new DiskPace();
    pace.waited(5000);
    for (let i = 0; i < 100; i++) pace.passed(0.2);
    for (let i = 0; i < 20; i++) pace.waited(0.2);
    expect(pace.isQuick).toBe(true);
  });
});

/** A disk in memory whose syncs take `syncMs(n)`, on whichever thread they are made, by a clock that only they move. */
class TimedDisk {
  clockMs = 0;
  /** What the calling thread has spent in syncs. */
  heldUpMs = 0;
  readonly fs: FileSystem;

  constructor(syncMs: (count: number) => number) {
    const files = new CrashFileSystem();
    let syncs = 0;
    const pass = (): number => {
      const tookMs = syncMs(++syncs);
      this.clockMs += tookMs;
      return tookMs;
    };
    this.fs = {
      list: (where) => files.list(where),
      exists: (where) => files.exists(where),
      rename: (from, to) => files.rename(from, to),
      remove: (where) => files.remove(where),
      makeDirectory: (where) => files.makeDirectory(where),
      removeDirectory: (where) => files.removeDirectory(where),
      syncDirectory: (where) => files.syncDirectory(where),
      open: async (where, how, mode) => {
        const file = await files.open(where, how, mode);
        const datasync = async (): Promise<void> => {
          pass();
          await file.datasync();
        };
        const datasyncSync = (): void => {
          this.heldUpMs += pass();
          file.datasyncSync();
        };
        return { ...file, datasync, datasyncSync };
      },
    };
  }

  /** Saves so many entries, one after the other, and behind each so many times nothing. */
  async save(count: number, emptySaves = 0): Promise<void> {
    const wal = await Wal.create('/wal', { nodeId: 1n, clusterId: 2n }, { fs: this.fs, now: () => this.clockMs });
    for (let index = 1; index <= count; index++) {
      await wal.save(undefined, [entry(index)], true);
      for (let i = 0; i < emptySaves; i++) await wal.save(undefined, [], false);
    }
    await wal.close();
  }
}

describe('the thread that sends heartbeats', () => {
  test('waits for a quick disk, which takes it no time', async () => {
    const disk = new TimedDisk(() => 0.1);
    await disk.save(3000);
    expect(disk.heldUpMs).toBeCloseTo(300, 0);
  });

  test('is held up once by a disk whose every sync is slow', async () => {
    const disk = new TimedDisk(() => 200);
    await disk.save(3000);
    expect(disk.heldUpMs).toBe(200);
  });

  test('is held up by a disk of 5 ms at most once in a hundred writes', async () => {
    const disk = new TimedDisk(() => 5);
    await disk.save(3000);
    expect(disk.heldUpMs).toBeLessThanOrEqual(33 * 5);
  });

  test.each([5, 200])('is held up no more when most saves have nothing to sync, by a disk of %d ms', async (syncMs) => {
    const [disk, busy] = [new TimedDisk(() => syncMs), new TimedDisk(() => syncMs)];
    await disk.save(1000);
    await busy.save(1000, 20);
    expect(busy.heldUpMs).toBe(disk.heldUpMs);
  });

  test('is held up at most once in a hundred writes when the disk is slow now and then', async () => {
    const disk = new TimedDisk((count) => (count % 50 === 0 ? 400 : 0.1));
    await disk.save(3000);
    expect(disk.heldUpMs).toBeLessThanOrEqual(30 * 400 + 300);
  });
});
