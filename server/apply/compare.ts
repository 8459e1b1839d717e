import type { ReadView } from '../mvcc/mod.ts';
import { KeyValue } from '../proto/gen/kv.ts';
import { type Compare, Compare_CompareResult, Compare_CompareTarget } from '../proto/gen/rpc.ts';

const absent = KeyValue.create();

/**
 * Whether a transaction's condition holds for every key that it names (contract: api.md §2.4). A key that does not
 * exist compares as 0, except that no comparison with its value holds, not even NOT_EQUAL.
 */
export function holds(view: ReadView, compare: Compare): boolean {
  const { kvs } = view.range(compare.key, compare.range_end);
  if (kvs.length > 0) return kvs.every((kv) => matches(compare, kv));
  return compare.target !== Compare_CompareTarget.VALUE && matches(compare, absent);
}

function matches(compare: Compare, kv: KeyValue): boolean {
  const order = difference(compare, kv);
  switch (compare.result) {
    case Compare_CompareResult.EQUAL:
      return order === 0;
    case Compare_CompareResult.NOT_EQUAL:
      return order !== 0;
    case Compare_CompareResult.GREATER:
      return order > 0;
    case Compare_CompareResult.LESS:
      return order < 0;
    default:
      // Enums are open; upstream takes a relation that it does not know for fulfilled.
      return true;
  }
}

/** Negative, 0 or positive as the pair's figure is below, at or above the one given; one not given is 0 or empty. */
function difference(compare: Compare, kv: KeyValue): number {
  switch (compare.target) {
    case Compare_CompareTarget.VERSION:
      return kv.version - (compare.version ?? 0);
    case Compare_CompareTarget.CREATE:
      return kv.create_revision - (compare.create_revision ?? 0);
    case Compare_CompareTarget.MOD:
      return kv.mod_revision - (compare.mod_revision ?? 0);
    case Compare_CompareTarget.VALUE:
      return Buffer.compare(kv.value, compare.value ?? absent.value);
    case Compare_CompareTarget.LEASE: {
      const wanted = compare.lease ?? 0n;
      return kv.lease < wanted ? -1 : kv.lease > wanted ? 1 : 0;
    }
    default:
      return 0;
  }
}
