import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltCode } from './mod.ts';
import { bytes, expectSound, openInMemory } from './testing/databases.ts';

const code = (expected: BoltCode) => expect.objectContaining({ name: 'BoltError', code: expected });

describe('commits', () => {
  test('are seen by the next transaction at once and become durable in order', async () => {
    const { db } = await openInMemory();
    const order: number[] = [];
    const commits = [1, 2, 3].map((n) => {
      const tx = db.begin();
      tx.createBucket('b');
      expect(tx.get('b', bytes('k'))?.toString()).toBe(n === 1 ? undefined : String(n - 1));
      tx.put('b', bytes('k'), bytes(String(n)));
      return tx.commit().then(() => order.push(n));
    });
    await Promise.all(commits);
    expect(order).toEqual([1, 2, 3]);
    await expectSound(db);
  });

  test('sync the data before the meta page, and the meta page before they resolve', async () => {
    const { fs, db } = await openInMemory();
    const before = fs.steps.length;
    const tx = db.begin();
    tx.createBucket('b');
    await tx.commit();
    expect(fs.steps.slice(before).map((step) => step.operation)).toEqual([
      'truncate',
      'write',
      'datasync',
      'write',
      'datasync',
    ]);
    expect(fs.contents('/db').length).toBe(16 * 1024 * 1024);
  });

  test('may follow directly on the end of the one before', async () => {
    const { db } = await openInMemory();
    for (let i = 0; i < 20; i++) {
      const tx = db.begin();
      tx.createBucket('b');
      tx.put('b', bytes('k'), bytes(String(i)));
      await tx.commit();
    }
    expect(db.view().get('b', bytes('k'))?.toString()).toBe('19');
  });

  test.each(['write', 'datasync', 'truncate'] as const)('after a failed %s are all refused', async (operation) => {
    let failing = false;
    const disk = new CrashFileSystem({
      onStep: (step) => {
        if (failing && step.operation === operation) throw new Error('EIO: the disk is gone');
      },
    });
    const { db } = await openInMemory(disk);
    const tx = db.begin();
    tx.createBucket('b');
    failing = true;
    const first = tx.commit();
    const next = db.begin();
    next.put('b', bytes('k'), bytes('v'));
    const second = next.commit();
    await expect(first).rejects.toEqual(code(BoltCode.InputOutput));
    await expect(second).rejects.toEqual(code(BoltCode.InputOutput));
    failing = false;
    expect(() => db.begin()).toThrow(code(BoltCode.Failed));
    expect(() => db.view()).toThrow('an earlier commit failed: EIO: the disk is gone');
    await db.close();
    await expectSound(disk);
  });
});
