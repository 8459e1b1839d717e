/** etcdserverpb.Auth (contract: api.md §2.7). */
import type { EtcdMember } from '../member/etcd-member.ts';
import { AuthService } from '../proto/gen/rpc.ts';
import { type Method, unary } from './method.ts';

export function authMethods({ accounts }: Pick<EtcdMember, 'accounts'>): Method[] {
  return [
    unary(AuthService.AuthEnable, (auth_enable, caller) => accounts.ask({ auth_enable }, caller)),
    unary(AuthService.AuthDisable, (auth_disable, caller) => accounts.ask({ auth_disable }, caller)),
    unary(AuthService.AuthStatus, (auth_status, caller) => accounts.ask({ auth_status }, caller)),
    unary(AuthService.Authenticate, (request) => accounts.authenticate(request)),
    unary(AuthService.UserAdd, (request, caller) => accounts.addUser(request, caller)),
    unary(AuthService.UserGet, (auth_user_get, caller) => accounts.ask({ auth_user_get }, caller)),
    unary(AuthService.UserList, (auth_user_list, caller) => accounts.ask({ auth_user_list }, caller)),
    unary(AuthService.UserDelete, (auth_user_delete, caller) => accounts.ask({ auth_user_delete }, caller)),
    unary(AuthService.UserChangePassword, (request, caller) => accounts.changePassword(request, caller)),
    unary(AuthService.UserGrantRole, (auth_user_grant_role, caller) => accounts.ask({ auth_user_grant_role }, caller)),
    unary(AuthService.UserRevokeRole, (auth_user_revoke_role, caller) =>
      accounts.ask({ auth_user_revoke_role }, caller),
    ),
    unary(AuthService.RoleAdd, (auth_role_add, caller) => accounts.ask({ auth_role_add }, caller)),
    unary(AuthService.RoleGet, (auth_role_get, caller) => accounts.ask({ auth_role_get }, caller)),
    unary(AuthService.RoleList, (auth_role_list, caller) => accounts.ask({ auth_role_list }, caller)),
    unary(AuthService.RoleDelete, (auth_role_delete, caller) => accounts.ask({ auth_role_delete }, caller)),
    unary(AuthService.RoleGrantPermission, (auth_role_grant_permission, caller) =>
      accounts.ask({ auth_role_grant_permission }, caller),
    ),
    unary(AuthService.RoleRevokePermission, (auth_role_revoke_permission, caller) =>
      accounts.ask({ auth_role_revoke_permission }, caller),
    ),
  ];
}
