/** Whether a caller may do what it asks for; nothing is refused while authentication is off (contract: api.md §2.7). */
import { errAuthOldRevision, errPermissionDenied, errUserEmpty, errUserNotFound } from '../errors/etcd-error.ts';
import type { AuthInfo } from './auth-info.ts';
import { intervalOf } from './key-ranges.ts';
import type { AuthStore } from './store.ts';
import type { UserPermissions } from './user-permissions.ts';

/** Who asks; undefined for callers that have not said. */
export type Asker = AuthInfo | undefined;

const thatKeyAlone = new Uint8Array(0);

/** @throws EtcdError InvalidArgument when it is unknown who asks */
export function requireUser(auth: AuthStore, asker: Asker): void {
  if (auth.enabled && (asker === undefined || asker.username === '')) throw errUserEmpty();
}

/** @throws EtcdError PermissionDenied when the asker has not the root role, FailedPrecondition when it is no user */
export function requireRoot(auth: AuthStore, asker: Asker): void {
  if (!auth.enabled) return;
  if (asker === undefined || asker.username === '') throw errUserEmpty();
  const permissions = auth.permissionsOf(asker.username);
  if (permissions === undefined) throw errUserNotFound();
  if (!permissions.isRoot) throw errPermissionDenied();
}

/** For what asks for no key at all. @throws EtcdError InvalidArgument when users and roles have changed since */
export function requireCurrent(auth: AuthStore, asker: Asker): void {
  if (!auth.enabled || asker === undefined || asker.revision === 0) return;
  if (asker.revision !== auth.revision) throw errAuthOldRevision();
}

export function isRoot(auth: AuthStore, asker: Asker): boolean {
  return !auth.enabled || (asker !== undefined && auth.permissionsOf(asker.username)?.isRoot === true);
}

/**
 * @param rangeEnd as in a request: empty for the key alone, one zero byte for no end
 * @throws EtcdError PermissionDenied; InvalidArgument when it is unknown who asks, or users and roles have changed since
 *   that was found out
 */
export function requireRead(auth: AuthStore, asker: Asker, key: Uint8Array, rangeEnd: Uint8Array = thatKeyAlone): void {
  requireAccess(auth, asker, 'read', key, rangeEnd);
}

/** As `requireRead`. */
export function requireWrite(
  auth: AuthStore,
  asker: Asker,
  key: Uint8Array,
  rangeEnd: Uint8Array = thatKeyAlone,
): void {
  requireAccess(auth, asker, 'write', key, rangeEnd);
}

function requireAccess(
  auth: AuthStore,
  asker: Asker,
  kind: keyof Pick<UserPermissions, 'read' | 'write'>,
  key: Uint8Array,
  rangeEnd: Uint8Array,
): void {
  if (!auth.enabled) return;
  if (asker === undefined || asker.revision === 0) throw errUserEmpty();
  if (asker.revision < auth.revision) throw errAuthOldRevision();
  const permissions = auth.permissionsOf(asker.username);
  if (permissions === undefined) throw errPermissionDenied();
  if (!permissions.isRoot && !permissions[kind].covers(intervalOf(key, rangeEnd))) throw errPermissionDenied();
}
