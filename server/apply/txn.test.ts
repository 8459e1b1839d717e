import { describe, expect, test } from 'vitest';
import { type Compare, Compare_CompareResult, Compare_CompareTarget } from '../proto/gen/rpc.ts';
import { accessOf, isReadOnlyTxn, isSerializableTxn } from './mod.ts';
import { bytes, compare, Machine, op, text, txn } from './testing/machine.ts';

const { EQUAL, GREATER, LESS, NOT_EQUAL } = Compare_CompareResult;
const { VERSION, CREATE, MOD, VALUE, LEASE } = Compare_CompareTarget;

function machine(): Machine {
  const m = new Machine();
  m.put('a', 'one');
  m.put('a', 'two', { lease: 7n });
  m.put('b', 'two');
  return m;
}

describe('a condition', () => {
  test.each<[string, Partial<Compare>, boolean]>([
    ['version', { target: VERSION, result: EQUAL, version: 2 }, true],
    ['creation', { target: CREATE, result: LESS, create_revision: 3 }, true],
    ['change', { target: MOD, result: GREATER, mod_revision: 3 }, false],
    ['value', { target: VALUE, result: EQUAL, value: bytes('two') }, true],
    ['value, greater in its bytes', { target: VALUE, result: GREATER, value: bytes('tw') }, true],
    ['lease', { target: LEASE, result: NOT_EQUAL, lease: 7n }, false],
    ['a figure not given is 0', { target: VERSION, result: GREATER }, true],
    ['a figure of another target is not looked at', { target: VERSION, result: EQUAL, mod_revision: 2 }, false],
    ['a relation that nobody has defined holds', { target: VERSION, result: 9 as never }, true],
    ['every key of a range: they do', { range_end: bytes('c'), target: VALUE, value: bytes('two') }, true],
    ['every key of a range: one does not', { range_end: bytes('c'), target: VERSION, version: 1 }, false],
  ])('on %s', (_, condition, expected) => {
    expect(machine().txn(txn([], [], [compare('a', condition)])).succeeded).toBe(expected);
  });

  test.each<[string, Partial<Compare>, boolean]>([
    ['is 0 to most targets', { target: MOD, result: EQUAL, mod_revision: 0 }, true],
    ['is created at 0', { target: CREATE, result: NOT_EQUAL, create_revision: 0 }, false],
    ['has a value that equals nothing', { target: VALUE, result: EQUAL, value: bytes('') }, false],
    ['has a value that differs from nothing either', { target: VALUE, result: NOT_EQUAL, value: bytes('x') }, false],
    ['is what an empty range is', { range_end: bytes('zzz'), target: VERSION, result: EQUAL, version: 0 }, true],
  ])('on a missing key, which %s', (_, condition, expected) => {
    expect(machine().txn(txn([], [], [compare('missing', condition)])).succeeded).toBe(expected);
  });
});

describe('a transaction', () => {
  test('without anything succeeds and changes nothing', () => {
    const response = machine().txn(txn([]));
    expect([response.succeeded, response.responses, response.header?.revision]).toEqual([true, [], 4]);
  });

  test('takes the other branch when any condition fails', () => {
    const m = machine();
    const conditions = [compare('a', { version: 2 }), compare('b', { version: 2 })];
    const response = m.txn(txn([op.put('taken', 'success')], [op.put('taken', 'failure')], conditions));
    expect(response.succeeded).toBe(false);
    expect(m.value('taken')).toBe('failure');
  });

  test('runs in order: ranges see the writes before them and not those behind', () => {
    const response = machine().txn(txn([op.range('k'), op.put('k', 'v'), op.range('k'), op.deletion('a', 'b')]));
    expect(response.responses.map((each) => each.response_range?.count)).toEqual([0, undefined, 1, undefined]);
    expect(response.responses[3]?.response_delete_range?.deleted).toBe(1);
  });

  test('has one revision; each operation tells the revision it saw, nested ones an empty header', () => {
    const response = machine().txn(txn([op.range('a'), op.put('k'), op.range('a'), op.txn([op.put('l')])]));
    const [before, put, after, nested] = response.responses;
    expect(before?.response_range?.header?.revision).toBe(4);
    expect(put?.response_put?.header?.revision).toBe(5);
    expect(after?.response_range?.header?.revision).toBe(5);
    expect(nested?.response_txn?.header).toEqual({ cluster_id: 0n, member_id: 0n, revision: 0, raft_term: 0 });
    expect(nested?.response_txn?.responses[0]?.response_put?.header?.revision).toBe(5);
    expect(response.header?.revision).toBe(5);
  });

  test('judges conditions of nested ones by the state before it, whatever it has written by then', () => {
    const m = machine();
    const nested = op.txn(
      [op.put('seen', 'new')],
      [op.put('seen', 'old')],
      [compare('k', { target: VERSION, version: 1 })],
    );
    m.txn(txn([op.put('k', 'v'), nested]));
    expect(m.value('seen')).toBe('old');
  });

  test('keeps the paths of several nested ones apart', () => {
    const m = machine();
    const yes = [compare('a', { target: VERSION, version: 2 })];
    const no = [compare('a', { target: VERSION, version: 9 })];
    m.txn(
      txn([
        op.txn([op.txn([], [op.put('1')], no)], [op.put('never')], yes),
        op.put('2'),
        op.txn([op.put('never')], [op.txn([op.put('3')], [], yes)], no),
      ]),
    );
    expect([m.value('1'), m.value('2'), m.value('3'), m.value('never')]).toEqual(['', '', '', undefined]);
  });

  test.each<[string, ReturnType<typeof op.put>, string]>([
    [
      'a range at a future revision',
      op.range('a', '', { revision: 5 }),
      'mvcc: required revision is a future revision',
    ],
    [
      'a range at a negative revision',
      op.range('a', '', { revision: -2 }),
      'mvcc: required revision has been compacted',
    ],
    ['a put with an unknown lease', op.put('x', '', { lease: 8n }), 'requested lease not found'],
    ['a put that ignores the value of a missing key', op.put('x', '', { ignore_value: true }), 'key not found'],
    ['a put that ignores the lease of a missing key', op.put('x', '', { ignore_lease: true }), 'key not found'],
  ])('with %s on its path has no effect at all', (_, bad, message) => {
    const requests = [
      txn([op.put('first'), bad]),
      txn([op.put('first'), op.txn([], [bad], [compare('a')])]),
      txn([op.put('first'), op.txn([op.put('second')]), op.txn([], [bad], [compare('a')])]),
    ];
    for (const request of requests) {
      const m = machine();
      expect(m.apply({ txn: request }).error?.message).toBe(`etcdserver: ${message}`);
      expect([m.value('first'), m.store.currentRevision]).toEqual([undefined, 4]);
    }
  });

  test('does not mind a bad operation on the path that it does not take', () => {
    const m = machine();
    m.txn(txn([op.put('k')], [op.put('x', '', { lease: 8n }), op.range('a', '', { revision: 99 })]));
    expect(m.value('k')).toBe('');
  });

  test('refuses for its puts before its ranges, for the key before the lease', () => {
    const m = machine();
    const range = op.range('a', '', { revision: 99 });
    const lease = op.put('x', '', { lease: 8n });
    const key = op.put('x', '', { lease: 8n, ignore_value: true });
    expect(m.apply({ txn: txn([range, lease]) }).error?.message).toMatch(/lease not found/);
    expect(m.apply({ txn: txn([range, key]) }).error?.message).toMatch(/key not found/);
  });

  test('answers with previous pairs where asked, in key order', () => {
    const response = machine().txn(txn([op.deletion('a', 'c', { prev_kv: true }), op.put('n', '', { prev_kv: true })]));
    const [deleted, put] = response.responses;
    expect(deleted?.response_delete_range?.prev_kvs.map((kv) => text(kv.key))).toEqual(['a', 'b']);
    expect(put?.response_put?.prev_kv).toBeUndefined();
  });
});

describe('what a transaction needs', () => {
  test('is no log when all operations of both branches are ranges', () => {
    expect(isReadOnlyTxn(txn([]))).toBe(true);
    expect(isReadOnlyTxn(txn([op.range('a')], [op.range('b')]))).toBe(true);
    expect(isReadOnlyTxn(txn([op.range('a')], [op.put('b')]))).toBe(false);
    expect(isReadOnlyTxn(txn([op.deletion('a')]))).toBe(false);
  });

  test('is the log when it nests another, even one of ranges only', () => {
    expect(isReadOnlyTxn(txn([op.txn([op.range('a')])]))).toBe(false);
    expect(isSerializableTxn(txn([op.txn([op.range('a', '', { serializable: true })])]))).toBe(false);
  });

  test('is no leader when every range is serializable', () => {
    const local = op.range('a', '', { serializable: true });
    expect(isSerializableTxn(txn([local], [local]))).toBe(true);
    expect(isSerializableTxn(txn([local], [op.range('a')]))).toBe(false);
  });

  test('is permission for conditions and both branches, the one not taken and nested ones included', () => {
    const request = txn(
      [op.range('r', 's'), op.put('p')],
      [op.deletion('d', 'e', { prev_kv: true }), op.txn([], [op.put('n', '', { prev_kv: true })])],
      [compare('c', { range_end: bytes('cc') })],
    );
    const access = accessOf(request).map(({ kind, key, rangeEnd }) => `${kind} ${text(key)}..${text(rangeEnd)}`);
    expect(access).toEqual([
      'read c..cc',
      'read r..s',
      'write p..',
      'read d..e',
      'write d..e',
      'read n..',
      'write n..',
    ]);
  });
});
