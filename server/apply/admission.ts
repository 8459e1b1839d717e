import { errNoSpace } from '../errors/etcd-error.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import { type Quota, quotaCost } from './quota.ts';
import { checkDeleteRange, checkPut, checkRange, checkTxn } from './request-check.ts';

export interface AdmissionLimits {
  readonly quota: Quota;
  /** The most operations in a branch of a transaction; upstream's default is 128. */
  readonly maxTxnOps: number;
}

/**
 * Decides at the API whether a request may be proposed. Room is asked for before the arguments are looked at (contract:
 * api.md §8, trap 43).
 *
 * @throws EtcdError ResourceExhausted when the database is full: then this member is to raise the NOSPACE alarm;
 *   InvalidArgument when the request is malformed
 */
export function admit(
  request: Partial<Pick<InternalRaftRequest, 'range' | 'put' | 'delete_range' | 'txn' | 'lease_grant'>>,
  limits: AdmissionLimits,
): void {
  if (!limits.quota.admits(quotaCost(request))) throw errNoSpace();
  if (request.range !== undefined) checkRange(request.range);
  if (request.put !== undefined) checkPut(request.put);
  if (request.delete_range !== undefined) checkDeleteRange(request.delete_range);
  if (request.txn !== undefined) checkTxn(request.txn, limits.maxTxnOps);
}
