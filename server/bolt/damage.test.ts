/** A damaged file is refused or read; it never hangs, crashes or eats the memory. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltDatabase, BoltError, check } from './mod.ts';
import { bytes, contentsOf, revisionKey, smallPage, variedFile } from './testing/databases.ts';

const varied = await variedFile();
const pageCount = varied.image.length / smallPage;

const page = fc.nat(pageCount - 1);
const damage = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('flip' as const),
      // Headers and element tables matter most.
      offset: fc.oneof(
        fc.nat(varied.image.length - 1),
        fc.tuple(page, fc.nat(63)).map(([p, o]) => p * smallPage + o),
      ),
      bit: fc.nat(7),
    }),
  },
  fc.record({
    kind: fc.constant('byte' as const),
    offset: fc.tuple(page, fc.nat(200)).map(([p, o]) => p * smallPage + o),
    byte: fc.nat(255),
  }),
  fc.record({ kind: fc.constant('copy' as const), from: page, to: page }),
  fc.record({ kind: fc.constant('zero' as const), page }),
  fc.record({ kind: fc.constant('cut' as const), size: fc.nat(varied.image.length) }),
);
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function apply(image: Buffer, what: Damage): Buffer {
  switch (what.kind) {
    case 'flip':
      if (what.offset < image.length) image[what.offset] = (image[what.offset] as number) ^ (1 << what.bit);
      return image;
    case 'byte':
      if (what.offset < image.length) image[what.offset] = what.byte;
      return image;
    case 'copy':
      image.copyWithin(what.to * smallPage, what.from * smallPage, (what.from + 1) * smallPage);
      return image;
    case 'zero':
      image.subarray(what.page * smallPage, (what.page + 1) * smallPage).fill(0);
      return image;
    case 'cut':
      return image.subarray(0, what.size);
  }
}

/** Opens, reads and writes. @returns false if the file was refused */
async function use(fs: CrashFileSystem): Promise<boolean> {
  try {
    const db = await BoltDatabase.open('/db', { fs });
    const view = db.view();
    contentsOf(view);
    for (const bucket of view.bucketNames()) view.get(bucket, revisionKey(700));
    const tx = db.begin();
    for (const bucket of tx.bucketNames()) {
      for (let i = 0; i < 1500; i += 50) tx.put(bucket, revisionKey(i), bytes('changed'));
      for (let i = 1; i < 1500; i += 40) tx.delete(bucket, revisionKey(i));
    }
    await tx.commit();
    view.close();
    expect((await check(db)).errors).toEqual([]);
    await db.close();
    return true;
  } catch (error) {
    if (!(error instanceof BoltError)) throw error;
    expect(error.message).toContain('/db');
    return false;
  }
}

test('whatever bytes change, a file is refused by name or is used, and the check says which', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (all) => {
      const image = all.reduce<Buffer>(apply, Buffer.from(varied.image));
      const fs = new CrashFileSystem();
      fs.seedFile('/db', image);
      const { errors } = await check('/db', { fs });
      expect(errors.length).toBeLessThanOrEqual(100);
      expect(await use(fs)).toBe(errors.length === 0);
    }),
    { numRuns: Number(process.env.ETCDLAB_DAMAGE_RUNS ?? 300) },
  );
});

test('a file cut at any page is refused', async () => {
  for (let pages = 0; pages < pageCount; pages++) {
    const fs = new CrashFileSystem();
    fs.seedFile('/db', varied.image.subarray(0, pages * smallPage));
    expect(await use(fs)).toBe(false);
  }
});

test('the file that the damage is done to is sound', async () => {
  const fs = new CrashFileSystem();
  fs.seedFile('/db', varied.image);
  const { errors, warnings, pages } = await check('/db', { fs });
  expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
  expect(pages.overflow).toBeGreaterThan(5);
  expect(pages.free).toBeGreaterThan(20);
  expect(pages.branch).toBeGreaterThan(2);
  const db = await BoltDatabase.open('/db', { fs });
  expect(contentsOf(db.view())).toEqual(varied.contents);
});
