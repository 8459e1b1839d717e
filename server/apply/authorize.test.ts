import { beforeEach, describe, expect, test } from 'vitest';
import { Permission, Permission_Type } from '../proto/gen/auth.ts';
import type { InternalRaftRequest } from '../proto/gen/raft_internal.ts';
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthDisableRequest,
  AuthEnableRequest,
  type AuthenticateResponse,
  AuthRoleAddRequest,
  AuthRoleGetRequest,
  AuthRoleGrantPermissionRequest,
  AuthStatusRequest,
  type AuthStatusResponse,
  AuthUserAddRequest,
  AuthUserGetRequest,
  AuthUserGrantRoleRequest,
  AuthUserListRequest,
  CompactionRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
} from '../proto/gen/rpc.ts';
import { bytes, compare, deletion, Machine, op, put, range, txn } from './testing/machine.ts';

type Request = Partial<InternalRaftRequest>;

let m: Machine;

/** Lease 7 has a key of `u`, lease 8 one that `u` may not write. */
beforeEach(() => {
  m = new Machine();
  for (const name of ['root', 'u']) m.succeed({ auth_user_add: AuthUserAddRequest.create({ name, password: name }) });
  m.succeed({ auth_user_grant_role: AuthUserGrantRoleRequest.create({ user: 'root', role: 'root' }) });
  m.succeed({ auth_role_add: AuthRoleAddRequest.create({ name: 'r' }) });
  permit(Permission_Type.READWRITE, 'a', 'b');
  permit(Permission_Type.READ, 'read');
  permit(Permission_Type.WRITE, 'write');
  m.succeed({ auth_user_grant_role: AuthUserGrantRoleRequest.create({ user: 'u', role: 'r' }) });
  m.succeed({ lease_grant: LeaseGrantRequest.create({ ID: 8n, TTL: 100 }) });
  m.put('a', '1', { lease: 7n });
  m.put('z', '1', { lease: 8n });
  m.succeed({ auth_enable: AuthEnableRequest.create() });
});

function permit(permType: Permission_Type, key: string, end = ''): void {
  const perm = Permission.create({ permType, key: bytes(key), range_end: bytes(end) });
  m.succeed({ auth_role_grant_permission: AuthRoleGrantPermissionRequest.create({ name: 'r', perm }) });
}

/** The text with which a request of a user is refused, recognised at an auth revision; undefined when it is done. */
function refusal(username: string, request: Request, auth_revision = m.auth.revision): string | undefined {
  const { error } = m.apply({ ...request, header: { ID: 1n, username, auth_revision } });
  return error?.message.replace('etcdserver: ', '');
}

const denied = 'permission denied';

describe('a request of the log is done for who may', () => {
  test.each<[string, Request, string | undefined]>([
    ['put', { put: put('a') }, undefined],
    ['put elsewhere', { put: put('z') }, denied],
    ['put that tells what was', { put: put('write', '', { prev_kv: true }) }, denied],
    ['put without a look', { put: put('write') }, undefined],
    ['put with an own lease', { put: put('a', '', { lease: 7n }) }, undefined],
    ['put with a lease of others', { put: put('a', '', { lease: 8n }) }, denied],
    ['put with a lease that is not there', { put: put('a', '', { lease: 9n }) }, 'requested lease not found'],
    ['range', { range: range('a', 'b') }, undefined],
    ['range of more', { range: range('a', 'b\0') }, denied],
    ['range of what may be written only', { range: range('write') }, denied],
    ['deletion', { delete_range: deletion('a', 'b') }, undefined],
    ['deletion of what may be read only', { delete_range: deletion('read') }, denied],
    ['deletion that tells what was', { delete_range: deletion('write', '', { prev_kv: true }) }, denied],
    ['end of an own lease', { lease_revoke: LeaseRevokeRequest.create({ ID: 7n }) }, undefined],
    ['end of a lease of others', { lease_revoke: LeaseRevokeRequest.create({ ID: 8n }) }, denied],
    ['txn', { txn: txn([op.put('a')], [op.range('read')], [compare('a')]) }, undefined],
    ['txn with a branch that is not taken', { txn: txn([op.put('a')], [op.put('z')]) }, denied],
    ['txn with a condition', { txn: txn([op.put('a')], [], [compare('z')]) }, denied],
    ['txn in a txn', { txn: txn([op.txn([], [op.range('z')])]) }, denied],
    ['txn with a lease of others', { txn: txn([op.put('a', '', { lease: 8n })]) }, denied],
    ['empty txn', { txn: txn([]) }, undefined],
    ['look at oneself', { auth_user_get: AuthUserGetRequest.create({ name: 'u' }) }, undefined],
    ['look at others', { auth_user_get: AuthUserGetRequest.create({ name: 'root' }) }, denied],
    ['look at an own role', { auth_role_get: AuthRoleGetRequest.create({ role: 'r' }) }, undefined],
    ['look at another role', { auth_role_get: AuthRoleGetRequest.create({ role: 'root' }) }, denied],
    ['list of users', { auth_user_list: AuthUserListRequest.create() }, denied],
    ['switching off', { auth_disable: AuthDisableRequest.create() }, denied],
    ['auth status', { auth_status: AuthStatusRequest.create() }, denied],
  ])('%s', (title, request, expected) => {
    const before = m.store.currentRevision;
    expect(refusal('u', request)).toBe(expected);
    if (expected !== undefined) expect(m.store.currentRevision).toBe(before);
    expect(refusal('', request, 0) === undefined).toBe(title === 'empty txn');
    expect(refusal('root', request)).not.toBe(denied);
  });
});

test('what members send themselves needs no user', () => {
  const nobodys: Request[] = [
    { alarm: AlarmRequest.create() },
    { compaction: CompactionRequest.create({ revision: 2 }) },
    { lease_grant: LeaseGrantRequest.create({ ID: 9n, TTL: 5 }) },
  ];
  for (const request of nobodys) expect(m.apply(request).error).toBeUndefined();
});

test('a request that was proposed before users changed is refused on every member alike', () => {
  const { revision } = m.auth;
  m.apply({
    header: { ID: 1n, username: 'root', auth_revision: revision },
    auth_role_add: AuthRoleAddRequest.create({ name: 's' }),
  });
  for (const user of ['u', 'root']) {
    expect(refusal(user, { put: put('a') }, revision)).toBe('revision of auth store is old');
    expect(refusal(user, { put: put('a') })).toBeUndefined();
  }
});

test('root ends a lease though users have changed meanwhile: what has expired must go', () => {
  expect(refusal('root', { lease_revoke: LeaseRevokeRequest.create({ ID: 8n }) }, m.auth.revision - 1)).toBeUndefined();
  expect(m.value('z')).toBeUndefined();
});

test('a login gets its token from the index before it, and is told the revision of the store', () => {
  m.appliedIndex = 41;
  const simple_token = 'x'.repeat(16);
  const { response } = m.apply({ authenticate: { name: 'u', password: '', simple_token } });
  const { token, header } = response as AuthenticateResponse;
  expect([token, header?.revision]).toEqual([`${simple_token}.41`, m.store.currentRevision]);
  expect(m.auth.userOfToken(token)).toEqual({ username: 'u', revision: m.auth.revision });
});

test('who asks for the status is told it', () => {
  const { response } = m.apply({
    header: { ID: 1n, username: 'root', auth_revision: m.auth.revision },
    auth_status: AuthStatusRequest.create(),
  });
  expect(response as AuthStatusResponse).toMatchObject({ enabled: true, authRevision: m.auth.revision });
});

describe('a transaction that is checked before it comes into the log', () => {
  const check = (username: string, request: Parameters<Machine['txn']>[0]): string | undefined => {
    const revision = m.store.currentRevision;
    try {
      m.applier.checkTxn(request, { username, revision: m.auth.revision });
      return undefined;
    } catch (error) {
      return (error as Error).message.replace('etcdserver: ', '');
    } finally {
      expect(m.store.currentRevision).toBe(revision);
    }
  };

  test('may read what it reads', () => {
    expect(check('u', txn([op.put('a'), op.range('read')]))).toBeUndefined();
    expect(check('u', txn([op.put('a'), op.range('z')]))).toBe(denied);
    expect(check('u', txn([op.put('a')], [op.range('z')]))).toBe(denied);
  });

  test('reads no revision that is not there, on the branch that it takes', () => {
    const later = op.range('a', '', { revision: 99 });
    expect(check('root', txn([op.put('a'), later]))).toBe('mvcc: required revision is a future revision');
    expect(check('root', txn([op.put('a')], [later]))).toBeUndefined();
    expect(check('root', txn([op.put('a'), op.range('a', '', { revision: -2 })]))).toBe(
      'mvcc: required revision has been compacted',
    );
  });

  test('is left to whoever applies it while an alarm is up, for then nobody carries it out', () => {
    const { ACTIVATE } = AlarmRequest_AlarmAction;
    m.succeed({ alarm: AlarmRequest.create({ action: ACTIVATE, memberID: 5n, alarm: AlarmType.NOSPACE }) });
    expect(check('u', txn([op.put('a'), op.range('z')]))).toBeUndefined();
  });
});
