import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltCode, BoltDatabase, type Pair, writeDatabase } from './mod.ts';
import { bytes, contentsOf, expectSound, revisionKey, smallPage } from './testing/databases.ts';

async function written(buckets: { name: string; pairs: Iterable<Pair> | AsyncIterable<Pair> }[], pageSize = smallPage) {
  const fs = new CrashFileSystem();
  await writeDatabase('/db', buckets, { fs, pageSize });
  await expectSound(fs);
  return { fs, db: await BoltDatabase.open('/db', { fs }) };
}

describe('the bulk writer', () => {
  test('writes any sorted pairs as a sound database without a free page', async () => {
    const pairs = fc
      .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 30 }), fc.nat(3000)), {
        selector: ([key]) => key,
        maxLength: 400,
        size: 'max',
      })
      .map((all) =>
        all
          .map(([key, size]): Pair => [Buffer.from(`k${key}`), Buffer.alloc(size, `k${key}`)])
          .sort(([a], [b]) => Buffer.compare(a, b)),
      );
    await fc.assert(
      fc.asyncProperty(pairs, pairs, async (one, two) => {
        const { db } = await written([
          { name: 'one', pairs: one },
          { name: 'two', pairs: two },
        ]);
        const read = contentsOf(db.view());
        const text = (all: readonly Pair[]) =>
          Object.fromEntries(
            all.map(([k, v]) => [Buffer.from(k).toString('latin1'), Buffer.from(v).toString('latin1')]),
          );
        expect(read).toEqual({ one: text(one), two: text(two) });
        expect(db.freePageCount()).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('takes pairs as they come, fills leaves to nine tenths, and leaves a file that can be written to', async () => {
    async function* pairs(): AsyncGenerator<Pair> {
      for (let i = 0; i < 20_000; i++) yield [revisionKey(i), bytes('0123456789')];
    }
    const { db } = await written([{ name: 'key', pairs: pairs() }], 4096);
    const fill = (20_000 * (17 + 10 + 16)) / db.sizeBytes();
    expect(fill).toBeGreaterThan(0.86);
    expect(fill).toBeLessThan(0.9);
    const tx = db.begin();
    for (let i = 0; i < 20_000; i += 3) tx.put('key', revisionKey(i), bytes('another value'));
    for (let i = 1; i < 20_000; i += 3) tx.delete('key', revisionKey(i));
    await tx.commit();
    await expectSound(db);
  });

  test('anchors the state in both meta pages, T in page 0 and T-1 in page 1', async () => {
    const fs = new CrashFileSystem();
    await writeDatabase('/db', [], { fs, pageSize: smallPage, txid: 7 });
    const file = Buffer.from(fs.contents('/db'));
    expect([file.readBigUInt64LE(64), file.readBigUInt64LE(smallPage + 64)]).toEqual([8n, 7n]);
    expect(file.length).toBe(3 * smallPage);
  });

  test.each([
    [
      'a key twice',
      BoltCode.Order,
      [{ name: 'b', pairs: [[bytes('k'), bytes('')] as const, [bytes('k'), bytes('')] as const] }],
    ],
    [
      'buckets out of order',
      BoltCode.Order,
      [
        { name: 'b', pairs: [] },
        { name: 'a', pairs: [] },
      ],
    ],
    ['an empty key', BoltCode.KeySize, [{ name: 'b', pairs: [[bytes(''), bytes('')] as const] }]],
  ])('refuses %s, and what it leaves cannot be opened', async (_, code, buckets) => {
    const fs = new CrashFileSystem();
    await expect(writeDatabase('/db', buckets, { fs })).rejects.toMatchObject({ name: 'BoltError', code });
    await expect(BoltDatabase.open('/db', { fs })).rejects.toMatchObject({ code: BoltCode.NotADatabase });
  });
});
