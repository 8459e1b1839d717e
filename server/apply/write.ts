import { errKeyNotFound, errLeaseNotFound } from '../errors/etcd-error.ts';
import type { ReadView, WriteTxn } from '../mvcc/mod.ts';
import {
  type DeleteRangeRequest,
  DeleteRangeResponse,
  type PutRequest,
  PutResponse,
  ResponseHeader,
} from '../proto/gen/rpc.ts';

/** What writes need to know of leases. */
export interface LeaseLookup {
  exists(id: bigint): boolean;
}

const thatKeyAlone = new Uint8Array(0);

/** @throws EtcdError NotFound when the put names a lease that does not exist */
export function requireLease(request: PutRequest, leases: LeaseLookup): void {
  if (request.lease !== 0n && !leases.exists(request.lease)) throw errLeaseNotFound();
}

/** @throws EtcdError InvalidArgument when the put keeps a part of a value that does not exist */
export function requireKey(request: PutRequest, view: ReadView): void {
  if (!request.ignore_value && !request.ignore_lease) return;
  if (view.range(request.key, thatKeyAlone, { countOnly: true }).count === 0) throw errKeyNotFound();
}

/** Puts one key. `requireLease` and `requireKey` come first. */
export function applyPut(txn: WriteTxn, request: PutRequest): PutResponse {
  const needsPrevious = request.prev_kv || request.ignore_value || request.ignore_lease;
  const previous = needsPrevious ? txn.range(request.key, thatKeyAlone).kvs[0] : undefined;
  const value = request.ignore_value && previous !== undefined ? previous.value : request.value;
  const lease = request.ignore_lease && previous !== undefined ? previous.lease : request.lease;
  const revision = txn.put(request.key, value, lease);
  return PutResponse.create({
    header: ResponseHeader.create({ revision }),
    prev_kv: request.prev_kv ? previous : undefined,
  });
}

/** Deletes a range of keys; the previous pairs are told in key order. */
export function applyDeleteRange(txn: WriteTxn, request: DeleteRangeRequest): DeleteRangeResponse {
  const prevKvs = request.prev_kv ? txn.range(request.key, request.range_end).kvs : [];
  const deleted = txn.deleteRange(request.key, request.range_end);
  return DeleteRangeResponse.create({
    header: ResponseHeader.create({ revision: txn.currentRevision }),
    deleted,
    prev_kvs: prevKvs,
  });
}
