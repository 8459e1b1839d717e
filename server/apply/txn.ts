import { errCompacted, errFutureRevision } from '../errors/etcd-error.ts';
import type { MvccStore, ReadView, WriteTxn } from '../mvcc/mod.ts';
import {
  type RangeRequest,
  type RequestOp,
  ResponseHeader,
  ResponseOp,
  type TxnRequest,
  TxnResponse,
} from '../proto/gen/rpc.ts';
import { holds } from './compare.ts';
import { applyRange } from './range.ts';
import { applyDeleteRange, applyPut, type LeaseLookup, requireKey, requireLease } from './write.ts';

/** The branch that a transaction takes, and those that its nested transactions on that branch take, in their order. */
export interface TakenPath {
  readonly succeeded: boolean;
  readonly ops: readonly RequestOp[];
  readonly nested: readonly TakenPath[];
}

/**
 * Runs a transaction: all of the branch that its conditions choose, or nothing of it (contract: api.md §2.4).
 *
 * Conditions, those of nested transactions too, look at the state before it; ranges see the writes before them. The
 * responses' headers carry the revision only, those of nested transactions nothing at all.
 *
 * @throws EtcdError when a put or a range on the taken path cannot be carried out; nothing has been changed then
 */
export function applyTxn(store: MvccStore, request: TxnRequest, leases: LeaseLookup): TxnResponse {
  const path = checkedPath(store, request, leases);
  const txn = store.beginWrite();
  const response = runPath(txn, path);
  response.header = ResponseHeader.create({ revision: txn.end() });
  return response;
}

/**
 * The branch that a transaction would take now.
 *
 * @throws EtcdError when a put or a range on it cannot be carried out
 */
export function checkedPath(view: ReadView, request: TxnRequest, leases: LeaseLookup): TakenPath {
  const path = choosePath(view, request);
  requirePuts(view, path, leases);
  requireRanges(view, path);
  return path;
}

/** The ranges of both branches, without those of nested transactions. */
export function rangesOf(request: TxnRequest): RangeRequest[] {
  return allOps(request).flatMap(({ request_range }) => request_range ?? []);
}

/** Whether a transaction can be answered without raft's log: ranges only. A nested transaction counts as a write. */
export function isReadOnlyTxn(request: TxnRequest): boolean {
  return allOps(request).every((op) => op.request_range !== undefined);
}

/** Whether a transaction may be answered without asking the leader: serializable ranges only. */
export function isSerializableTxn(request: TxnRequest): boolean {
  return allOps(request).every((op) => op.request_range?.serializable === true);
}

function allOps(request: TxnRequest): RequestOp[] {
  return [...request.success, ...request.failure];
}

function choosePath(view: ReadView, request: TxnRequest): TakenPath {
  const succeeded = request.compare.every((compare) => holds(view, compare));
  const ops = succeeded ? request.success : request.failure;
  const nested = ops.flatMap((op) => (op.request_txn === undefined ? [] : [choosePath(view, op.request_txn)]));
  return { succeeded, ops, nested };
}

/** Calls `check` for each operation of the path in the order in which they will run. */
function walk(path: TakenPath, check: (op: RequestOp) => void): void {
  let nextNested = 0;
  for (const op of path.ops) {
    if (op.request_txn !== undefined) walk(path.nested[nextNested++] as TakenPath, check);
    else check(op);
  }
}

function requirePuts(view: ReadView, path: TakenPath, leases: LeaseLookup): void {
  walk(path, (op) => {
    if (op.request_put === undefined) return;
    requireKey(op.request_put, view);
    requireLease(op.request_put, leases);
  });
}

function requireRanges(view: ReadView, path: TakenPath): void {
  walk(path, (op) => {
    if (op.request_range !== undefined) requireRevision(op.request_range, view);
  });
}

/** Stricter than a range on its own: there, a negative revision means the newest; here it is a compacted one. */
function requireRevision(request: RangeRequest, view: ReadView): void {
  if (request.revision === 0) return;
  if (request.revision > view.currentRevision) throw errFutureRevision();
  if (request.revision < view.compactRevision) throw errCompacted();
}

function runPath(txn: WriteTxn, path: TakenPath): TxnResponse {
  let nextNested = 0;
  const responses = path.ops.map((op) => {
    if (op.request_txn === undefined) return runOp(txn, op);
    const nested = runPath(txn, path.nested[nextNested++] as TakenPath);
    nested.header = ResponseHeader.create();
    return ResponseOp.create({ response_txn: nested });
  });
  return TxnResponse.create({ succeeded: path.succeeded, responses });
}

function runOp(txn: WriteTxn, op: RequestOp): ResponseOp {
  if (op.request_range !== undefined) return ResponseOp.create({ response_range: applyRange(txn, op.request_range) });
  if (op.request_put !== undefined) return ResponseOp.create({ response_put: applyPut(txn, op.request_put) });
  if (op.request_delete_range !== undefined) {
    return ResponseOp.create({ response_delete_range: applyDeleteRange(txn, op.request_delete_range) });
  }
  // The API refuses an operation without content; from the log it has no effect.
  return ResponseOp.create();
}
