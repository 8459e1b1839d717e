/**
 * What the API refuses before a request is proposed, in upstream's order (contract: api.md §2.4), so that a request
 * that is wrong twice gets the same answer.
 */
import {
  errDuplicateKey,
  errEmptyKey,
  errInvalidSortOption,
  errKeyNotFound,
  errLeaseProvided,
  errTooManyOps,
  errValueProvided,
} from '../errors/etcd-error.ts';
import { keyString } from '../mvcc/mod.ts';
import {
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  RangeRequest_SortTarget,
  type RequestOp,
  type TxnRequest,
} from '../proto/gen/rpc.ts';
import { KeyCover } from './key-cover.ts';

const sortTargets: ReadonlySet<number> = new Set(Object.values(RangeRequest_SortTarget));

/**
 * A target that nobody has defined is refused, as upstream does from 3.6 on: 3.5 takes it into its log, and each of its
 * members stops where it applies the entry, at every start again.
 *
 * @throws EtcdError InvalidArgument
 */
export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw errEmptyKey();
  if (!sortTargets.has(request.sort_target)) throw errInvalidSortOption();
}

/** @throws EtcdError InvalidArgument */
export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw errEmptyKey();
  if (request.ignore_value && request.value.length > 0) throw errValueProvided();
  if (request.ignore_lease && request.lease !== 0n) throw errLeaseProvided();
}

/** @throws EtcdError InvalidArgument */
export function checkDeleteRange(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw errEmptyKey();
}

/**
 * @param maxTxnOps the most conditions, and the most operations in either branch; what the longest of the three leaves
 *   is what a nested transaction may use
 * @throws EtcdError InvalidArgument
 */
export function checkTxn(request: TxnRequest, maxTxnOps: number): void {
  checkTxnOps(request, maxTxnOps);
  checkOverlaps(request.success);
  checkOverlaps(request.failure);
}

function checkTxnOps(request: TxnRequest, maxTxnOps: number): void {
  const longest = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (longest > maxTxnOps) throw errTooManyOps();
  for (const compare of request.compare) if (compare.key.length === 0) throw errEmptyKey();
  for (const op of request.success) checkOp(op, maxTxnOps - longest);
  for (const op of request.failure) checkOp(op, maxTxnOps - longest);
}

function checkOp(op: RequestOp, maxTxnOps: number): void {
  if (op.request_range !== undefined) checkRange(op.request_range);
  else if (op.request_put !== undefined) checkPut(op.request_put);
  else if (op.request_delete_range !== undefined) checkDeleteRange(op.request_delete_range);
  else if (op.request_txn !== undefined) checkTxnOps(op.request_txn, maxTxnOps);
  else throw errKeyNotFound();
}

interface Touched {
  readonly puts: Set<string>;
  readonly deletes: KeyCover;
}

/**
 * Refuses a list of operations that may put a key twice, or put a key that it also deletes. The branches of a nested
 * transaction exclude each other, so both may put the same key.
 *
 * Two gaps are upstream's, and closing them would refuse what it accepts: a nested transaction may put what a later
 * sibling deletes, and a deletion with the range_end "\0" covers nothing here, though it deletes all keys behind.
 */
function checkOverlaps(ops: readonly RequestOp[]): Touched {
  const deletes = new KeyCover();
  for (const { request_delete_range: request } of ops) {
    if (request === undefined) continue;
    const start = keyString(request.key);
    deletes.add(start, request.range_end.length === 0 ? `${start}\0` : keyString(request.range_end));
  }

  const puts = new Set<string>();
  for (const { request_txn: request } of ops) {
    if (request === undefined) continue;
    const then = checkOverlaps(request.success);
    const otherwise = checkOverlaps(request.failure);
    for (const key of then.puts) addPut(key, puts, deletes);
    for (const key of otherwise.puts) if (!then.puts.has(key)) addPut(key, puts, deletes);
    deletes.addAll(then.deletes);
    deletes.addAll(otherwise.deletes);
  }

  for (const { request_put: request } of ops) {
    if (request !== undefined) addPut(keyString(request.key), puts, deletes);
  }
  return { puts, deletes };
}

function addPut(key: string, puts: Set<string>, deletes: KeyCover): void {
  if (puts.has(key) || deletes.has(key)) throw errDuplicateKey();
  puts.add(key);
}
