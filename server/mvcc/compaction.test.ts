import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { Code } from '../errors/etcd-error.ts';
import { MvccStore } from './mod.ts';
import { b, open, put, records, remove, single, valueAt } from './testing/drive.ts';

describe('compacting', () => {
  test('reading exactly at the compacted revision is allowed, below it is not', async () => {
    const store = open();
    for (const value of ['1', '2', '3']) put(store, 'a', value);
    await store.compact(3).done;
    expect(valueAt(store, 'a', 3)).toBe('2');
    expect(() => valueAt(store, 'a', 2)).toThrow('etcdserver: mvcc: required revision has been compacted');
  });

  test('at or below the previous compaction is refused, 0 included; so is the future', async () => {
    const store = open();
    put(store, 'a', '1');
    put(store, 'a', '2');
    await store.compact(2).done;
    for (const revision of [2, 1, 0, -1]) {
      expect(() => store.compact(revision)).toThrow(expect.objectContaining({ code: Code.OutOfRange }));
    }
    expect(() => store.compact(4)).toThrow('etcdserver: mvcc: required revision is a future revision');
    expect(store.compactRevision).toBe(2);
  });

  test('is in force at once, before anything is deleted', async () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '1');
    put(store, 'a', '2');
    const { done } = store.compact(3);
    expect(() => valueAt(store, 'a', 2)).toThrow(/compacted/);
    expect(Object.keys(records(backend))).toHaveLength(2);
    await done;
    expect(Object.keys(records(backend))).toHaveLength(1);
  });

  test('keeps a tombstone exactly at the revision, and deletes it the next time', async () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '');
    remove(store, 'a');
    put(store, 'b', '');
    await store.compact(3).done;
    expect(Object.keys(records(backend))[0]).toBe('00000000000000035f000000000000000074');
    await store.compact(4).done;
    expect(Object.keys(records(backend))).toEqual(['00000000000000045f0000000000000000']);
    expect(store.keyCount).toBe(1);
  });

  test('keeps the put of a key that the same transaction first deleted', async () => {
    const store = open();
    put(store, 'a', 'old');
    const txn = store.beginWrite();
    txn.deleteRange(b('a'), single);
    txn.put(b('a'), b('new'), 0n);
    await store.compact(txn.end()).done;
    expect(valueAt(store, 'a')).toBe('new');
  });

  test('pauses whenever it has deleted a batch', async () => {
    let pauses = 0;
    const yieldControl = async () => {
      pauses++;
    };
    const store = open(new MemoryBackend(), { compactionBatchRecords: 10, yieldControl });
    for (let i = 0; i < 95; i++) put(store, 'a', String(i));
    await store.compact(store.currentRevision).done;
    expect(pauses).toBe(9);
  });

  test('one that is stopped leaves its rest to the next start', async () => {
    const backend = new MemoryBackend();
    let reached: () => void;
    const paused = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const yieldControl = async () => reached();
    const store = open(backend, { compactionBatchRecords: 2, yieldControl });
    for (let i = 0; i < 9; i++) put(store, 'a', String(i));
    const { done } = store.compact(10);
    await paused;
    await store.close();
    await expect(done).rejects.toThrow('etcdserver: server stopped');
    expect(Object.keys(records(backend)).length).toBeGreaterThan(1);

    const next = new MvccStore(backend);
    const { compaction } = next.restore();
    expect(next.compactRevision).toBe(10);
    await compaction;
    expect(Object.keys(records(backend))).toHaveLength(1);
    expect(valueAt(next, 'a')).toBe('8');
  });

  test('a second one waits for the first', async () => {
    let pauses = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const yieldControl = () => {
      pauses++;
      return released;
    };
    const store = open(new MemoryBackend(), { compactionBatchRecords: 2, yieldControl });
    for (let i = 0; i < 9; i++) put(store, 'a', String(i));
    const first = store.compact(7).done;
    const second = store.compact(9).done;
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    expect(pauses).toBe(1);
    release();
    await Promise.all([first, second]);
  });

  test('is done when the deletions, and that they are finished, are durable', async () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '1');
    put(store, 'a', '2');
    await store.compact(3).done;
    const survivor = backend.crash();
    expect(Object.keys(records(survivor))).toHaveLength(1);
    expect(survivor.get('meta', b('finishedCompactRev'))).toEqual(survivor.get('meta', b('scheduledCompactRev')));
  });

  test('one behind the other, each does its part', async () => {
    const backend = new MemoryBackend();
    const store = open(backend, { compactionBatchRecords: 1 });
    for (let i = 0; i < 9; i++) put(store, 'a', String(i));
    await Promise.all([store.compact(4).done, store.compact(7).done]);
    expect(Object.keys(records(backend))).toHaveLength(4);
    expect(store.compactRevision).toBe(7);
  });

  test('commits whenever it has deleted so much, so that no commit is a large one', async () => {
    const backend = new MemoryBackend();
    const store = open(backend, { compactionBatchRecords: 10 });
    for (let i = 0; i < 100; i++) put(store, `k${i}`, '');
    for (let i = 0; i < 25; i++) put(store, 'k99', String(i));
    const before = backend.commitCount();
    // 125 records: nothing of the first 99, then 25 one behind the other.
    await store.compact(store.currentRevision).done;
    // Of the schedule, of twice ten records, and of the end.
    expect(backend.commitCount() - before).toBe(4);
  });

  test('its schedule is committed before the first deletion', async () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '1');
    put(store, 'a', '2');
    const { done } = store.compact(3);
    const scheduled = backend.crash().get('meta', b('scheduledCompactRev')) as Uint8Array;
    expect(Buffer.from(scheduled).toString('hex')).toBe('00000000000000035f0000000000000000');
    await done;
  });
});

describe('restoring', () => {
  test('an empty database is a fresh store', () => {
    const store = open();
    expect([store.currentRevision, store.compactRevision, store.keyCount]).toEqual([1, -1, 0]);
  });

  test('the current revision is that of the newest record or of a compaction, whichever is later', async () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '');
    remove(store, 'a');
    remove(store, 'b');
    await store.compact(3).done;
    put(store, 'b', '');
    remove(store, 'b');
    await store.compact(5).done;
    backend.delete('key', Buffer.from('00000000000000055f000000000000000074', 'hex'));
    const next = open(backend);
    expect([next.currentRevision, next.compactRevision]).toEqual([5, 5]);
  });

  test('a record with an empty value, as a restore with --bump-revision leaves it, counts for the revision only', () => {
    const backend = new MemoryBackend();
    put(open(backend), 'a', 'v');
    backend.put('key', Buffer.from('000000003b9aca005f0000000000000000', 'hex'), b(''));
    const store = open(backend);
    expect(store.currentRevision).toBe(1_000_000_000);
    expect(store.range(b('\0'), b('\0')).count).toBe(1);
    expect(put(store, 'a', 'w')).toBe(1_000_000_001);
  });

  test('a database whose bucket key holds something else is refused', () => {
    const backend = new MemoryBackend();
    backend.put('key', b('nonsense'), b(''));
    expect(() => open(backend)).toThrow(/no revision/);
  });
});
