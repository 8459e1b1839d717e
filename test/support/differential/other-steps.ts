/** Requests for leases, alarms, users, roles and permissions: few names, so that they meet, and wrong ones. */
import fc from 'fast-check';
import { Permission } from '../../../server/proto/gen/auth.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  ClusterService,
  LeaseService,
  MaintenanceService,
} from '../../../server/proto/gen/rpc.ts';
import type { MethodDefinition } from '../../../server/proto/wire.ts';
import { leaseIds, oneIn, weighted } from './kv-steps.ts';
import { bytes, type Step, step } from './step.ts';

type Caller = fc.Arbitrary<string | undefined>;

const user = weighted<string>([30, fc.constantFrom('root', 'u', 'v')], [1, fc.constantFrom('', 'nobody')]);
const role = weighted<string>([30, fc.constantFrom('root', 'r', 's')], [1, fc.constantFrom('', 'none')]);
const password = weighted<string>([20, fc.constantFrom('p', 'q')], [1, fc.constantFrom('', 'x'.repeat(73))]);
const permission = fc
  .record({
    permType: weighted([20, fc.constantFrom(0, 1, 2)], [1, fc.constant(7)]) as fc.Arbitrary<Permission['permType']>,
    ...permissionRange(),
  })
  .map((fields) => Permission.create(fields));

function permissionRange(): { key: fc.Arbitrary<Buffer>; range_end: fc.Arbitrary<Buffer> } {
  return {
    key: weighted([20, fc.constantFrom('a', 'a/', 'b', '\0')], [1, fc.constant('')]).map(bytes),
    range_end: weighted([3, fc.constant('')], [3, fc.constantFrom('a0', 'b', '\0', 'c')], [1, fc.constant('A')]).map(
      bytes,
    ),
  };
}

/** A method with the fields of its request. */
function ask<Q>(
  as: Caller,
  method: MethodDefinition<Q, unknown>,
  fields: { [Name in keyof Q]?: fc.Arbitrary<Q[Name]> },
): fc.Arbitrary<Step> {
  const request = fc.record(fields as Record<string, fc.Arbitrary<unknown>>) as fc.Arbitrary<Partial<Q>>;
  return fc.tuple(request, as).map(([made, who]) => step(method, made, who));
}

/** Leases live longer than any run, save those that are asked for wrongly. */
export function leaseSteps(as: Caller): [number, fc.Arbitrary<Step>][] {
  const ID = weighted<bigint>([20, fc.constantFrom(...leaseIds)], [1, fc.constant(99n)]);
  const TTL = fc.constantFrom(1000, 1_000_000, 9_000_000_000, 9_000_000_001, Number.MAX_SAFE_INTEGER);
  return [
    [6, ask(as, LeaseService.LeaseGrant, { ID: fc.constantFrom(...leaseIds), TTL })],
    [2, ask(as, LeaseService.LeaseRevoke, { ID })],
    [3, ask(as, LeaseService.LeaseTimeToLive, { ID, keys: oneIn(2) })],
    [1, ask(as, LeaseService.LeaseLeases, {})],
    [1, ask(as, LeaseService.LeaseKeepAlive, { ID })],
  ];
}

/** CORRUPT stays out: clearing one type makes upstream forget the other. */
export function alarmSteps(as: Caller): [number, fc.Arbitrary<Step>][] {
  const { GET, ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction;
  const action = fc.constantFrom(GET, ACTIVATE, DEACTIVATE, DEACTIVATE, DEACTIVATE);
  const alarm = fc.constantFrom(AlarmType.NOSPACE, AlarmType.NOSPACE, AlarmType.NONE);
  return [
    [2, ask(as, MaintenanceService.Alarm, { action, alarm, memberID: fc.constantFrom(5n, 6n) })],
    [1, ask(as, ClusterService.MemberList, { linearizable: oneIn(2) })],
  ];
}

/**
 * Users without a password are left out: upstream tells them apart from deleted ones only when its database has been
 * written, up to 100 ms later.
 */
export function authSteps(as: Caller): [number, fc.Arbitrary<Step>][] {
  const { key, range_end } = permissionRange();
  return [
    [2, ask(as, AuthService.AuthEnable, {})],
    [1, ask(as, AuthService.AuthDisable, {})],
    [1, ask(as, AuthService.AuthStatus, {})],
    [2, ask(fc.constant(undefined), AuthService.Authenticate, { name: user, password })],
    [3, ask(as, AuthService.UserAdd, { name: fc.constantFrom('u', 'v', 'w', ''), password })],
    [2, ask(as, AuthService.UserAdd, { name: fc.constant('root'), password: fc.constantFrom('p', 'q') })],
    [1, ask(as, AuthService.UserDelete, { name: user })],
    [1, ask(as, AuthService.UserGet, { name: user })],
    [1, ask(as, AuthService.UserList, {})],
    [1, ask(as, AuthService.UserChangePassword, { name: fc.constantFrom('u', 'v', 'nobody'), password })],
    // Never an empty one: with that nobody can log in, nor turn authentication off.
    [1, ask(as, AuthService.UserChangePassword, { name: fc.constant('root'), password: fc.constantFrom('p', 'q') })],
    [4, ask(as, AuthService.UserGrantRole, { user, role })],
    [1, ask(as, AuthService.UserRevokeRole, { name: user, role })],
    [3, ask(as, AuthService.RoleAdd, { name: role })],
    [1, ask(as, AuthService.RoleDelete, { role })],
    [1, ask(as, AuthService.RoleGet, { role })],
    [1, ask(as, AuthService.RoleList, {})],
    [5, ask(as, AuthService.RoleGrantPermission, { name: role, perm: permission })],
    [2, ask(as, AuthService.RoleRevokePermission, { role, key, range_end })],
  ];
}

/** What turns authentication on with a user of each kind: chance alone would seldom get there. */
export const securing: readonly Step[] = [
  step(AuthService.UserAdd, { name: 'root', password: 'p' }, 'root'),
  step(AuthService.UserGrantRole, { user: 'root', role: 'root' }, 'root'),
  step(AuthService.UserAdd, { name: 'u', password: 'p' }, 'root'),
  step(AuthService.RoleAdd, { name: 'r' }, 'root'),
  step(
    AuthService.RoleGrantPermission,
    { name: 'r', perm: Permission.create({ permType: 2, key: bytes('a'), range_end: bytes('b') }) },
    'root',
  ),
  step(AuthService.UserGrantRole, { user: 'u', role: 'r' }, 'root'),
  step(AuthService.AuthEnable, {}, 'root'),
];
