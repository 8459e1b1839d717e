/** Users, roles and whether they count: what the log says of them (contract: api.md §2.7, disk-and-peer §5). */
import type { Backend } from '../backend/backend.ts';
import {
  errAuthFailed,
  errAuthNotEnabled,
  errInvalidAuthManagement,
  errNoPasswordUser,
  errPermissionNotGiven,
  errPermissionNotGranted,
  errRoleAlreadyExist,
  errRoleEmpty,
  errRoleNotFound,
  errRoleNotGranted,
  errRootRoleNotExist,
  errRootUserNotExist,
  errUserAlreadyExist,
  errUserEmpty,
  errUserNotFound,
} from '../errors/etcd-error.ts';
import { type Permission, UserAddOptions } from '../proto/gen/auth.ts';
import type {
  AuthRoleGrantPermissionRequest,
  AuthRoleRevokePermissionRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
} from '../proto/gen/rpc.ts';
import { type AuthInfo, rootName } from './auth-info.ts';
import { isOpenEnd } from './key-ranges.ts';
import { AuthRecords, type Permissions, type UserRecord } from './records.ts';
import type { TokenProvider } from './tokens.ts';
import { PermissionCache, type UserPermissions } from './user-permissions.ts';

export interface AuthStoreParts {
  readonly backend: Backend;
  readonly tokens: TokenProvider;
  /** Makes a bcrypt hash at once, for a password that an older etcd has put into the log as it is. */
  hashNow(password: string): string;
}

/**
 * Changes are made by the log only, and by every member alike: what they refuse, they refuse everywhere. Each that
 * changes something raises the auth revision, save switching on. Call `restore` first.
 */
export class AuthStore {
  private readonly records: AuthRecords;
  private readonly tokens: TokenProvider;
  private readonly permissions: PermissionCache;
  private readonly hashNow: (password: string) => string;

  constructor({ backend, tokens, hashNow }: AuthStoreParts) {
    this.records = new AuthRecords(backend);
    this.permissions = new PermissionCache(this.records);
    this.tokens = tokens;
    this.hashNow = hashNow;
  }

  /** Takes over what the backend holds. @throws Error naming the record that is damaged */
  restore(): void {
    this.records.restore();
    if (this.records.revision === 0) this.records.revision = 1;
    if (this.enabled) this.tokens.enable();
    else this.tokens.disable();
  }

  get enabled(): boolean {
    return this.records.enabled;
  }

  get revision(): number {
    return this.records.revision;
  }

  /** What a user may do; undefined when there is no such user. */
  permissionsOf(username: string): UserPermissions | undefined {
    return this.permissions.of(username);
  }

  user(name: string): UserRecord | undefined {
    return this.records.user(name);
  }

  hasRole(username: string, role: string): boolean {
    return this.records.user(username)?.roles.includes(role) ?? false;
  }

  /** What goes into the log with a login; see `TokenProvider`. */
  newTokenPrefix(): string {
    return this.tokens.newPrefix();
  }

  /** The entry that must be applied before a token can be known here; undefined when it is no token. */
  tokenKnownFrom(token: string): number | undefined {
    return this.tokens.knownFrom(token);
  }

  userOfToken(token: string): AuthInfo | undefined {
    return this.tokens.find(token, this.revision);
  }

  /** @throws EtcdError when nobody could switch it off again */
  enable(): void {
    if (this.enabled) return;
    const root = this.records.user(rootName);
    if (root === undefined) throw errRootUserNotExist();
    if (!root.roles.includes(rootName)) throw errRootRoleNotExist();
    this.records.enabled = true;
    this.tokens.enable();
  }

  disable(): void {
    if (!this.enabled) return;
    this.records.enabled = false;
    this.tokens.disable();
    this.changed();
  }

  /**
   * Gives a token to a user whose password was found right before the request was logged.
   *
   * @param index of the last entry that was applied before this one: the same on every member
   */
  authenticate(name: string, tokenPrefix: string, index: number): string {
    if (!this.enabled) throw errAuthNotEnabled();
    const user = this.records.user(name);
    if (user === undefined || isWithoutPassword(user)) throw errAuthFailed();
    return this.tokens.assign(name, this.revision, tokenPrefix, index);
  }

  addUser(request: AuthUserAddRequest): void {
    const { name, options = UserAddOptions.create() } = request;
    if (name === '') throw errUserEmpty();
    if (this.records.user(name) !== undefined) throw errUserAlreadyExist();
    const password = options.no_password ? new Uint8Array(0) : this.hashOf(request);
    this.records.putUser(name, { password, roles: [], options });
    this.changed();
  }

  /** @throws EtcdError when there is no such user, or it is the one that must stay */
  deleteUser(name: string): void {
    if (this.enabled && name === rootName) throw errInvalidAuthManagement();
    this.userNamed(name);
    this.records.deleteUser(name);
    this.changed();
    this.tokens.invalidateUser(name);
  }

  changePassword(request: AuthUserChangePasswordRequest): void {
    const { name } = request;
    const user = this.userNamed(name);
    const password = isWithoutPassword(user) ? new Uint8Array(0) : this.hashOf(request);
    this.records.putUser(name, { ...user, password });
    this.changed();
    this.tokens.invalidateUser(name);
  }

  /** The root role can be granted without being there. A role that the user has already changes nothing. */
  grantRole(username: string, role: string): void {
    const user = this.userNamed(username);
    if (role !== rootName) this.roleNamed(role);
    if (user.roles.includes(role)) return;
    this.records.putUser(username, { ...user, roles: inByteOrder([...user.roles, role]) });
    this.changed();
  }

  revokeRole(username: string, role: string): void {
    if (this.enabled && username === rootName && role === rootName) throw errInvalidAuthManagement();
    const user = this.userNamed(username);
    if (!user.roles.includes(role)) throw errRoleNotGranted();
    this.records.putUser(username, { ...user, roles: user.roles.filter((each) => each !== role) });
    this.changed();
  }

  rolesOf(username: string): readonly string[] {
    return this.userNamed(username).roles;
  }

  userNames(): string[] {
    return this.records.userNames();
  }

  addRole(name: string): void {
    if (name === '') throw errRoleEmpty();
    if (this.records.role(name) !== undefined) throw errRoleAlreadyExist();
    this.records.putRole(name, []);
    this.changed();
  }

  /** Takes a role from all who have it. */
  deleteRole(name: string): void {
    if (this.enabled && name === rootName) throw errInvalidAuthManagement();
    this.roleNamed(name);
    this.records.deleteRole(name);
    for (const username of this.records.userNames()) {
      const user = this.userNamed(username);
      if (!user.roles.includes(name)) continue;
      this.records.putUser(username, { ...user, roles: user.roles.filter((each) => each !== name) });
    }
    this.changed();
  }

  permissionsOfRole(name: string): Permissions {
    return this.roleNamed(name);
  }

  roleNames(): string[] {
    return this.records.roleNames();
  }

  /**
   * A permission on the same key and range_end is replaced; see `indexOfSame` for where that is looked for. Those with
   * one key keep the order in which they were granted, as upstream's do in a role of up to twelve; from the thirteenth
   * permission on its sort may move them, which ours does not imitate.
   */
  grantPermission({ name, perm }: AuthRoleGrantPermissionRequest): void {
    if (perm === undefined) throw errPermissionNotGiven();
    if (!isValidRange(perm)) throw errInvalidAuthManagement();
    const granted = this.roleNamed(name);
    const { permType } = perm;
    // Copies: a request's bytes lie within the log entry, which would be kept whole for them.
    const added = { permType, key: Uint8Array.from(perm.key), range_end: Uint8Array.from(perm.range_end) };
    const same = indexOfSame(granted, added);
    const permissions =
      same === undefined
        ? [...granted, added].sort((a, b) => Buffer.compare(a.key, b.key))
        : granted.with(same, { ...(granted[same] as Permission), permType });
    this.records.putRole(name, permissions);
    this.changed();
  }

  revokePermission({ role, key, range_end }: AuthRoleRevokePermissionRequest): void {
    const granted = this.roleNamed(role);
    const rest = granted.filter((each) => !isEqual(each.key, key) || !isEqual(each.range_end, range_end));
    if (rest.length === granted.length) throw errPermissionNotGranted();
    this.records.putRole(role, rest);
    this.changed();
  }

  private changed(): void {
    this.permissions.clear();
    this.records.revision++;
  }

  private userNamed(name: string): UserRecord {
    const user = this.records.user(name);
    if (user === undefined) throw errUserNotFound();
    return user;
  }

  private roleNamed(name: string): Permissions {
    const role = this.records.role(name);
    if (role === undefined) throw errRoleNotFound();
    return role;
  }

  /** The bytes of the bcrypt hash. @throws EtcdError when the request carries none that can be read */
  private hashOf({ password, hashedPassword }: { password: string; hashedPassword: string }): Uint8Array {
    if (password !== '' && hashedPassword === '') return Buffer.from(this.hashNow(password));
    const hash = hashedPassword.replaceAll(/[\r\n]/g, '');
    if (!base64.test(hash)) throw errNoPasswordUser();
    return Buffer.from(hash, 'base64');
  }
}

/** RFC 4648 §4 with its padding, as Go reads it once line ends are gone. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Users of before 3.4 have no options. */
export function isWithoutPassword(user: UserRecord): boolean {
  return user.options?.no_password === true;
}

/** An empty `range_end` is the key alone, one zero byte has no end; any other must lie behind the key. */
function isValidRange({ key, range_end }: Permission): boolean {
  if (key.length === 0) return false;
  return range_end.length === 0 || isOpenEnd(range_end) || Buffer.compare(key, range_end) < 0;
}

/**
 * The permission that a new one replaces. Only the first with its key is looked at, as upstream does: of several
 * ranges that begin alike, the others are added again, which keeps the buckets equal wherever the order is.
 */
function indexOfSame(granted: Permissions, { key, range_end }: Permission): number | undefined {
  const first = granted.findIndex((each) => Buffer.compare(each.key, key) >= 0);
  const found = granted[first];
  return found !== undefined && isEqual(found.key, key) && isEqual(found.range_end, range_end) ? first : undefined;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function inByteOrder(names: readonly string[]): string[] {
  return [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
