import type { RequestOp, TxnRequest } from '../proto/gen/rpc.ts';

/** A range of keys that a transaction may read or write; empty `rangeEnd`: `key` alone. */
export interface KeyAccess {
  readonly kind: 'read' | 'write';
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** The lease that a put attaches the key to. */
  readonly lease?: bigint;
}

const thatKeyAlone = new Uint8Array(0);
const noLease = 0n;

/**
 * Everything that a transaction could touch: its conditions, and both branches, taken or not, of itself and of nested
 * transactions. Permission is needed for all of it (contract: api.md §8, trap 36), else the branch taken would tell
 * about keys that the user may not read.
 */
export function accessOf(request: TxnRequest): KeyAccess[] {
  return [
    ...request.compare.map(({ key, range_end }): KeyAccess => ({ kind: 'read', key, rangeEnd: range_end })),
    ...request.success.flatMap(accessOfOp),
    ...request.failure.flatMap(accessOfOp),
  ];
}

function accessOfOp(op: RequestOp): KeyAccess[] {
  const { request_range: range, request_put: put, request_delete_range: deletion, request_txn: txn } = op;
  if (range !== undefined) return [{ kind: 'read', key: range.key, rangeEnd: range.range_end }];
  if (put !== undefined) return withPrevious(put.prev_kv, put.key, thatKeyAlone, put.lease);
  if (deletion !== undefined) return withPrevious(deletion.prev_kv, deletion.key, deletion.range_end);
  return txn === undefined ? [] : accessOf(txn);
}

/** A write that tells the previous value is a read, too. */
function withPrevious(
  tellsPrevious: boolean,
  key: Uint8Array,
  rangeEnd: Uint8Array,
  lease: bigint = noLease,
): KeyAccess[] {
  const write: KeyAccess = { kind: 'write', key, rangeEnd, ...(lease !== noLease && { lease }) };
  return tellsPrevious ? [{ kind: 'read', key, rangeEnd }, write] : [write];
}
