import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import type { PutRequest, RequestOp, TxnRequest } from '../proto/gen/rpc.ts';

const defaultQuotaBytes = 2 * 1024 ** 3;
/** What a pair takes beside key and value, and what a lease takes; upstream's estimates. */
const pairOverheadBytes = 256;
const leaseOverheadBytes = 64;

/** The bound on the size of the database file (contract: api.md §2.8). */
export class Quota {
  /** Infinity when there is no bound. */
  readonly limitBytes: number;
  private readonly sizeBytes: () => number;

  /**
   * @param limitBytes 0 for the default of 2 GiB, negative for no bound
   * @param sizeBytes tells the size of the file now
   */
  constructor(limitBytes: number, sizeBytes: () => number) {
    this.limitBytes = limitBytes === 0 ? defaultQuotaBytes : limitBytes < 0 ? Number.POSITIVE_INFINITY : limitBytes;
    this.sizeBytes = sizeBytes;
  }

  /** Whether there is room for a request. One that costs nothing always fits, so that a full database can be emptied. */
  admits(costBytes: number): boolean {
    return costBytes === 0 || this.sizeBytes() + costBytes < this.limitBytes;
  }
}

/**
 * The bytes by which a request may let the file grow: for a transaction, those of the dearer branch. Puts in nested
 * transactions do not count in 3.5, and whether a put is refused under the NOSPACE alarm must not differ between members.
 */
export function quotaCost(request: Partial<Pick<InternalRaftRequest, 'put' | 'txn' | 'lease_grant'>>): number {
  if (request.put !== undefined) return putCost(request.put);
  if (request.txn !== undefined) return txnCost(request.txn);
  return request.lease_grant === undefined ? 0 : leaseOverheadBytes;
}

function putCost(request: PutRequest): number {
  return pairOverheadBytes + request.key.length + request.value.length;
}

function txnCost(request: TxnRequest): number {
  return Math.max(branchCost(request.success), branchCost(request.failure));
}

function branchCost(ops: readonly RequestOp[]): number {
  return ops.reduce((sum, op) => sum + (op.request_put === undefined ? 0 : putCost(op.request_put)), 0);
}
