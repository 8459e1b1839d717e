import { describe, expect, test } from 'vitest';
import { RequestOp } from '../proto/gen/rpc.ts';
import { admit, checkDeleteRange, checkPut, checkRange, checkTxn, Quota } from './mod.ts';
import { compare, deletion, op, put, range, refusal, txn } from './testing/machine.ts';

const noKey = 'key is not provided';
const duplicate = 'duplicate key given in txn request';
const tooMany = 'too many operations in txn request';

const refusalOf = (success: RequestOp[], failure: RequestOp[] = []) =>
  refusal(() => checkTxn(txn(success, failure), 128));
const many = (length: number, prefix = 'k') => Array.from({ length }, (_, i) => op.put(`${prefix}${i}`));

describe('a single request', () => {
  test('needs a key', () => {
    expect(refusal(() => checkRange(range('', 'b')))).toBe(noKey);
    expect(refusal(() => checkPut(put('')))).toBe(noKey);
    expect(refusal(() => checkDeleteRange(deletion('', '\0')))).toBe(noKey);
    expect(refusal(() => checkRange(range('\0', '\0')))).toBeUndefined();
  });

  test('puts no value and no lease that it asks to ignore', () => {
    expect(refusal(() => checkPut(put('a', 'v', { ignore_value: true })))).toBe('value is provided');
    expect(refusal(() => checkPut(put('a', 'v', { ignore_lease: true, lease: 1n })))).toBe('lease is provided');
    expect(refusal(() => checkPut(put('a', 'v', { ignore_value: true, ignore_lease: true, lease: 1n })))).toBe(
      'value is provided',
    );
    expect(refusal(() => checkPut(put('a', '', { ignore_value: true, lease: 1n })))).toBeUndefined();
  });

  test('accepts a sort order that nobody has defined, as 3.5 does', () => {
    expect(refusal(() => checkRange(range('a', 'b', { sort_order: 9 as never })))).toBeUndefined();
  });
});

describe('a transaction', () => {
  test('may have as many conditions, successes and failures as the limit, each', () => {
    expect(refusalOf(many(128), many(128))).toBeUndefined();
    expect(refusalOf(many(129))).toBe(tooMany);
    expect(refusalOf([], many(129))).toBe(tooMany);
    const conditions = Array.from({ length: 129 }, () => compare('a'));
    expect(refusal(() => checkTxn(txn([], [], conditions), 128))).toBe(tooMany);
  });

  test('leaves to a nested one what its own longest list leaves of the limit, not the whole limit again', () => {
    const nested = (size: number) => [...many(99), op.txn(many(size, 'n'))];
    expect(refusalOf(nested(28))).toBeUndefined();
    expect(refusalOf(nested(29))).toBe(tooMany);
    expect(refusalOf([op.txn(many(28, 'n'))], many(100))).toBeUndefined();
    expect(refusalOf([op.txn(many(29, 'n'))], many(100))).toBe(tooMany);
  });

  test('needs a key in every condition and operation, nested ones too', () => {
    expect(refusal(() => checkTxn(txn([], [], [compare('')]), 128))).toBe(noKey);
    expect(refusalOf([], [op.range('')])).toBe(noKey);
    expect(refusalOf([op.txn([op.deletion('')])])).toBe(noKey);
  });

  test('with an operation without content gets upstream’s odd answer', () => {
    expect(refusalOf([RequestOp.create()])).toBe('key not found');
  });

  test('looks at the limit first, then at conditions, successes and failures', () => {
    expect(refusal(() => checkTxn(txn(many(129), [], [compare('')]), 128))).toBe(tooMany);
    expect(refusal(() => checkTxn(txn([RequestOp.create()], [], [compare('')]), 128))).toBe(noKey);
    expect(refusalOf([RequestOp.create()], [op.put('')])).toBe('key not found');
    expect(refusalOf([op.put('a'), op.put('a')], [op.put('')])).toBe(noKey);
  });
});

describe('keys that a transaction touches twice', () => {
  test.each<[string, RequestOp[], string | undefined]>([
    ['put twice', [op.put('a'), op.put('a')], duplicate],
    ['put and deleted', [op.put('a'), op.deletion('a')], duplicate],
    ['put inside a deleted range', [op.deletion('a', 'c'), op.put('b')], duplicate],
    ['put at the end of a deleted range', [op.deletion('a', 'c'), op.put('c')], undefined],
    ['put at the end that is before the start', [op.deletion('c', 'a'), op.put('b')], undefined],
    ['deleted twice', [op.deletion('a'), op.deletion('a', 'b')], undefined],
    ['read and put', [op.range('a'), op.put('a')], undefined],
    ['put in both branches of a nested one', [op.txn([op.put('a')], [op.put('a')])], undefined],
    ['put in one branch and deleted in the other', [op.txn([op.put('a')], [op.deletion('a')])], undefined],
    ['put in two nested ones', [op.txn([op.put('a')]), op.txn([], [op.put('a')])], duplicate],
    ['put in a nested one and outside', [op.txn([op.put('a')]), op.put('a')], duplicate],
    ['put in a nested one, deleted outside', [op.txn([op.put('a')]), op.deletion('a')], duplicate],
    ['put outside, deleted in a nested one', [op.put('a'), op.txn([op.deletion('a')])], duplicate],
    ['deleted in a nested one, put in the next', [op.txn([op.deletion('a')]), op.txn([op.put('a')])], duplicate],
    ['deep down', [op.put('a'), op.txn([op.txn([], [op.put('a')])])], duplicate],
    // What follows is not as it should be, but it is what upstream accepts.
    ['put in a nested one, deleted in the next', [op.txn([op.put('a')]), op.txn([op.deletion('a')])], undefined],
    ['put behind a deletion of all from a key on', [op.deletion('a', '\0'), op.put('b')], undefined],
  ])('%s', (_, ops, expected) => {
    expect(refusalOf(ops)).toBe(expected);
    expect(refusalOf([], ops)).toBe(expected);
  });

  test('may be in both branches of the transaction itself', () => {
    expect(refusalOf([op.put('a')], [op.put('a')])).toBeUndefined();
  });
});

describe('admission', () => {
  const full = { quota: new Quota(1000, () => 1000), maxTxnOps: 128 };
  const roomy = { quota: new Quota(1000, () => 0), maxTxnOps: 128 };

  test('asks for room before it looks at the arguments', () => {
    expect(refusal(() => admit({ put: put('') }, full))).toBe('mvcc: database space exceeded');
    expect(refusal(() => admit({ put: put('') }, roomy))).toBe(noKey);
    expect(refusal(() => admit({ txn: txn([op.put('')]) }, full))).toBe('mvcc: database space exceeded');
  });

  test('lets through what needs no room, but not unchecked', () => {
    expect(refusal(() => admit({ delete_range: deletion('a') }, full))).toBeUndefined();
    expect(refusal(() => admit({ range: range('') }, full))).toBe(noKey);
    expect(refusal(() => admit({ txn: txn([op.deletion('')]) }, full))).toBe(noKey);
  });
});
