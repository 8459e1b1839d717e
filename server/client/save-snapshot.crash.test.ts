/** The power may fail in any step of saving a snapshot: under its name lies a whole file, or what was there before. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem, type CrashOptions } from '../base/testing/crash-file-system.ts';
import { SnapshotResponse } from '../proto/gen/rpc.ts';
import { saveSnapshot } from './mod.ts';

reportCrashPoints('snapshot save');

const database = Buffer.alloc(512 * 20, 'database');
const sealed = Buffer.concat([database, createHash('sha256').update(database).digest()]);
const old = Buffer.from('an older snapshot');
const file = '/backups/s.db';

/** A member that streams the database in pieces that end within sectors. */
const member = {
  async *snapshot() {
    for (let at = 0; at < sealed.length; at += 3000) {
      const blob = sealed.subarray(at, at + 3000);
      yield SnapshotResponse.create({ remaining_bytes: sealed.length - at - blob.length, blob });
    }
  },
};

function disk(before: 'nothing' | 'an older file', options: CrashOptions = {}): CrashFileSystem {
  const fs = new CrashFileSystem(options);
  fs.seedFile('/backups/other', Buffer.of(1));
  if (before === 'an older file') fs.seedFile(file, old);
  return fs;
}

const save = (fs: CrashFileSystem) => saveSnapshot(member, file, { fs, overwrite: true });

/** What lies under the snapshot's name. */
async function found(fs: CrashFileSystem): Promise<'nothing' | 'an older file' | 'the snapshot' | 'half a file'> {
  if (!(await fs.exists(file))) return 'nothing';
  const bytes = fs.contents(file);
  if (sealed.equals(bytes)) return 'the snapshot';
  return old.equals(bytes) ? 'an older file' : 'half a file';
}

describe.each(['nothing', 'an older file'] as const)('where there was %s before', (before) => {
  test('a power cut at any step leaves that or the whole snapshot, and the next save succeeds', async () => {
    const whole = disk(before);
    await save(whole);
    const outcomes = new Set<string>();
    for (let step = 1; step <= whole.steps.length; step++) {
      for (let seed = 1; seed <= 10; seed++) {
        const fs = disk(before, { crashAtStep: step, seed: step * 100 + seed });
        await expect(save(fs)).rejects.toThrow('the power is off');
        const after = fs.reboot();
        outcomes.add(await found(after));
        await save(after);
        expect(await after.list('/backups')).toEqual(['other', 's.db']);
        expect(await found(after.reboot())).toBe('the snapshot');
      }
    }
    expect(outcomes).toEqual(new Set([before, 'the snapshot']));
  });

  test('a snapshot that was reported as saved survives any power cut', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const fs = disk(before, { seed });
      await save(fs);
      expect(await found(fs.reboot())).toBe('the snapshot');
    }
  });

  test('the first failure of a disk is what is reported, and no half file is left under the name', async () => {
    const whole = disk(before);
    await save(whole);
    for (let broken = 1; broken <= whole.steps.length; broken++) {
      let steps = 0;
      const fs = disk(before, {
        onStep: () => {
          // From here on nothing can be changed any more, as on a file system that has become read-only.
          if (++steps >= broken) throw Object.assign(new Error(`EIO in step ${steps}`), { code: 'EIO' });
        },
      });
      await expect(save(fs), `step ${broken}`).rejects.toThrow(`EIO in step ${broken}`);
      expect(await found(fs), `step ${broken}`).not.toBe('half a file');
    }
  });
});
