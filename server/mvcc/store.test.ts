import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { type Event, Event_EventType, KeyValue } from '../proto/gen/kv.ts';
import { b, open, put, records, remove, single, valueAt } from './testing/drive.ts';

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

  test('a restore tells every record’s key and lease, in order; a deletion has none', () => {
    const backend = new MemoryBackend();
    const before = open(backend);
    put(before, 'a', 'v', 9n);
    put(before, 'b', 'v', -1n);
    remove(before, 'a');
    put(before, 'b', 'v');
    const told: [string, bigint][] = [];
    open(backend, { onRestore: (key, lease) => told.push([key, lease]) });
    expect(told).toEqual([
      ['a', 9n],
      ['b', -1n],
      ['a', 0n],
      ['b', 0n],
    ]);
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
