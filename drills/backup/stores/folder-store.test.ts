import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeObjectStore } from '../../../test/support/object-store-spec.ts';
import { FolderStore } from './folder-store.ts';
import { contentOfText } from './object-store.ts';

const signal = new AbortController().signal;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a folder', () => {
  describeObjectStore(async () => {
    const store = path.join(folder, 'store');
    mkdirSync(store, { recursive: true });
    return new FolderStore(store);
  }, 1_000_000);

  test('that is not there is not made: a file server may not be mounted', async () => {
    const store = new FolderStore(path.join(folder, 'unmounted'));
    const missing = { code: 'LAB_STORE_MISSING' };
    await expect(store.list('', signal)).rejects.toMatchObject(missing);
    await expect(store.put('a', contentOfText(''), { signal })).rejects.toMatchObject(missing);
    expect(readdirSync(folder)).not.toContain('unmounted');
  });

  test('is cleared of what killed uploads have left, once it is old', async () => {
    const place = path.join(folder, 'swept');
    mkdirSync(path.join(place, 'lab'), { recursive: true });
    for (const [name, age] of [
      ['old', 7200],
      ['new', 0],
    ] as const) {
      const file = path.join(place, 'lab', `${name}.part`);
      writeFileSync(file, 'half');
      utimesSync(file, Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    const store = new FolderStore(place);
    expect(await store.list('', signal)).toEqual([]);
    expect(await store.sweep(new Date(Date.now() - 3_600_000), signal)).toBe(1);
    expect(readdirSync(path.join(place, 'lab'))).toEqual(['new.part']);
  });
});
