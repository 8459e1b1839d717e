/** The power may fail at any write and any sync: what was durable is there, and nothing half-done is. */
import { expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem, PowerLossError } from '../base/testing/crash-file-system.ts';
import { BoltDatabase, BoltError } from './mod.ts';
import { bytes, type Contents, contentsOf, expectSound, revisionKey, smallPage } from './testing/databases.ts';

reportCrashPoints('database commits');

/** Small steps, so that the file grows, and the power fails while it does, many times. */
const options = { create: true, pageSize: smallPage, growthBytes: 8 * smallPage };

interface History {
  /** The contents after each sealed transaction; first the empty database. */
  readonly states: Contents[];
  /** Index of the last state whose commit has resolved. */
  durable: number;
}

/** Puts, overwrites and deletes in a few dozen commits, some of them queued behind one another. */
async function work(fs: CrashFileSystem, history: History): Promise<void> {
  const db = await BoltDatabase.open('/db', { fs, ...options });
  for (let round = 0; round < 12; round++) {
    const queued: Promise<void>[] = [];
    for (let part = 0; part <= round % 3; part++) {
      const tx = db.begin();
      tx.createBucket('key');
      for (let i = 0; i < 40; i++) tx.put('key', revisionKey(round * 25 + i), bytes(`${round}.${part} ${i}`));
      for (let i = 0; i < 30; i++) tx.delete('key', revisionKey((round * 53 + part * 7 + i * 3) % 300));
      if (round % 4 === 0) tx.put('key', bytes('large'), Buffer.alloc(3000 + round, 'x'));
      history.states.push(contentsOf(tx));
      const index = history.states.length - 1;
      queued.push(
        tx.commit().then(() => {
          history.durable = index;
        }),
      );
    }
    const results = await Promise.allSettled(queued);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
  await db.close();
}

async function afterCrash(fs: CrashFileSystem, history: History): Promise<void> {
  const db = await BoltDatabase.open('/db', { fs, ...options });
  await expectSound(db);
  const found = contentsOf(db.view());
  const possible = history.states.slice(history.durable, history.durable + 4);
  expect(possible).toContainEqual(found);
  const tx = db.begin();
  tx.createBucket('key');
  for (let i = 0; i < 100; i++) tx.put('key', revisionKey(i * 3), bytes('after the crash'));
  const expected = contentsOf(tx);
  await tx.commit();
  await db.close();
  await expectSound(fs);
  const reopened = await BoltDatabase.open('/db', { fs });
  expect(contentsOf(reopened.view())).toEqual(expected);
}

function newHistory(): History {
  return { states: [{}], durable: 0 };
}

test('a commit that has resolved survives a power failure at any step, and the file goes on being of use', async () => {
  const whole = new CrashFileSystem();
  await work(whole, newHistory());
  expect(whole.steps.length).toBeGreaterThan(100);
  for (let step = 1; step <= whole.steps.length; step++) {
    for (const seed of [1, 2, 3]) {
      const fs = new CrashFileSystem({ crashAtStep: step, seed: seed * 1000 + step });
      const history = newHistory();
      const error = await work(fs, history).catch((thrown) => thrown);
      expect(error instanceof BoltError ? error.cause : error).toBeInstanceOf(PowerLossError);
      await afterCrash(fs.reboot(), history);
    }
  }
});

test('a process that is killed leaves a file that the next can write to, although the power fails then', async () => {
  const whole = new CrashFileSystem();
  await work(whole, newHistory());
  for (let step = 1; step <= whole.steps.length; step++) {
    for (const seed of [1, 2, 3]) {
      let life = 1;
      const fs = new CrashFileSystem({
        seed: seed * 1000 + step,
        onStep({ number, operation }) {
          // The first process is killed in that step, the power fails when the second first waits for the disk.
          if (life === 1 ? number >= step : life === 3 && operation === 'datasync') throw new PowerLossError('killed');
        },
      });
      await work(fs, newHistory()).catch(() => undefined);
      life = 2;
      const db = await BoltDatabase.open('/db', { fs, ...options });
      const before = contentsOf(db.view());
      life = 3;
      const tx = db.begin();
      tx.createBucket('key');
      for (let i = 0; i < 100; i++) tx.put('key', revisionKey(i * 3), bytes('by the second process'));
      const after = contentsOf(tx);
      await expect(tx.commit()).rejects.toThrow('killed');
      const survivor = await BoltDatabase.open('/db', { fs: fs.reboot(), ...options });
      await expectSound(survivor);
      expect([before, after]).toContainEqual(contentsOf(survivor.view()));
    }
  }
});
