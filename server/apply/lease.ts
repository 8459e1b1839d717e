/** Leases as the log changes them (contract: api.md §2.6). The headers carry the revision only. */
import type { Lessor } from '../lease/mod.ts';
import { keyBytes, type MvccStore } from '../mvcc/mod.ts';
import {
  type LeaseCheckpointRequest,
  LeaseCheckpointResponse,
  type LeaseGrantRequest,
  LeaseGrantResponse,
  type LeaseRevokeRequest,
  LeaseRevokeResponse,
  ResponseHeader,
} from '../proto/gen/rpc.ts';

const thatKeyAlone = new Uint8Array(0);

/** @throws EtcdError when the time to live is too large or the id is taken */
export function applyLeaseGrant(
  store: MvccStore,
  lessor: Lessor,
  { ID, TTL: askedTtl }: LeaseGrantRequest,
): LeaseGrantResponse {
  const TTL = lessor.grant(ID, askedTtl);
  return LeaseGrantResponse.create({ header: headerOf(store), ID, TTL });
}

/**
 * Deletes the keys of a lease, in key order and at one revision, and forgets the lease. Without keys the revision stays.
 *
 * @throws EtcdError NotFound
 */
export function applyLeaseRevoke(store: MvccStore, lessor: Lessor, { ID }: LeaseRevokeRequest): LeaseRevokeResponse {
  const keys = lessor.keysOf(ID);
  const txn = store.beginWrite();
  for (const key of keys) txn.deleteRange(keyBytes(key), thatKeyAlone);
  txn.end();
  lessor.revoke(ID);
  return LeaseRevokeResponse.create({ header: headerOf(store) });
}

export function applyLeaseCheckpoint(
  store: MvccStore,
  lessor: Lessor,
  { checkpoints }: LeaseCheckpointRequest,
): LeaseCheckpointResponse {
  for (const { ID, remaining_TTL } of checkpoints) lessor.checkpoint(ID, remaining_TTL);
  return LeaseCheckpointResponse.create({ header: headerOf(store) });
}

function headerOf(store: MvccStore): ResponseHeader {
  return ResponseHeader.create({ revision: store.currentRevision });
}
