/** Users, roles and logins as the log changes them (contract: api.md §2.7). The headers carry the revision only. */
import type { AuthStore } from '../auth/mod.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  AuthDisableResponse,
  AuthEnableResponse,
  AuthenticateResponse,
  AuthRoleAddResponse,
  AuthRoleDeleteResponse,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionResponse,
  AuthRoleListResponse,
  AuthRoleRevokePermissionResponse,
  AuthStatusResponse,
  AuthUserAddResponse,
  AuthUserChangePasswordResponse,
  AuthUserDeleteResponse,
  AuthUserGetResponse,
  AuthUserGrantRoleResponse,
  AuthUserListResponse,
  AuthUserRevokeRoleResponse,
  type ResponseHeader,
} from '../proto/gen/rpc.ts';

export type AuthResponse =
  | AuthStatusResponse
  | AuthenticateResponse
  | AuthUserGetResponse
  | AuthUserListResponse
  | AuthRoleGetResponse
  | AuthRoleListResponse
  | AuthEnableResponse;

/**
 * Carries out a request that concerns users, roles or logins.
 *
 * @param index of the last entry that was applied before this one
 * @returns undefined when the request is of another kind
 * @throws EtcdError when it cannot be carried out; nothing has been changed then
 */
export function applyAuth(
  auth: AuthStore,
  request: InternalRaftRequest,
  index: number,
  header: () => ResponseHeader,
): AuthResponse | undefined {
  return (
    applySwitch(auth, request, index, header) ?? applyUser(auth, request, header) ?? applyRole(auth, request, header)
  );
}

function applySwitch(
  auth: AuthStore,
  request: InternalRaftRequest,
  index: number,
  header: () => ResponseHeader,
): AuthResponse | undefined {
  if (request.authenticate !== undefined) {
    const { name, simple_token } = request.authenticate;
    return AuthenticateResponse.create({ token: auth.authenticate(name, simple_token, index), header: header() });
  }
  if (request.auth_status !== undefined) {
    return AuthStatusResponse.create({ header: header(), enabled: auth.enabled, authRevision: auth.revision });
  }
  if (request.auth_enable !== undefined) {
    auth.enable();
    return AuthEnableResponse.create({ header: header() });
  }
  if (request.auth_disable !== undefined) {
    auth.disable();
    return AuthDisableResponse.create({ header: header() });
  }
  return undefined;
}

function applyUser(
  auth: AuthStore,
  request: InternalRaftRequest,
  header: () => ResponseHeader,
): AuthResponse | undefined {
  if (request.auth_user_add !== undefined) {
    auth.addUser(request.auth_user_add);
    return AuthUserAddResponse.create({ header: header() });
  }
  if (request.auth_user_delete !== undefined) {
    auth.deleteUser(request.auth_user_delete.name);
    return AuthUserDeleteResponse.create({ header: header() });
  }
  if (request.auth_user_get !== undefined) {
    const roles = [...auth.rolesOf(request.auth_user_get.name)];
    return AuthUserGetResponse.create({ header: header(), roles });
  }
  if (request.auth_user_change_password !== undefined) {
    auth.changePassword(request.auth_user_change_password);
    return AuthUserChangePasswordResponse.create({ header: header() });
  }
  if (request.auth_user_grant_role !== undefined) {
    auth.grantRole(request.auth_user_grant_role.user, request.auth_user_grant_role.role);
    return AuthUserGrantRoleResponse.create({ header: header() });
  }
  if (request.auth_user_revoke_role !== undefined) {
    auth.revokeRole(request.auth_user_revoke_role.name, request.auth_user_revoke_role.role);
    return AuthUserRevokeRoleResponse.create({ header: header() });
  }
  if (request.auth_user_list !== undefined) {
    return AuthUserListResponse.create({ header: header(), users: auth.userNames() });
  }
  return undefined;
}

function applyRole(
  auth: AuthStore,
  request: InternalRaftRequest,
  header: () => ResponseHeader,
): AuthResponse | undefined {
  if (request.auth_role_add !== undefined) {
    auth.addRole(request.auth_role_add.name);
    return AuthRoleAddResponse.create({ header: header() });
  }
  if (request.auth_role_delete !== undefined) {
    auth.deleteRole(request.auth_role_delete.role);
    return AuthRoleDeleteResponse.create({ header: header() });
  }
  if (request.auth_role_get !== undefined) {
    const perm = [...auth.permissionsOfRole(request.auth_role_get.role)];
    return AuthRoleGetResponse.create({ header: header(), perm });
  }
  if (request.auth_role_grant_permission !== undefined) {
    auth.grantPermission(request.auth_role_grant_permission);
    return AuthRoleGrantPermissionResponse.create({ header: header() });
  }
  if (request.auth_role_revoke_permission !== undefined) {
    auth.revokePermission(request.auth_role_revoke_permission);
    return AuthRoleRevokePermissionResponse.create({ header: header() });
  }
  if (request.auth_role_list !== undefined) {
    return AuthRoleListResponse.create({ header: header(), roles: auth.roleNames() });
  }
  return undefined;
}
