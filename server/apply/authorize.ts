/** Whether whoever stands in a request's header may do what it asks for (contract: api.md §2.7). */
import { type Asker, type AuthStore, isRoot, requireRead, requireRoot, requireWrite } from '../auth/mod.ts';
import type { Lessor } from '../lease/mod.ts';
import { keyBytes } from '../mvcc/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import type { DeleteRangeRequest, PutRequest, TxnRequest } from '../proto/gen/rpc.ts';
import { accessOf } from './access.ts';

/** Those of users and roles that only root may send; the two that one may ask about oneself are not among them. */
const forRoot = [
  ...(['auth_enable', 'auth_disable', 'auth_status', 'auth_user_add', 'auth_user_delete'] as const),
  ...(['auth_user_change_password', 'auth_user_grant_role', 'auth_user_revoke_role', 'auth_user_list'] as const),
  ...(['auth_role_add', 'auth_role_delete', 'auth_role_grant_permission', 'auth_role_revoke_permission'] as const),
  'auth_role_list' as const,
];

/**
 * Asked again of each request that is applied, since users and roles may have changed since it was proposed. All
 * members come to the same answer. What else only root may do is decided before it is proposed, as upstream does:
 * members themselves send some of these requests, and they are no users.
 *
 * @throws EtcdError when it may not be carried out
 */
export function authorize(auth: AuthStore, leases: Lessor, request: InternalRaftRequest): void {
  if (!auth.enabled) return;
  const asker: Asker = request.header && {
    username: request.header.username,
    revision: request.header.auth_revision,
  };
  if (request.put !== undefined) authorizePut(auth, leases, asker, request.put);
  else if (request.txn !== undefined) authorizeTxn(auth, leases, asker, request.txn);
  else if (request.delete_range !== undefined) authorizeDeletion(auth, asker, request.delete_range);
  else if (request.range !== undefined) requireRead(auth, asker, request.range.key, request.range.range_end);
  else if (request.lease_revoke !== undefined) authorizeLease(auth, leases, asker, request.lease_revoke.ID);
  else authorizeAdministration(auth, asker, request);
}

/** The conditions and both branches, taken or not; a put's lease, too. */
export function authorizeTxn(auth: AuthStore, leases: Lessor, asker: Asker, request: TxnRequest): void {
  for (const { kind, key, rangeEnd, lease } of accessOf(request)) {
    if (kind === 'read') requireRead(auth, asker, key, rangeEnd);
    else requireWrite(auth, asker, key, rangeEnd);
    if (lease !== undefined) authorizeLease(auth, leases, asker, lease);
  }
}

/**
 * Who ends a lease, or keeps it, decides about all of its keys; and who attaches a key must be able to end it. A lease
 * that is not there is for whoever carries the request out to say.
 */
export function authorizeLease(auth: AuthStore, leases: Lessor, asker: Asker, id: bigint): void {
  if (id === 0n || !leases.exists(id) || isRoot(auth, asker)) return;
  for (const key of leases.keysOf(id)) requireWrite(auth, asker, keyBytes(key));
}

function authorizePut(auth: AuthStore, leases: Lessor, asker: Asker, { key, lease, prev_kv }: PutRequest): void {
  requireWrite(auth, asker, key);
  authorizeLease(auth, leases, asker, lease);
  if (prev_kv) requireRead(auth, asker, key);
}

function authorizeDeletion(auth: AuthStore, asker: Asker, { key, range_end, prev_kv }: DeleteRangeRequest): void {
  requireWrite(auth, asker, key, range_end);
  if (prev_kv) requireRead(auth, asker, key, range_end);
}

function authorizeAdministration(auth: AuthStore, asker: Asker, request: InternalRaftRequest): void {
  const username = asker?.username ?? '';
  if (request.auth_user_get !== undefined) {
    if (request.auth_user_get.name !== username) requireRoot(auth, asker);
  } else if (request.auth_role_get !== undefined) {
    if (!auth.hasRole(username, request.auth_role_get.role)) requireRoot(auth, asker);
  } else if (forRoot.some((kind) => request[kind] !== undefined)) {
    requireRoot(auth, asker);
  }
}
