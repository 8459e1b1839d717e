/** The RPCs of users, roles and authentication, one method each. */
import {
  type AuthDisableRequest,
  type AuthDisableResponse,
  type AuthEnableRequest,
  type AuthEnableResponse,
  type AuthenticateRequest,
  type AuthenticateResponse,
  type AuthRoleAddRequest,
  type AuthRoleAddResponse,
  type AuthRoleDeleteRequest,
  type AuthRoleDeleteResponse,
  type AuthRoleGetRequest,
  type AuthRoleGetResponse,
  type AuthRoleGrantPermissionRequest,
  type AuthRoleGrantPermissionResponse,
  type AuthRoleListRequest,
  type AuthRoleListResponse,
  type AuthRoleRevokePermissionRequest,
  type AuthRoleRevokePermissionResponse,
  AuthService,
  type AuthStatusRequest,
  type AuthStatusResponse,
  type AuthUserAddRequest,
  type AuthUserAddResponse,
  type AuthUserChangePasswordRequest,
  type AuthUserChangePasswordResponse,
  type AuthUserDeleteRequest,
  type AuthUserDeleteResponse,
  type AuthUserGetRequest,
  type AuthUserGetResponse,
  type AuthUserGrantRoleRequest,
  type AuthUserGrantRoleResponse,
  type AuthUserListRequest,
  type AuthUserListResponse,
  type AuthUserRevokeRoleRequest,
  type AuthUserRevokeRoleResponse,
} from '../proto/gen/rpc.ts';
import type { Caller } from './caller.ts';
import type { CallOptions } from './client-options.ts';

/** Part of an EtcdClient; every method rejects with an RpcError. */
export class AuthClient {
  private readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  enable(request: Partial<AuthEnableRequest> = {}, options?: CallOptions): Promise<AuthEnableResponse> {
    const method = AuthService.AuthEnable;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  disable(request: Partial<AuthDisableRequest> = {}, options?: CallOptions): Promise<AuthDisableResponse> {
    const method = AuthService.AuthDisable;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  status(request: Partial<AuthStatusRequest> = {}, options?: CallOptions): Promise<AuthStatusResponse> {
    const method = AuthService.AuthStatus;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  authenticate(request: Partial<AuthenticateRequest>, options?: CallOptions): Promise<AuthenticateResponse> {
    const method = AuthService.Authenticate;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  userAdd(request: Partial<AuthUserAddRequest>, options?: CallOptions): Promise<AuthUserAddResponse> {
    const method = AuthService.UserAdd;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  userGet(request: Partial<AuthUserGetRequest>, options?: CallOptions): Promise<AuthUserGetResponse> {
    const method = AuthService.UserGet;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  userList(request: Partial<AuthUserListRequest> = {}, options?: CallOptions): Promise<AuthUserListResponse> {
    const method = AuthService.UserList;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  userDelete(request: Partial<AuthUserDeleteRequest>, options?: CallOptions): Promise<AuthUserDeleteResponse> {
    const method = AuthService.UserDelete;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  userChangePassword(
    request: Partial<AuthUserChangePasswordRequest>,
    options?: CallOptions,
  ): Promise<AuthUserChangePasswordResponse> {
    const method = AuthService.UserChangePassword;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  userGrantRole(request: Partial<AuthUserGrantRoleRequest>, options?: CallOptions): Promise<AuthUserGrantRoleResponse> {
    const method = AuthService.UserGrantRole;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  userRevokeRole(
    request: Partial<AuthUserRevokeRoleRequest>,
    options?: CallOptions,
  ): Promise<AuthUserRevokeRoleResponse> {
    const method = AuthService.UserRevokeRole;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  roleAdd(request: Partial<AuthRoleAddRequest>, options?: CallOptions): Promise<AuthRoleAddResponse> {
    const method = AuthService.RoleAdd;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  roleGet(request: Partial<AuthRoleGetRequest>, options?: CallOptions): Promise<AuthRoleGetResponse> {
    const method = AuthService.RoleGet;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  roleList(request: Partial<AuthRoleListRequest> = {}, options?: CallOptions): Promise<AuthRoleListResponse> {
    const method = AuthService.RoleList;
    return this.caller.unary(method, method.request.create(request), 'read', options);
  }

  roleDelete(request: Partial<AuthRoleDeleteRequest>, options?: CallOptions): Promise<AuthRoleDeleteResponse> {
    const method = AuthService.RoleDelete;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  roleGrantPermission(
    request: Partial<AuthRoleGrantPermissionRequest>,
    options?: CallOptions,
  ): Promise<AuthRoleGrantPermissionResponse> {
    const method = AuthService.RoleGrantPermission;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }

  roleRevokePermission(
    request: Partial<AuthRoleRevokePermissionRequest>,
    options?: CallOptions,
  ): Promise<AuthRoleRevokePermissionResponse> {
    const method = AuthService.RoleRevokePermission;
    return this.caller.unary(method, method.request.create(request), 'write', options);
  }
}
