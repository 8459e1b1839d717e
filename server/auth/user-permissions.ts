/** What each user may do, merged from the roles and kept until a user or a role changes. */
import { type Permission, Permission_Type } from '../proto/gen/auth.ts';
import { rootName } from './auth-info.ts';
import { intervalOf, KeyRanges } from './key-ranges.ts';
import type { AuthRecords } from './records.ts';

export interface UserPermissions {
  /** Has the root role, and may do everything. */
  readonly isRoot: boolean;
  readonly read: KeyRanges;
  readonly write: KeyRanges;
}

export class PermissionCache {
  private readonly records: AuthRecords;
  /** As many as there are users at most. */
  private readonly byUser = new Map<string, UserPermissions>();

  constructor(records: AuthRecords) {
    this.records = records;
  }

  /** @returns undefined when there is no such user */
  of(username: string): UserPermissions | undefined {
    const known = this.byUser.get(username);
    if (known !== undefined) return known;
    const user = this.records.user(username);
    if (user === undefined) return undefined;
    const permissions = this.merge(user.roles);
    this.byUser.set(username, permissions);
    return permissions;
  }

  /** Users or roles have changed. */
  clear(): void {
    this.byUser.clear();
  }

  /** A role that is granted but does not exist gives nothing, save the root role, which needs no record. */
  private merge(roles: readonly string[]): UserPermissions {
    const all = roles.flatMap((role) => this.records.role(role) ?? []);
    return {
      isRoot: roles.includes(rootName),
      read: rangesOf(all, Permission_Type.READ),
      write: rangesOf(all, Permission_Type.WRITE),
    };
  }
}

function rangesOf(permissions: readonly Permission[], type: Permission_Type): KeyRanges {
  const granting = permissions.filter(({ permType }) => permType === type || permType === Permission_Type.READWRITE);
  return new KeyRanges(granting.map(({ key, range_end }) => intervalOf(key, range_end)));
}
