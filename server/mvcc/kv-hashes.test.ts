/** Hashes that are computed beside writes and compactions: they are about the moment at which they begin. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { BoltBackend } from '../backend/bolt-backend.ts';
import { inSlices } from '../base/slices.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { MvccStore } from './mod.ts';
import { put, remove } from './testing/drive.ts';

const keys = 500;
const name = (i: number): string => `key-${i % keys}`;

/** A store with history, on a file; every look at the clock makes it later by more than a slice. */
async function storeWithHistory() {
  const backend = await BoltBackend.open('/db', { fs: new CrashFileSystem(), setTimer: () => () => {} });
  const store = new MvccStore(backend);
  store.restore();
  for (let i = 0; i < 3 * keys; i++) put(store, name(i), `${i}`);
  for (let i = 0; i < keys; i += 7) remove(store, name(i));
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 10));
  return { backend, store };
}

/** Does something at every turn of the event loop until `work` is done. */
async function beside<T>(work: Promise<T>, everyTurn: (turn: number) => void): Promise<{ result: T; turns: number }> {
  let isDone = false;
  const ended = work.finally(() => {
    isDone = true;
  });
  let turns = 0;
  for (await setImmediate(); !isDone; turns++) {
    everyTurn(turns);
    await setImmediate();
  }
  return { result: await ended, turns };
}

describe('a hash that is computed in slices', () => {
  test('is that of the moment at which it began, whatever is written meanwhile', async () => {
    const { store } = await storeWithHistory();
    const expected = store.hashKv(0);
    const { result, turns } = await beside(store.hashKvInSlices(0), (turn) => {
      put(store, name(turn), 'later');
      remove(store, name(turn + 1));
      put(store, `new ${turn}`, '');
    });
    expect(turns).toBeGreaterThan(10);
    expect(result).toEqual(expected);
    expect(store.hashKv(0).hash).not.toBe(expected.hash);
  });

  test.each([
    { title: 'at the newest revision', revision: 0 },
    { title: 'at an old revision that the compaction makes unreadable', revision: 2 * keys + 50 },
  ])('$title is not changed by a compaction that is asked for meanwhile', async ({ revision }) => {
    const { store } = await storeWithHistory();
    // From now on a hash asks the index which of the older records count.
    await store.compact(2 * keys).done;
    const expected = store.hashKv(revision);
    const compactedAt = store.currentRevision;
    const compactions: Promise<void>[] = [];
    const { result } = await beside(store.hashKvInSlices(revision), (turn) => {
      if (turn === 2) compactions.push(store.compact(compactedAt).done);
    });
    expect(compactions.length).toBe(1);
    expect(result).toEqual(expected);
    await Promise.all(compactions);
    expect(store.hashKv(0)).toMatchObject({ compactRevision: compactedAt });
  });

  test('that begins while a compaction deletes comes to the hash of before and after', async () => {
    const { store } = await storeWithHistory();
    const { done } = store.compact(store.currentRevision - 20);
    const expected = store.hashKv(0);
    await beside(store.hashKvInSlices(0), () => {}).then(({ result }) => expect(result).toEqual(expected));
    await done;
    expect(store.hashKv(0)).toEqual(expected);
    expect(await store.hashKvInSlices(0)).toEqual(expected);
  });

  test('of no visible key counts what the compaction retained', async () => {
    const { store } = await storeWithHistory();
    await store.compact(put(store, 'last', '')).done;
    remove(store, '\0', '\0');
    const expected = store.hashKv(0);
    expect(await store.hashKvInSlices(0)).toEqual(expected);
  });

  test('ends with "server stopped" when the store is closed, and leaves no reader behind', async () => {
    const { store, backend } = await storeWithHistory();
    const hash = store.hashKvInSlices(0);
    const refused = expect(hash).rejects.toThrow('etcdserver: server stopped');
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    await store.close();
    await refused;
    // With a reader left, the file would stay open.
    backend.retire();
    await vi.waitFor(
      () => expect(() => backend.sizeBytes() && backend.get('key', Buffer.of(1))).toThrow('closed'),
      10_000,
    );
  });

  test('is refused as at once: below the compaction and in the future', async () => {
    const { store } = await storeWithHistory();
    await store.compact(50).done;
    await expect(store.hashKvInSlices(49)).rejects.toThrow(/has been compacted/);
    await expect(store.hashKvInSlices(store.currentRevision + 1)).rejects.toThrow(/future revision/);
  });
});

test('restoring in slices comes to the same as at once', async () => {
  const { store, backend } = await storeWithHistory();
  const [hash, keyCount] = [store.hashKv(0), store.keyCount];
  const other = new MvccStore(backend);
  const { turns } = await beside(inSlices(other.restoreSteps()), () => {});
  expect(turns).toBeGreaterThan(10);
  expect([other.hashKv(0), other.keyCount]).toEqual([hash, keyCount]);
});
