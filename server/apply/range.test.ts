import { describe, expect, test } from 'vitest';
import type { ReadView } from '../mvcc/mod.ts';
import {
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RangeResponse,
  ResponseHeader,
} from '../proto/gen/rpc.ts';
import { applyRange, encodeRange } from './mod.ts';
import { Machine, range, refusal, text } from './testing/machine.ts';

const { ASCEND, DESCEND } = RangeRequest_SortOrder;
const { VERSION, CREATE, MOD, VALUE } = RangeRequest_SortTarget;

/** Create order b, a, c (2, 3, 4); then b gets a new value at 5 and again at 6. */
function machine(): Machine {
  const m = new Machine();
  m.put('b', 'x');
  m.put('a', 'z');
  m.put('c', 'y');
  m.put('b', 'w');
  m.put('b', 'v', { lease: 7n });
  return m;
}

/** Both ways to an answer: they come to the same bytes, or to the same refusal. */
function answer(view: ReadView, request: RangeRequest): RangeResponse {
  const header = ResponseHeader.create({ cluster_id: 1n, member_id: 2n, revision: view.currentRevision, raft_term: 3 });
  const decoded = () => ({ ...applyRange(view, request), header });
  const encoded = () => encodeRange(view, request, header);
  const refused = refusal(decoded);
  expect(refusal(encoded)).toBe(refused);
  if (refused === undefined) expect(Buffer.from(encoded())).toEqual(Buffer.from(RangeResponse.encode(decoded())));
  return applyRange(view, request);
}

function keys(request: Partial<RangeRequest>): string {
  return answer(machine().store, range('\0', '\0', request))
    .kvs.map((kv) => text(kv.key))
    .join('');
}

describe('a range', () => {
  test('tells the current revision, whichever it reads', () => {
    const response = answer(machine().store, range('b', '', { revision: 2 }));
    expect(response.header?.revision).toBe(6);
    expect(text(response.kvs[0]?.value)).toBe('x');
  });

  test('counts regardless of the limit and of the filters by revision', () => {
    const response = answer(machine().store, range('\0', '\0', { limit: 1, min_mod_revision: 6 }));
    expect([response.kvs.length, response.count, response.more]).toEqual([1, 3, false]);
  });

  test('tells whether a limit cut something off', () => {
    const { store } = machine();
    expect(answer(store, range('\0', '\0', { limit: 2 })).more).toBe(true);
    expect(answer(store, range('\0', '\0', { limit: 3 })).more).toBe(false);
    expect(answer(store, range('\0', '\0', { limit: -1 })).kvs).toHaveLength(3);
    expect(answer(store, range('\0', '\0', { limit: 1, max_create_revision: 3 })).more).toBe(true);
  });

  test('cuts only what the filters by revision have left', () => {
    expect(keys({ min_create_revision: 4, limit: 1 })).toBe('c');
  });

  test('that only counts has neither pairs nor more', () => {
    const response = answer(machine().store, range('\0', '\0', { count_only: true, limit: 1 }));
    expect([response.kvs.length, response.count, response.more]).toEqual([0, 3, false]);
  });

  test.each<[string, Partial<RangeRequest>, string]>([
    ['min_mod_revision', { min_mod_revision: 4 }, 'bc'],
    ['max_mod_revision', { max_mod_revision: 4 }, 'ac'],
    ['min_create_revision', { min_create_revision: 3 }, 'ac'],
    ['max_create_revision', { max_create_revision: 3 }, 'ab'],
    ['all at once', { min_create_revision: 2, max_create_revision: 3, min_mod_revision: 3, max_mod_revision: 5 }, 'a'],
  ])('%s is inclusive', (_, request, expected) => {
    expect(keys(request)).toBe(expected);
  });

  test.each<[string, Partial<RangeRequest>, string]>([
    ['by key unless told', {}, 'abc'],
    ['by key, descending', { sort_order: DESCEND }, 'cba'],
    ['by creation', { sort_target: CREATE, sort_order: ASCEND }, 'bac'],
    ['by change, descending', { sort_target: MOD, sort_order: DESCEND }, 'bca'],
    ['by value', { sort_target: VALUE, sort_order: ASCEND }, 'bca'],
    ['by version, descending', { sort_target: VERSION, sort_order: DESCEND }, 'bac'],
    ['ascending when a target has no order', { sort_target: CREATE }, 'bac'],
    ['not at all by an order that nobody has defined', { sort_target: CREATE, sort_order: 9 as never }, 'abc'],
    ['not at all by a target that nobody has defined', { sort_target: 9 as never, sort_order: DESCEND }, 'abc'],
    ['before the cut, when an order is given', { sort_target: CREATE, sort_order: ASCEND, limit: 1 }, 'b'],
    ['by key before the cut, too', { sort_order: DESCEND, limit: 1 }, 'c'],
    // One more than the limit is fetched in key order, and only that is sorted.
    ['after the fetch, when only a target is given', { sort_target: CREATE, sort_order: 0, limit: 1 }, 'b'],
    [
      'after the fetch, so that what is behind is missed',
      { sort_target: MOD, limit: 1, range_end: Buffer.from('d') },
      'a',
    ],
  ])('sorts %s', (_, request, expected) => {
    expect(keys(request)).toBe(expected);
  });

  test('of keys only leaves out the value and nothing else', () => {
    const [kv] = answer(machine().store, range('b', '', { keys_only: true })).kvs;
    expect(kv).toMatchObject({ create_revision: 2, mod_revision: 6, version: 3, lease: 7n });
    expect(kv?.value).toHaveLength(0);
  });

  test('of keys only still sorts by value', () => {
    expect(keys({ keys_only: true, sort_target: VALUE, sort_order: DESCEND })).toBe('acb');
  });

  test('passes values of any size on, and what a transaction has not ended yet', () => {
    const m = machine();
    for (const sizeBytes of [0, 1, 63, 64, 65, 127, 128, 20_000]) m.put(`size ${sizeBytes}`, 'x'.repeat(sizeBytes));
    expect(answer(m.store, range('s', 't')).kvs).toHaveLength(8);
    const txn = m.store.beginWrite();
    txn.put(Buffer.from('a'), Buffer.from('new'), 0n);
    expect(text(answer(txn, range('a')).kvs[0]?.value)).toBe('new');
    txn.end();
  });

  test('at a revision that is compacted or to come is refused', async () => {
    const m = machine();
    await m.store.compact(4).done;
    expect(refusal(() => answer(m.store, range('a', '', { revision: 3 })))).toMatch(/has been compacted/);
    expect(refusal(() => answer(m.store, range('a', '', { revision: 4 })))).toBeUndefined();
    expect(refusal(() => answer(m.store, range('a', '', { revision: 7 })))).toMatch(/future revision/);
  });
});
