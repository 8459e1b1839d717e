import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { Code } from '../errors/etcd-error.ts';
import { type Event, Event_EventType, KeyValue } from '../proto/gen/kv.ts';
import { MvccStore, type MvccStoreOptions } from './mod.ts';

const b = (text: string): Buffer => Buffer.from(text, 'latin1');
const single = b('');

function put(store: MvccStore, key: string, value: string, lease = 0n): number {
  const txn = store.beginWrite();
  txn.put(b(key), b(value), lease);
  return txn.end();
}

function remove(store: MvccStore, key: string, end = ''): number {
  const txn = store.beginWrite();
  const deleted = txn.deleteRange(b(key), b(end));
  txn.end();
  return deleted;
}

function open(backend = new MemoryBackend(), options?: MvccStoreOptions): MvccStore {
  const store = new MvccStore(backend, options);
  store.restore();
  return store;
}

function records(backend: MemoryBackend): Record<string, string> {
  const found: Record<string, string> = {};
  backend.scan('key', b(''), undefined, (key, value) => {
    found[Buffer.from(key).toString('hex')] = Buffer.from(value).toString('hex');
  });
  return found;
}

function valueAt(store: MvccStore, key: string, revision = 0): string | undefined {
  const kv = store.range(b(key), single, { revision }).kvs[0];
  return kv === undefined ? undefined : Buffer.from(kv.value).toString();
}

describe('writing', () => {
  test('a fresh store is at revision 1, so that the first write is 2', () => {
    const store = open();
    expect(store.currentRevision).toBe(1);
    expect(store.compactRevision).toBe(-1);
    expect(put(store, 'a', '1')).toBe(2);
  });

  test('records are byte for byte what upstream stores', () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'x', '');
    put(store, 'x', '');
    put(store, 'a/b', 'c');
    expect(records(backend)['00000000000000045f0000000000000000']).toBe('0a03612f621004180420012a0163');
    put(store, 'foo', 'bar');
    remove(store, 'foo');
    expect(records(backend)['00000000000000065f000000000000000074']).toBe('0a03666f6f');
  });

  test('a write that changes nothing leaves the revision as it is', () => {
    const store = open();
    expect(remove(store, 'absent')).toBe(0);
    expect(store.beginWrite().end()).toBe(1);
    expect(store.currentRevision).toBe(1);
  });

  test('changes of one transaction share a revision, are numbered from 0, and are told together, in order', () => {
    const told: [number, Event[]][] = [];
    const backend = new MemoryBackend();
    const store = open(backend, { onChange: (revision, events) => told.push([revision, events]) });
    for (const key of ['c', 'a', 'b']) put(store, key, key);
    told.length = 0;
    const txn = store.beginWrite();
    for (const key of ['a', 'b', 'c']) txn.deleteRange(b(key), single);
    expect(told).toEqual([]);
    expect(txn.end()).toBe(5);
    expect(Object.keys(records(backend)).slice(3)).toEqual([
      '00000000000000055f000000000000000074',
      '00000000000000055f000000000000000174',
      '00000000000000055f000000000000000274',
    ]);
    expect(told).toHaveLength(1);
    expect(told[0]?.[0]).toBe(5);
    expect(told[0]?.[1].map((event) => event.kv?.key.toString())).toEqual(['a', 'b', 'c']);
  });

  test('a deletion is told with key and mod_revision only', () => {
    const told: Event[] = [];
    const store = open(new MemoryBackend(), { onChange: (_, events) => told.push(...events) });
    put(store, 'a', 'v', 9n);
    remove(store, 'a');
    expect(told[1]).toEqual({
      type: Event_EventType.DELETE,
      kv: KeyValue.create({ key: b('a'), mod_revision: 3 }),
    });
  });

  test('a transaction that changed nothing is not told', () => {
    const told: number[] = [];
    const store = open(new MemoryBackend(), { onChange: (revision) => told.push(revision) });
    remove(store, 'absent');
    expect(told).toEqual([]);
  });

  test('a transaction sees its own changes, readers of the store do not until its end', () => {
    const store = open();
    const txn = store.beginWrite();
    expect(txn.currentRevision).toBe(1);
    txn.put(b('a'), b('1'), 0n);
    expect(txn.currentRevision).toBe(2);
    expect(txn.range(b('a'), single).count).toBe(1);
    expect(store.range(b('a'), single).count).toBe(0);
    txn.end();
    expect(store.range(b('a'), single).count).toBe(1);
  });

  test('there is one transaction at a time, and it ends once', () => {
    const store = open();
    const txn = store.beginWrite();
    expect(() => store.beginWrite()).toThrow(/already open/);
    txn.end();
    expect(() => txn.end()).toThrow(/ended/);
    expect(() => txn.put(b('a'), b(''), 0n)).toThrow(/ended/);
  });
});

describe('reading', () => {
  test.each([
    ['a', '', ['a']],
    ['a', 'b', ['a', 'ab']],
    ['ab', '\0', ['ab', 'b', '\xff']],
    ['\0', '\0', ['a', 'ab', 'b', '\xff']],
    ['b', 'a', []],
    ['b', 'b', []],
    ['zz', '', []],
  ])('from %j to %j finds %j', (key, end, expected) => {
    const store = open();
    for (const name of ['b', '\xff', 'a', 'ab']) put(store, name, '');
    const { kvs, count } = store.range(b(key), b(end));
    expect(kvs.map((kv) => Buffer.from(kv.key).toString('latin1'))).toEqual(expected);
    expect(count).toBe(expected.length);
  });

  test('revision 0 and negative ones are the newest; a future one is refused', () => {
    const store = open();
    put(store, 'a', '1');
    put(store, 'a', '2');
    expect([valueAt(store, 'a', 2), valueAt(store, 'a', 0), valueAt(store, 'a', -7)]).toEqual(['1', '2', '2']);
    expect(() => valueAt(store, 'a', 4)).toThrow('etcdserver: mvcc: required revision is a future revision');
  });

  test('what was read stays the same when the store changes', () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', 'before');
    const { kvs } = store.range(b('a'), single);
    backend.scan('key', b(''), undefined, (_, value) => {
      value.fill(0);
    });
    expect(kvs[0]?.value.toString()).toBe('before');
  });

  test('a record that the index knows and the backend lacks is damage, not absence', () => {
    const backend = new MemoryBackend();
    const store = open(backend);
    put(store, 'a', '');
    backend.delete('key', Buffer.from('00000000000000025f0000000000000000', 'hex'));
    expect(() => valueAt(store, 'a')).toThrow(/revision 2\.0 is missing .* damaged/);
  });
});

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

  test('pauses after every batch', async () => {
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

    const next = open(backend);
    expect(next.compactRevision).toBe(10);
    await next.whenCompacted();
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

describe('hashing', () => {
  const five: [string, string][] = [
    ['00000000000000045f0000000000000000', '0a03612f621004180420012a0163'],
    ['00000000000000055f000000000000000074', '0a03666f6f'],
    ['00000000000000065f0000000000000000', '0a026c6b1006180620012a026c76308786dcc0fcbea8ef20'],
    ['00000000000000075f0000000000000000', '0a0274311007180720012a027631'],
    ['00000000000000075f0000000000000001', '0a0274321007180720012a027632'],
  ];

  function withFiveRecords(): MvccStore {
    const backend = new MemoryBackend();
    for (const [key, value] of five) backend.put('key', Buffer.from(key, 'hex'), Buffer.from(value, 'hex'));
    const compacted = Buffer.from('00000000000000055f0000000000000000', 'hex');
    backend.put('meta', b('scheduledCompactRev'), compacted);
    backend.put('meta', b('finishedCompactRev'), compacted);
    return open(backend);
  }

  test('comes to what an upstream server answered for the same records', () => {
    const store = withFiveRecords();
    expect(store.hashKv(6)).toEqual({ hash: 297963974, compactRevision: 5, currentRevision: 7 });
    expect(store.hashKv(7)).toEqual({ hash: 3501788260, compactRevision: 5, currentRevision: 7 });
    expect(store.hashKv(0).hash).toBe(3501788260);
  });

  test('is refused below the compaction and in the future', () => {
    const store = withFiveRecords();
    expect(() => store.hashKv(4)).toThrow(/has been compacted/);
    expect(() => store.hashKv(8)).toThrow(/future revision/);
    expect(store.hashKv(5).compactRevision).toBe(5);
  });

  test('of an empty store is that of the bucket’s name', () => {
    expect(open().hashKv(0)).toEqual({ hash: 1084519789, compactRevision: -1, currentRevision: 1 });
  });

  test('at the ten latest compactions stays what it was while they ran', async () => {
    const store = open();
    const before = new Map<number, unknown>();
    for (let i = 0; i < 12; i++) {
      const revision = put(store, `k${i % 3}`, String(i));
      const { hash, compactRevision } = store.hashKv(revision);
      before.set(revision, { hash, compactRevision });
      await store.compact(revision).done;
    }
    for (let revision = 4; revision <= 13; revision++) {
      expect(store.hashKv(revision)).toEqual({ ...(before.get(revision) as object), currentRevision: 13 });
    }
    expect(() => store.hashKv(3)).toThrow(/has been compacted/);
  });

  test('of a compaction scheduled before the previous one was complete is not kept', async () => {
    const store = open();
    for (let i = 0; i < 6; i++) put(store, 'a', String(i));
    await Promise.all([store.compact(3).done, store.compact(5).done]);
    put(store, 'a', 'later');
    await store.compact(7).done;
    expect(store.hashKv(3).compactRevision).toBe(-1);
    expect(() => store.hashKv(5)).toThrow(/has been compacted/);
    expect(store.hashKv(7).compactRevision).toBe(5);
  });

  test('revision 0 is the newest, even after a compaction at 0', async () => {
    const store = open();
    await store.compact(0).done;
    put(store, 'a', '');
    expect(store.hashKv(0)).toEqual(store.hashKv(2));
  });
});
