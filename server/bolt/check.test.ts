import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { encodeMetaPage, type Meta, PageFlag } from './format.ts';
import { BoltDatabase, check } from './mod.ts';
import { bytes, contentsOf, expectSound, openInMemory, revisionKey, smallPage } from './testing/databases.ts';

/** A tree of two levels in bucket `b`, its file, and where its pages are. */
async function simpleFile() {
  const { fs, db } = await openInMemory();
  const tx = db.begin();
  tx.createBucket('b');
  for (let i = 0; i < 100; i++) tx.put('b', revisionKey(i), bytes('some value'));
  await tx.commit();
  const { state } = db.inspect();
  const branch = state.buckets.get('b')?.rootId as number;
  const page = state.page(branch);
  const leaves = Array.from({ length: page.count }, (_, i) => page.child(i));
  await db.close();
  return { file: Buffer.from(fs.contents('/db').subarray(0, state.sizeBytes)), branch, leaves, meta: state.meta };
}

/** What the check says of a damaged tree, which opening refuses as well. */
async function damageOf(file: Buffer): Promise<string[]> {
  const fs = new CrashFileSystem();
  fs.seedFile('/db', file);
  const error = await BoltDatabase.open('/db', { fs }).catch((thrown) => thrown);
  expect(error).toMatchObject({ name: 'BoltError', path: '/db' });
  return errorsOf(file);
}

async function errorsOf(file: Buffer): Promise<string[]> {
  const fs = new CrashFileSystem();
  fs.seedFile('/db', file);
  const { errors } = await check('/db', { fs });
  return errors;
}

/** Rewrites both meta pages, with their checksums. */
function anchor(file: Buffer, meta: Meta): void {
  file.set(encodeMetaPage(meta, 0), 0);
  file.set(encodeMetaPage({ ...meta, txid: meta.txid - 1 }, 1), meta.pageSize);
}

const element = (page: number, index: number) => page * smallPage + 16 + index * 16;

describe('the check finds', () => {
  test('a page that is not where its header says', async () => {
    const { file, leaves } = await simpleFile();
    file.writeUInt32LE(77, (leaves[1] as number) * smallPage);
    expect(await damageOf(file)).toEqual([`page ${leaves[1]}: its header says page 77`]);
  });

  test('a page that is reached twice', async () => {
    const { file, branch, leaves } = await simpleFile();
    file.writeUInt32LE(leaves[0] as number, element(branch, 1) + 8);
    expect(await damageOf(file)).toEqual([`page ${leaves[0]}: the page is reached twice`]);
  });

  test('a loop', async () => {
    const { file, branch } = await simpleFile();
    file.writeUInt32LE(branch, element(branch, 0) + 8);
    expect(await damageOf(file)).toEqual([`page ${branch}: the page is reached twice`]);
  });

  test('keys out of order in a page', async () => {
    const { file, leaves } = await simpleFile();
    const leaf = leaves[1] as number;
    const [one, two] = [1, 2].map((i) => file.readUInt32LE(element(leaf, i) + 4)) as [number, number];
    file.writeUInt32LE(two + 16, element(leaf, 1) + 4);
    file.writeUInt32LE(one - 16, element(leaf, 2) + 4);
    expect(await damageOf(file)).toEqual([`page ${leaf}: key 2 does not come after key 1`]);
  });

  test('leaves in the wrong order, and a branch that names another key than its child begins with', async () => {
    const { file, branch, leaves } = await simpleFile();
    const [a, b] = leaves as [number, number];
    file.writeUInt32LE(b, element(branch, 0) + 8);
    file.writeUInt32LE(a, element(branch, 1) + 8);
    expect(await damageOf(file)).toEqual([
      `page ${b}: its first key is not the one that its parent has for it`,
      `page ${b}: its last key belongs to the next page`,
      `page ${a}: its first key is not the one that its parent has for it`,
    ]);
  });

  test('leaves that are not all equally deep', async () => {
    const { fs, db } = await openInMemory();
    const tx = db.begin();
    tx.createBucket('b');
    for (let i = 0; i < 1500; i++) tx.put('b', revisionKey(i), bytes('some value'));
    await tx.commit();
    const { state } = db.inspect();
    const root = state.page(state.buckets.get('b')?.rootId as number);
    const last = root.count - 1;
    const branch = state.page(root.child(last));
    const file = Buffer.from(fs.contents('/db').subarray(0, state.sizeBytes));
    file.writeUInt32LE(branch.child(0), element(root.id, last) + 8);
    expect(await damageOf(file)).toEqual([`page ${branch.child(0)}: a leaf at depth 1 in a tree of depth 2`]);
  });

  test('an overflow that reaches into another page', async () => {
    const { file, leaves } = await simpleFile();
    file.writeUInt32LE(1, (leaves[0] as number) * smallPage + 12);
    expect(await damageOf(file)).toHaveLength(1);
    file.writeUInt32LE(0xffffffff, (leaves[0] as number) * smallPage + 12);
    expect(await damageOf(file)).toEqual([
      expect.stringMatching(`page ${leaves[0]}: its overflow of 4294967295 pages goes beyond page`),
    ]);
  });

  test('a bucket within a bucket, which a writer would not know how to keep', async () => {
    const { file, leaves } = await simpleFile();
    file.writeUInt32LE(1, element(leaves[0] as number, 0));
    expect(await damageOf(file)).toEqual([
      `page ${leaves[0]}: element 0 is a bucket within bucket b, which etcd never makes`,
    ]);
  });

  test('a pair outside of any bucket', async () => {
    const { file, meta } = await simpleFile();
    file.writeUInt32LE(0, element(meta.root, 0));
    expect(await damageOf(file)).toEqual([`page ${meta.root}: element 0 is a pair outside of any bucket`]);
  });

  test('a branch with a single child, as a warning: it reads well, but upstream does not expect it', async () => {
    const { file, branch } = await simpleFile();
    file.writeUInt16LE(1, branch * smallPage + 10);
    const fs = new CrashFileSystem();
    fs.seedFile('/db', file);
    expect(await check('/db', { fs })).toMatchObject({ errors: [], warnings: ['1 branches have a single child'] });
  });

  test('a torn meta page, as a warning: a crash leaves one in a sound file', async () => {
    const { file, meta } = await simpleFile();
    const torn = 1 - (meta.txid % 2);
    file[torn * smallPage + 64] = 0xee;
    const fs = new CrashFileSystem();
    fs.seedFile('/db', file);
    expect(await check('/db', { fs })).toMatchObject({
      errors: [],
      warnings: [`meta page ${torn} is not valid: checksum mismatch`],
    });
  });
});

describe('a file with a stored free list', () => {
  /** Adds a page with the ids, the way bbolt does by default; `count` 0xFFFF puts the true one first. */
  function withFreeList(file: Buffer, meta: Meta, ids: readonly number[], long = false): Buffer {
    const page = Buffer.alloc(smallPage);
    page.writeUInt32LE(meta.highWater, 0);
    page.writeUInt16LE(PageFlag.FreeList, 8);
    page.writeUInt16LE(long ? 0xffff : ids.length, 10);
    const words = long ? [ids.length, ...ids] : ids;
    for (const [i, id] of words.entries()) page.writeUInt32LE(id, 16 + i * 8);
    const whole = Buffer.concat([file, page]);
    anchor(whole, { ...meta, freeList: meta.highWater, highWater: meta.highWater + 1 });
    return whole;
  }

  async function freeIds(file: Buffer, meta: Meta): Promise<number[]> {
    const errors = await errorsOf(withFreeList(file, meta, []));
    return errors.map((error) => Number(/page (\d+): is neither in use nor in the free list/.exec(error)?.[1]));
  }

  test('is sound when the list names exactly the unused pages, in the short form and in the long', async () => {
    const { file, meta } = await simpleFile();
    const ids = await freeIds(file, meta);
    expect(ids.length).toBeGreaterThan(0);
    expect(await errorsOf(withFreeList(file, meta, ids))).toEqual([]);
    expect(await errorsOf(withFreeList(file, meta, ids, true))).toEqual([]);
  });

  test('is not when the list names a page in use, or one twice', async () => {
    const { file, meta, branch } = await simpleFile();
    const ids = await freeIds(file, meta);
    expect(await errorsOf(withFreeList(file, meta, [...ids, branch]))).toEqual([
      `page ${branch}: is in the free list and in use`,
    ]);
    expect(await errorsOf(withFreeList(file, meta, [...ids, ids[0] as number]))).toEqual([
      `page ${meta.highWater}: the free list names a page twice`,
    ]);
  });

  test('is not when the list claims more than fits', async () => {
    const { file, meta } = await simpleFile();
    const whole = withFreeList(file, meta, []);
    whole.writeUInt16LE(5000, meta.highWater * smallPage + 10);
    expect(await errorsOf(whole)).toEqual([`page ${meta.highWater}: 5000 ids do not fit 1024 bytes`]);
  });

  test('is written to without storing the list again, and keeps its page until that is durable', async () => {
    const { file, meta } = await simpleFile();
    const fs = new CrashFileSystem();
    fs.seedFile('/db', withFreeList(file, meta, await freeIds(file, meta)));
    const db = await BoltDatabase.open('/db', { fs });
    expect(db.inspect().free.has(meta.highWater)).toBe(false);
    const tx = db.begin();
    tx.put('b', bytes('k'), bytes('v'));
    const expected = contentsOf(tx);
    await tx.commit();
    expect(db.inspect().free.has(meta.highWater)).toBe(true);
    await db.close();
    await expectSound(fs);
    const reopened = await BoltDatabase.open('/db', { fs });
    expect(reopened.inspect().state.meta.freeList).toBeUndefined();
    expect(contentsOf(reopened.view())).toEqual(expected);
  });
});
