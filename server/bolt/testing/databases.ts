/** What the tests of bolt share: databases in memory, their contents as plain maps, and files with everything in them. */
import { expect } from 'vitest';
import { CrashFileSystem } from '../../base/testing/crash-file-system.ts';
import { BoltDatabase, check, type OpenOptions, type Reader } from '../mod.ts';

/** Small pages make deep trees of few keys. */
export const smallPage = 1024;

export type Contents = Record<string, Record<string, string>>;

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** @returns every bucket's pairs, in latin1 */
export function contentsOf(reader: Reader): Contents {
  const contents: Contents = {};
  for (const bucket of reader.bucketNames()) {
    const pairs: Record<string, string> = {};
    reader.scan(bucket, bytes(''), undefined, (key, value) => {
      pairs[key.toString('latin1')] = value.toString('latin1');
    });
    contents[bucket] = pairs;
  }
  return contents;
}

export async function openInMemory(
  fs = new CrashFileSystem(),
  options: OpenOptions = {},
): Promise<{ fs: CrashFileSystem; db: BoltDatabase }> {
  return { fs, db: await BoltDatabase.open('/db', { fs, create: true, pageSize: smallPage, ...options }) };
}

/** Fails the test unless the database, or the file, passes the consistency check. */
export async function expectSound(target: BoltDatabase | CrashFileSystem, path = '/db'): Promise<void> {
  const result = target instanceof BoltDatabase ? await check(target) : await check(path, { fs: target });
  expect(result.errors).toEqual([]);
  // A torn meta page is what a crash leaves; we never make anything else that is unusual.
  expect(result.warnings.filter((warning) => !warning.startsWith('meta page'))).toEqual([]);
}

/** A key as etcd's bucket `key` has them: revision, `_`, sub-revision. */
export function revisionKey(revision: number): Buffer {
  const key = Buffer.alloc(17);
  key.writeBigUInt64BE(BigInt(revision));
  key[8] = 0x5f;
  return key;
}

/** A file that has it all: a tree of three levels, overflow pages, inline buckets, an empty bucket, free pages. */
export async function variedFile(): Promise<{ image: Uint8Array; contents: Contents }> {
  const { fs, db } = await openInMemory();
  let tx = db.begin();
  for (const bucket of ['empty', 'inline', 'key', 'large']) tx.createBucket(bucket);
  for (let i = 0; i < 1500; i++) tx.put('key', revisionKey(i), bytes(`value ${i}`));
  tx.put('inline', bytes('a'), bytes('1'));
  for (let i = 0; i < 5; i++) tx.put('large', bytes(`l${i}`), Buffer.alloc(1500 * (i + 1), `${i}`));
  await tx.commit();
  tx = db.begin();
  for (let i = 0; i < 600; i++) if (i % 4 !== 0) tx.delete('key', revisionKey(i));
  await tx.commit();
  const view = db.view();
  const contents = contentsOf(view);
  const image: Uint8Array[] = [];
  for await (const chunk of db.image(view)) image.push(chunk);
  view.close();
  await db.close();
  // The file itself, not the image, so that the two meta pages lead to different transactions.
  return { image: fs.contents('/db').subarray(0, Buffer.concat(image).length), contents };
}
