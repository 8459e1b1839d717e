import { describe, expect, test } from 'vitest';
import { bytes, contentsOf, expectSound, openInMemory, revisionKey, smallPage } from './testing/databases.ts';

describe('trees', () => {
  test('of 200,000 ascending keys have full pages', async () => {
    const { db } = await openInMemory(undefined, { pageSize: 4096 });
    let tx = db.begin();
    tx.createBucket('key');
    for (let i = 0; i < 200_000; i++) {
      tx.put('key', revisionKey(i), revisionKey(i));
      if (i % 10_000 === 9999) {
        await tx.commit();
        tx = db.begin();
      }
    }
    const payload = 200_000 * (17 + 17 + 16);
    expect(db.sizeBytes() - db.freePageCount() * 4096).toBeLessThan(payload * 1.05);
    for (let i = 0; i < 200_000; i += 997) expect(tx.get('key', revisionKey(i))).toEqual(revisionKey(i));
    await expectSound(db);
  });

  test('shrink as keys go, down to an empty bucket in the root page', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 5000; i++) tx.put('b', revisionKey(i), bytes('v'));
    await tx.commit();
    const full = db.sizeBytes() / smallPage - db.freePageCount();
    for (const [from, to, left] of [
      [0, 2500, 0.55],
      [4000, 5000, 0.35],
      [2500, 3996, 0],
      [3996, 4000, 0],
    ] as const) {
      tx = db.begin();
      for (let i = from; i < to; i++) tx.delete('b', revisionKey(i));
      await tx.commit();
      await expectSound(db);
      const used = db.sizeBytes() / smallPage - db.freePageCount();
      expect(used).toBeLessThanOrEqual(3 + Math.ceil(full * left));
    }
    expect(contentsOf(db.view())).toEqual({ b: {} });
  });

  test('cut a page that overflows in the middle into equal ones', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 500; i++) tx.put('b', revisionKey(i), bytes('v'));
    await tx.commit();
    tx = db.begin();
    const perPage = Math.floor((smallPage - 16) / (16 + 17 + 1));
    // Behind the last key of one full page, and in the middle of another.
    for (const i of [perPage * 3 - 1, perPage * 7 - 15]) {
      tx.put('b', Buffer.concat([revisionKey(i), bytes('+')]), bytes('v'));
    }
    await tx.commit();
    const { state } = db.inspect();
    const branch = state.page(state.buckets.get('b')?.rootId as number);
    const counts = Array.from({ length: branch.count - 1 }, (_, i) => state.page(branch.child(i)).count);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(Math.floor(perPage / 2));
    expect(counts.filter((count) => count < perPage).length).toBe(4);
  });

  test('cut the last page into equal ones, too, unless all that is new lies behind it', async () => {
    const perPage = Math.floor((smallPage - 16) / (16 + 17 + 1));
    const lastPages = async (key: Buffer) => {
      const { db } = await openInMemory();
      let tx = db.begin();
      tx.createBucket('b');
      for (let i = 0; i < perPage * 3; i++) tx.put('b', revisionKey(i), bytes('v'));
      await tx.commit();
      tx = db.begin();
      tx.put('b', key, bytes('v'));
      await tx.commit();
      const { state } = db.inspect();
      const branch = state.page(state.buckets.get('b')?.rootId as number);
      return [2, 3].map((i) => state.page(branch.child(i)).count);
    };
    expect(await lastPages(revisionKey(perPage * 3))).toEqual([perPage, 1]);
    const [left, right] = await lastPages(Buffer.concat([revisionKey(perPage * 3 - 15), bytes('+')]));
    expect(Math.abs((left as number) - (right as number))).toBeLessThanOrEqual(2);
  });

  test('become an inline bucket when one small page is left that has not changed itself', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 90; i++) tx.put('b', revisionKey(i), bytes('v'));
    await tx.commit();
    const { state } = db.inspect();
    const branch = state.page(state.buckets.get('b')?.rootId as number);
    const last = state.page(branch.child(branch.count - 1));
    expect(last.count).toBe(3);
    tx = db.begin();
    for (let i = 0; i < 87; i++) tx.delete('b', revisionKey(i));
    await tx.commit();
    expect(db.inspect().state.buckets.get('b')?.inline?.count).toBe(3);
    await expectSound(db);
  });

  test('never have a branch with one child, however long the keys', async () => {
    const { db } = await openInMemory();
    const long = (i: number) => bytes(`${1000 + i}`.padEnd(450, 'k'));
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 100; i++) tx.put('b', long(i), bytes('v'));
    await tx.commit();
    await expectSound(db);
    for (let i = 0; i < 100; i++) {
      tx = db.begin();
      tx.delete('b', long((i * 37) % 100));
      await tx.commit();
      await expectSound(db);
    }
  });

  test('never have a branch with one child, whatever part of a deep one goes at once', async () => {
    const long = (i: number) => bytes(`${1000 + i}`.padEnd(450, 'k'));
    const count = 80;
    for (let from = 0; from < count; from += 3) {
      for (let to = from + 1; to <= count; to += 5) {
        const { db } = await openInMemory(undefined, { sync: false });
        let tx = db.begin();
        tx.createBucket('b');
        for (let i = 0; i < count; i++) tx.put('b', long(i), bytes('v'));
        await tx.commit();
        tx = db.begin();
        for (let i = from; i < to; i++) tx.delete('b', long(i));
        const expected = contentsOf(tx);
        await tx.commit();
        await expectSound(db);
        expect(contentsOf(db.view())).toEqual(expected);
      }
    }
  });

  test('stay compact when scattered keys go', async () => {
    const { db } = await openInMemory();
    let tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 5000; i++) tx.put('b', revisionKey(i), bytes('v'));
    await tx.commit();
    const full = db.sizeBytes() / smallPage - db.freePageCount();
    tx = db.begin();
    for (let i = 0; i < 5000; i++) if (i % 20 !== 0) tx.delete('b', revisionKey(i));
    await tx.commit();
    await expectSound(db);
    expect(db.sizeBytes() / smallPage - db.freePageCount()).toBeLessThan(full / 4);
  });
});
