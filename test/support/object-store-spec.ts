/** What every store must do, whatever it is. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Content, contentOfFile, contentOfText, type ObjectStore } from '../../drills/backup/stores/mod.ts';

const signal = new AbortController().signal;

/** @returns content that breaks off, or does not fit its digest, when it is read */
export function contentThat(does: 'breaks off' | 'has changed', sizeBytes: number): Content {
  const open = (): Readable =>
    does === 'has changed'
      ? Readable.from([Buffer.alloc(sizeBytes, 'y')])
      : Readable.from(
          (async function* () {
            yield Buffer.alloc(Math.floor(sizeBytes / 2));
            throw new Error('the source broke off');
          })(),
        );
  return { sizeBytes, sha256: createHash('sha256').update(Buffer.alloc(sizeBytes, 'x')).digest('hex'), open };
}

/** @param largeBytes of an object that is stored in the way of large ones */
export function describeObjectStore(open: () => Promise<ObjectStore>, largeBytes: number): void {
  let store: ObjectStore;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
    store = await open();
    for (const { name } of await store.list('', signal)) await store.remove(name, signal);
  });
  afterEach(async () => {
    await store?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const names = async (prefix = ''): Promise<string[]> => (await store.list(prefix, signal)).map(({ name }) => name);

  test('gives back what it was given, byte for byte', async () => {
    for (const sizeBytes of [0, 1, 100_000, largeBytes]) {
      const bytes = randomBytes(sizeBytes);
      const source = path.join(folder, `source-${sizeBytes}`);
      writeFileSync(source, bytes);
      const content = await contentOfFile(source);
      await store.put(`lab/a/${sizeBytes}.db`, content, { signal });
      const target = path.join(folder, `target-${sizeBytes}`);
      expect(await store.get(`lab/a/${sizeBytes}.db`, target, { signal, expected: content })).toMatchObject({
        sizeBytes,
        sha256: content.sha256,
      });
      expect(readFileSync(target).equals(bytes)).toBe(true);
    }
  });

  test('lists what begins so, with size and time', async () => {
    for (const name of ['lab/b/x.json', 'lab/a/y.json', 'laboratory/z.json']) {
      await store.put(name, contentOfText('{}'), { signal });
    }
    const [first] = await store.list('lab/', signal);
    expect(await names('lab/')).toEqual(['lab/a/y.json', 'lab/b/x.json']);
    expect(first).toMatchObject({ name: 'lab/a/y.json', sizeBytes: 2 });
    expect(Math.abs((first?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(120_000);
  });

  test('does not replace an object, unless told to', async () => {
    await store.put('lab/a.json', contentOfText('first'), { signal });
    const again = store.put('lab/a.json', contentOfText('other'), { signal });
    await expect(again).rejects.toMatchObject({ code: 'LAB_STORE_OBJECT' });
    expect(String(await store.read('lab/a.json', 100, signal))).toBe('first');
    await store.put('lab/a.json', contentOfText('third'), { signal, replace: true });
    expect(String(await store.read('lab/a.json', 100, signal))).toBe('third');
    expect(await names()).toEqual(['lab/a.json']);
  });

  test('knows what is not there', async () => {
    expect(await store.read('lab/none.json', 100, signal)).toBeUndefined();
    const target = path.join(folder, 'target');
    await expect(store.get('lab/none.db', target, { signal })).rejects.toMatchObject({ code: 'LAB_STORE_OBJECT' });
    expect(readdirSync(folder)).toEqual([]);
    await store.remove('lab/none.json', signal);
  });

  test('reads no document that is larger than it may be', async () => {
    await store.put('lab/a.json', contentOfText('x'.repeat(101)), { signal });
    await expect(store.read('lab/a.json', 100, signal)).rejects.toMatchObject({ code: 'LAB_STORE_OBJECT' });
  });

  test('lets nothing half be seen when the source breaks off or changes meanwhile', async () => {
    for (const sizeBytes of [1000, largeBytes]) {
      for (const what of ['breaks off', 'has changed'] as const) {
        await expect(store.put('lab/half.db', contentThat(what, sizeBytes), { signal })).rejects.toThrow();
        expect(await names()).toEqual([]);
      }
    }
    await store.put('lab/half.db', contentOfText('whole'), { signal });
    expect(await names()).toEqual(['lab/half.db']);
  });

  test('gives out nothing that is not what was expected', async () => {
    await store.put('lab/a.db', contentOfText('hello'), { signal });
    const target = path.join(folder, 'target');
    for (const expected of [contentOfText('hallo'), contentOfText('hello!')]) {
      const getting = store.get('lab/a.db', target, { signal, expected });
      await expect(getting).rejects.toMatchObject({
        code: 'LAB_STORE_OBJECT',
        message: expect.stringContaining('not'),
      });
      expect(existsSync(target)).toBe(false);
    }
  });

  test('stops when the user interrupts, and leaves nothing that is seen', async () => {
    const controller = new AbortController();
    const { sizeBytes, sha256 } = contentThat('has changed', largeBytes);
    const open = (): Readable =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(largeBytes / 2, 'x');
          controller.abort();
          yield Buffer.alloc(largeBytes / 2, 'x');
        })(),
      );
    const putting = store.put('lab/a.db', { sizeBytes, sha256, open }, { signal: controller.signal });
    await expect(putting).rejects.toMatchObject({ code: 'LAB_INTERRUPTED' });
    expect(await names()).toEqual([]);
  });

  test('refuses a name that leads elsewhere', async () => {
    for (const name of ['../a', '/a', 'a//b', 'a/../b', '', 'a/.hidden', 'a.part', 'a\nb']) {
      await expect(store.put(name, contentOfText(''), { signal })).rejects.toThrow(RangeError);
      await expect(store.read(name, 1, signal)).rejects.toThrow(RangeError);
    }
  });
}
