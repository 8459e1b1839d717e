import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryBackend } from '../backend/testing/memory-backend.ts';
import { EtcdError } from '../errors/etcd-error.ts';
import { Permission, Permission_Type, UserAddOptions } from '../proto/gen/auth.ts';
import {
  AuthRoleGrantPermissionRequest,
  AuthRoleRevokePermissionRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
} from '../proto/gen/rpc.ts';
import { type Asker, requireCurrent, requireRead, requireRoot, requireWrite } from './authorizer.ts';
import { AuthStore } from './store.ts';
import { SimpleTokens } from './tokens.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const prefix = 'p'.repeat(16);

let backend: MemoryBackend;
let tokens: SimpleTokens;
let store: AuthStore;

beforeEach(() => {
  backend = new MemoryBackend();
  tokens = new SimpleTokens(1000, () => 0);
  store = open();
});

function open(): AuthStore {
  const opened = new AuthStore({ backend, tokens, hashNow: (password) => `hash of ${password}` });
  opened.restore();
  return opened;
}

function add(name: string, hash = 'hash', more: Partial<AuthUserAddRequest> = {}): void {
  store.addUser(AuthUserAddRequest.create({ name, hashedPassword: bytes(hash).toString('base64'), ...more }));
}

function grant(name: string, permType: Permission_Type, key: string, end = ''): void {
  const perm = Permission.create({ permType, key: bytes(key), range_end: bytes(end) });
  store.grantPermission(AuthRoleGrantPermissionRequest.create({ name, perm }));
}

function revoke(role: string, key: string, end = ''): void {
  store.revokePermission(AuthRoleRevokePermissionRequest.create({ role, key: bytes(key), range_end: bytes(end) }));
}

/** Root with its role, and user `u` with role `r`. */
function fill(): void {
  add('root');
  store.grantRole('root', 'root');
  add('u');
  store.addRole('r');
  store.grantRole('u', 'r');
}

/** The text with which `act` refuses; it must leave the revision as it is. */
function refusal(act: () => unknown): string | undefined {
  const { revision } = store;
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    expect(store.revision).toBe(revision);
    return error.message.replace('etcdserver: ', '');
  }
}

const permissionsOf = (role: string): string[] =>
  store
    .permissionsOfRole(role)
    .map(({ permType, key, range_end }) => `${permType} ${Buffer.from(key)} ${Buffer.from(range_end)}`);

describe('users and roles', () => {
  test('are what was put, in upstream’s bytes', () => {
    fill();
    grant('r', Permission_Type.READ, 'a', 'b');
    const hex = (bucket: 'auth' | 'authUsers' | 'authRoles', key: string): string | undefined => {
      const value = backend.get(bucket, bytes(key));
      return value && Buffer.from(value).toString('hex');
    };
    expect(hex('auth', 'authRevision')).toBe('0000000000000007');
    expect(hex('auth', 'authEnabled')).toBeUndefined();
    // name, password, roles, and options as an empty message (contract: disk-and-peer §5).
    expect(hex('authUsers', 'u')).toBe('0a0175120468617368' + '1a01722200');
    expect(hex('authRoles', 'r')).toBe('0a0172' + '1206120161' + '1a0162');
    expect(store.userNames()).toEqual(['root', 'u']);
    expect(store.roleNames()).toEqual(['r']);
    store.enable();
    expect(hex('auth', 'authEnabled')).toBe('01');
    store.disable();
    expect(hex('auth', 'authEnabled')).toBe('00');
  });

  test('survive a restart', () => {
    fill();
    grant('r', Permission_Type.WRITE, 'a');
    store.enable();
    const { revision } = store;
    store = open();
    expect([store.enabled, store.revision, store.rolesOf('u'), permissionsOf('r')]).toEqual([
      ...[true, revision, ['r'], ['1 a ']],
    ]);
  });

  test('raise the revision with each change, and with nothing else', () => {
    expect(store.revision).toBe(1);
    fill();
    expect(store.revision).toBe(6);
    store.grantRole('u', 'r');
    store.disable();
    store.enable();
    store.enable();
    expect(store.revision).toBe(6);
    store.disable();
    expect(store.revision).toBe(7);
  });

  test.each([
    ['user name is empty', () => add('')],
    ['user name already exists', () => add('u')],
    ['user name not found', () => store.deleteUser('none')],
    ['user name not found', () => store.grantRole('none', 'none')],
    ['role name not found', () => store.grantRole('u', 'none')],
    ['user name not found', () => store.revokeRole('none', 'r')],
    ['role is not granted to the user', () => store.revokeRole('u', 'none')],
    ['user name not found', () => store.rolesOf('none')],
    ['user name not found', () => store.changePassword(AuthUserChangePasswordRequest.create({ name: 'none' }))],
    ['role name is empty', () => store.addRole('')],
    ['role name already exists', () => store.addRole('r')],
    ['role name not found', () => store.deleteRole('none')],
    ['role name not found', () => store.permissionsOfRole('none')],
    ['role name not found', () => grant('none', Permission_Type.READ, 'a')],
    ['permission not given', () => store.grantPermission(AuthRoleGrantPermissionRequest.create({ name: 'none' }))],
    ['invalid auth management', () => grant('none', Permission_Type.READ, '')],
    ['invalid auth management', () => grant('r', Permission_Type.READ, 'b', 'a')],
    ['invalid auth management', () => grant('r', Permission_Type.READ, 'b', 'b')],
    ['permission is not granted to the role', () => revoke('r', 'a')],
    ['role name not found', () => revoke('none', 'a')],
  ])('refuse what cannot be: %s (%#)', (text, act) => {
    fill();
    expect(refusal(act)).toBe(text);
  });

  test('cannot lose root while they count', () => {
    fill();
    store.addRole('root');
    store.enable();
    const acts = [
      ...[() => store.deleteUser('root'), () => store.deleteRole('root'), () => store.revokeRole('root', 'root')],
    ];
    expect(acts.map(refusal)).toEqual(acts.map(() => 'invalid auth management'));
    store.disable();
    expect(acts.toReversed().map(refusal)).toEqual(acts.map(() => undefined));
  });

  test('count only when someone could say otherwise', () => {
    expect(refusal(() => store.enable())).toBe('root user does not exist');
    add('root');
    expect(refusal(() => store.enable())).toBe('root user does not have root role');
    store.grantRole('root', 'root');
    expect(refusal(() => store.enable())).toBeUndefined();
    expect(store.enabled).toBe(true);
  });

  test('a role that is deleted is taken from all who have it', () => {
    fill();
    add('v');
    store.addRole('s');
    for (const role of ['s', 'r']) store.grantRole('v', role);
    expect(store.rolesOf('v')).toEqual(['r', 's']);
    store.deleteRole('r');
    expect([store.rolesOf('u'), store.rolesOf('v')]).toEqual([[], ['s']]);
  });

  test('a permission on the same range is replaced; others stand in the order of their keys', () => {
    fill();
    grant('r', Permission_Type.READ, 'b');
    grant('r', Permission_Type.READ, 'a', 'c');
    grant('r', Permission_Type.READWRITE, 'b');
    expect(permissionsOf('r')).toEqual(['0 a c', '2 b ']);
    revoke('r', 'a', 'c');
    expect(permissionsOf('r')).toEqual(['2 b ']);
  });
});

describe('passwords', () => {
  test('come hashed; one that an older etcd has logged as it is is hashed now', () => {
    add('u', '', { password: 'secret' });
    expect(Buffer.from(store.user('u')?.password ?? []).toString()).toBe('hash of secret');
    add('v', 'h');
    expect(Buffer.from(store.user('v')?.password ?? []).toString()).toBe('h');
  });

  test('that cannot be read are refused', () => {
    const text = 'auth: authentication failed, password was given for no password user';
    expect(refusal(() => add('u', '', { hashedPassword: '!!!' }))).toBe(text);
    add('u');
    const change = { name: 'u', hashedPassword: 'YQ' };
    expect(refusal(() => store.changePassword(AuthUserChangePasswordRequest.create(change)))).toBe(text);
  });

  test('are not kept for a user that is to have none', () => {
    add('u', 'h', { options: UserAddOptions.create({ no_password: true }) });
    store.changePassword(AuthUserChangePasswordRequest.create({ name: 'u', hashedPassword: 'aA==' }));
    expect(store.user('u')?.password).toHaveLength(0);
    add('root');
    store.grantRole('root', 'root');
    store.enable();
    expect(refusal(() => store.authenticate('u', prefix, 1))).toBe(
      'authentication failed, invalid user ID or password',
    );
  });

  test('that change, and users that go, take their tokens along and nobody else’s', () => {
    fill();
    store.enable();
    const [root, u] = [store.authenticate('root', prefix, 1), store.authenticate('u', prefix, 2)];
    expect([root, u]).toEqual([`${prefix}.1`, `${prefix}.2`]);
    store.grantRole('u', 'root');
    expect(tokens.find(u, 9)).toEqual({ username: 'u', revision: 9 });
    store.changePassword(AuthUserChangePasswordRequest.create({ name: 'u' }));
    expect(tokens.find(u, 9)).toBeUndefined();
    const again = store.authenticate('u', prefix, 3);
    store.deleteUser('u');
    expect(tokens.find(again, 9)).toBeUndefined();
    expect(tokens.find(root, 9)).toEqual({ username: 'root', revision: 9 });
    store.disable();
    expect(tokens.find(root, 9)).toBeUndefined();
    expect(refusal(() => store.authenticate('root', prefix, 4))).toBe('authentication is not enabled');
  });
});

describe('permission', () => {
  const asker = (username: string, revision = store.revision): Asker => ({ username, revision });

  test('is not asked for while authentication is off', () => {
    requireRoot(store, undefined);
    requireWrite(store, undefined, bytes('a'));
  });

  test('is what the roles give, from the moment on that they give it until they do not', () => {
    fill();
    store.enable();
    const read = () => requireRead(store, asker('u'), bytes('a'));
    const write = () => requireWrite(store, asker('u'), bytes('a'));
    expect([refusal(read), refusal(write)]).toEqual(['permission denied', 'permission denied']);
    grant('r', Permission_Type.READ, 'a');
    expect([refusal(read), refusal(write)]).toEqual([undefined, 'permission denied']);
    grant('r', Permission_Type.WRITE, 'a');
    expect([refusal(read), refusal(write)]).toEqual(['permission denied', undefined]);
    grant('r', Permission_Type.READWRITE, 'a');
    expect([refusal(read), refusal(write)]).toEqual([undefined, undefined]);
    store.revokeRole('u', 'r');
    expect([refusal(read), refusal(write)]).toEqual(['permission denied', 'permission denied']);
  });

  test('adds up over roles', () => {
    fill();
    store.addRole('s');
    store.grantRole('u', 's');
    grant('r', Permission_Type.READ, 'a', 'b');
    grant('s', Permission_Type.READ, 'b', 'c');
    store.enable();
    expect(refusal(() => requireRead(store, asker('u'), bytes('a'), bytes('c')))).toBeUndefined();
    expect(refusal(() => requireRead(store, asker('u'), bytes('a'), bytes('c\0')))).toBe('permission denied');
  });

  test('is root’s for everything, by the role and not by the name', () => {
    fill();
    add('admin');
    store.grantRole('admin', 'root');
    store.enable();
    for (const name of ['root', 'admin']) {
      requireRoot(store, asker(name));
      requireWrite(store, asker(name), bytes('a'), bytes('\0'));
    }
    expect(refusal(() => requireRoot(store, asker('u')))).toBe('permission denied');
    expect(refusal(() => requireRoot(store, asker('gone')))).toBe('user name not found');
    expect(refusal(() => requireRead(store, asker('gone'), bytes('a')))).toBe('permission denied');
    expect(refusal(() => requireRoot(store, undefined))).toBe('user name is empty');
  });

  test('is to be asked for anew after each change, also for no key at all', () => {
    fill();
    store.enable();
    const before = asker('u');
    expect(refusal(() => requireCurrent(store, before))).toBeUndefined();
    store.addRole('s');
    expect(refusal(() => requireCurrent(store, before))).toBe('revision of auth store is old');
    expect(refusal(() => requireCurrent(store, undefined))).toBeUndefined();
  });

  test('needs someone who asks, and who was recognised since the last change', () => {
    fill();
    store.enable();
    const { revision } = store;
    store.addRole('s');
    expect(refusal(() => requireRead(store, undefined, bytes('a')))).toBe('user name is empty');
    expect(refusal(() => requireRead(store, asker('', 0), bytes('a')))).toBe('user name is empty');
    expect(refusal(() => requireRead(store, asker('root', revision), bytes('a')))).toBe(
      'revision of auth store is old',
    );
    expect(refusal(() => requireRead(store, asker('gone'), bytes('a')))).toBe('permission denied');
  });
});
