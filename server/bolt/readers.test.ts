import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { OpenMode, StorageFile } from '../base/file-system.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { decodeMetaPage, type Meta } from './format.ts';
import { BoltCode, BoltDatabase, type ReadTx } from './mod.ts';
import { bytes, contentsOf, expectSound, openInMemory, revisionKey, smallPage } from './testing/databases.ts';

const code = (expected: BoltCode) => expect.objectContaining({ name: 'BoltError', code: expected });

/** Where what is written is not there at once, as on a real disk. */
class SlowFileSystem extends CrashFileSystem {
  override async open(path: string, how: OpenMode): Promise<StorageFile> {
    const file = await super.open(path, how);
    const write = async (chunks: readonly Uint8Array[], position: number) => {
      await setImmediate();
      await file.write(chunks, position);
    };
    return { ...file, write };
  }
}

describe('a reading transaction', () => {
  test('stays at its state while later ones change everything, and after', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 500; i++) tx.put('b', revisionKey(i), bytes(`first ${i}`));
    await tx.commit();
    const view = db.view();
    const before = contentsOf(view);
    for (let round = 0; round < 5; round++) {
      tx = db.begin();
      for (let i = 0; i < 500; i++) tx.put('b', revisionKey(i), bytes(`round ${round}`));
      await tx.commit();
    }
    expect(contentsOf(view)).toEqual(before);
    await expectSound(db);
    view.close();
    expect(() => view.get('b', revisionKey(1))).toThrow(code(BoltCode.TransactionClosed));
  });

  test('holds its pages; without one the file stays as large as it needs to be', async () => {
    const grow = async (hold: boolean) => {
      const { db } = await openInMemory();
      let view = db.view();
      for (let round = 0; round < 20; round++) {
        const tx = db.begin();
        tx.createBucket('b');
        for (let i = 0; i < 200; i++) tx.put('b', revisionKey(i), bytes(`${round}`));
        await tx.commit();
        if (round === 0) {
          view.close();
          view = db.view();
          if (!hold) view.close();
        }
      }
      const grown = db.sizeBytes();
      const { pending } = db.inspect().free;
      if (hold) expect(pending).toBeGreaterThan(100);
      view.close();
      expect(db.inspect().free.pending).toBe(0);
      await expectSound(db);
      return grown;
    };
    const free = await grow(false);
    expect(await grow(true)).toBeGreaterThan(free * 3);
  });

  test.each(['durable', 'sealed'])('gives the leaves of its state, %s, while the file is written to', async (when) => {
    const { db } = await openInMemory(new SlowFileSystem());
    const put = (round: number) => {
      const tx = db.begin();
      tx.createBucket('b');
      for (let i = 0; i < 600; i++)
        if (round === 0 || i % 60 === 59) tx.put('b', revisionKey(i), Buffer.alloc(40, round));
      tx.put('b', revisionKey(600 + round), Buffer.alloc(5000, round));
      return tx.commit();
    };
    await put(0);
    await put(1);
    // Takes the pages that the one before has freed, in between those that are as they were.
    const sealed = put(2);
    if (when === 'durable') await sealed;
    const view = db.view();
    const expected = [...view.pairs('b')].map((pair) => Buffer.concat(pair).toString('hex'));
    const seen: string[] = [];
    let [leaves, round] = [0, 3];
    for (const leaf of view.leaves('b')) {
      for (let i = 0; i < leaf.count; i++) seen.push(Buffer.concat([leaf.key(i), leaf.value(i)]).toString('hex'));
      if (++leaves % 4 === 0) await put(round++);
    }
    expect(seen).toEqual(expected);
    expect(view.lastKey('b')).toEqual(revisionKey(602));
    view.close();
    await expectSound(db);
  });

  test('closing does not free pages of a commit that is still being written', async () => {
    const { db } = await openInMemory();
    const change = (value: string) => {
      const tx = db.begin();
      tx.createBucket('b');
      for (let i = 0; i < 100; i++) tx.put('b', revisionKey(i), bytes(value));
      return tx.commit();
    };
    await change('1');
    const [view, free] = [db.view(), db.inspect().free];
    view.close();
    const before = free.count;
    const durable = change('2');
    const left = free.count;
    expect(left).toBeLessThanOrEqual(before);
    db.view().close();
    expect(free.count).toBe(left);
    await durable;
    expect(free.count).toBeGreaterThan(left);
  });

  test('gives an image of its state that is a database of its own, while writes go on', async () => {
    const { fs, db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 300; i++) tx.put('b', revisionKey(i), bytes(`first ${i}`));
    void tx.commit();
    const view = db.view();
    const contents = contentsOf(view);
    const chunks: Uint8Array[] = [];
    for await (const chunk of db.image(view, 2048)) {
      chunks.push(chunk);
      tx = db.begin();
      for (let i = 0; i < 300; i += 7) tx.put('b', revisionKey(i), bytes('later'));
      await tx.commit();
    }
    const image = Buffer.concat(chunks);
    expect(image.length).toBe(view.sizeBytes);
    view.close();
    fs.seedFile('/copy', Buffer.concat([image, Buffer.alloc(32, 'trailer')]));
    await expectSound(fs, '/copy');
    const copy = await BoltDatabase.open('/copy', { fs, readOnly: true, sizeBytes: image.length });
    expect(contentsOf(copy.view())).toEqual(contents);
    expect(copy.txid).toBe(view.txid);
  });
});

describe('an image', () => {
  async function imageOf(db: BoltDatabase, view: ReadTx): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of db.image(view)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test('holds its own transaction T in page 0 and T-1 in page 1, whatever has been committed since', async () => {
    const { db } = await openInMemory();
    for (let round = 0; round < 4; round++) {
      const view = db.view();
      const tx = db.begin();
      tx.createBucket(`later ${round}`);
      await tx.commit();
      const image = await imageOf(db, view);
      const metas = [decodeMetaPage(image), decodeMetaPage(image.subarray(smallPage))] as [Meta, Meta];
      expect(metas.map(({ txid }) => txid)).toEqual([view.txid, view.txid - 1]);
      expect(new Set(metas.map(({ root }) => root)).size).toBe(1);
      expect(image.length).toBe(view.sizeBytes);
      view.close();
    }
  });

  test('waits until its pages are in the file', async () => {
    const { fs, db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 100; i++) tx.put('b', revisionKey(i), bytes('v'));
    const expected = contentsOf(tx);
    void tx.commit();
    fs.seedFile('/copy', await imageOf(db, db.view()));
    const copy = await BoltDatabase.open('/copy', { fs, readOnly: true });
    expect(contentsOf(copy.view())).toEqual(expected);
  });
});
