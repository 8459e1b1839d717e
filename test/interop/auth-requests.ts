/** Requests of every kind, by which the auth suites ask who may do what. */
import { Permission, Permission_Type, UserAddOptions } from '../../server/proto/gen/auth.ts';
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthService,
  ClusterService,
  Compare,
  DeleteRangeRequest,
  KVService,
  LeaseService,
  MaintenanceService,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
  WatchCreateRequest,
  WatchService,
} from '../../server/proto/gen/rpc.ts';
import type { MethodDefinition } from '../../server/proto/wire.ts';

/** One call, with what of its answer is the same on every member. */
export interface Probe {
  readonly title: string;
  readonly method: MethodDefinition<unknown, unknown>;
  readonly request: unknown;
  /** Whether success is all that can be compared. */
  readonly isOpaque: boolean;
}

export const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Fields that are not given are as a message has them, so that every request can be encoded. */
function probe(title: string, method: unknown, request: object, isOpaque = false): Probe {
  const definition = method as MethodDefinition<unknown, unknown>;
  const complete = { ...(definition.request.create() as object), ...request };
  return { title, method: definition, request: complete, isOpaque };
}

const range = (key: string, end = '') =>
  RequestOp.create({ request_range: RangeRequest.create({ key: bytes(key), range_end: bytes(end) }) });
const put = (key: string, more: Partial<PutRequest> = {}) =>
  RequestOp.create({ request_put: PutRequest.create({ key: bytes(key), ...more }) });
const del = (key: string, more: Partial<DeleteRangeRequest> = {}) =>
  RequestOp.create({ request_delete_range: DeleteRangeRequest.create({ key: bytes(key), ...more }) });
const nested = (request: Partial<TxnRequest>) => RequestOp.create({ request_txn: TxnRequest.create(request) });
const compare = (key: string, end = '') => Compare.create({ key: bytes(key), range_end: bytes(end) });

/** The users and the role that the probes are made for; lease 1 has a key that `u` may write, lease 2 one that it may not. */
export const setUp: readonly Probe[] = [
  ...['a/1', 'z'].map((key) => probe(`put ${key}`, KVService.Put, { key: bytes(key), value: bytes('1') })),
  ...[1n, 2n, 3n].map((ID) => probe(`grant ${ID}`, LeaseService.LeaseGrant, { ID, TTL: 5000 })),
  probe('attach 1', KVService.Put, { key: bytes('a/l'), lease: 1n }),
  probe('attach 2', KVService.Put, { key: bytes('z/l'), lease: 2n }),
  probe('user root', AuthService.UserAdd, { name: 'root', password: 'r' }),
  probe('user u', AuthService.UserAdd, { name: 'u', password: 'u' }),
  probe('user without a password', AuthService.UserAdd, {
    name: 'np',
    password: 'x',
    options: UserAddOptions.create({ no_password: true }),
  }),
  probe('role r', AuthService.RoleAdd, { name: 'r' }),
  ...(
    [
      [Permission_Type.READWRITE, 'a/', 'a0'],
      [Permission_Type.READ, 'ro', ''],
      [Permission_Type.WRITE, 'wo', ''],
      [7 as Permission_Type, 'odd', ''],
    ] as const
  ).map(([permType, key, end]) =>
    probe(`permission on ${key}`, AuthService.RoleGrantPermission, {
      name: 'r',
      perm: Permission.create({ permType, key: bytes(key), range_end: bytes(end) }),
    }),
  ),
  probe('u has r', AuthService.UserGrantRole, { user: 'u', role: 'r' }),
  probe('enable too early', AuthService.AuthEnable, {}),
  probe('root has root', AuthService.UserGrantRole, { user: 'root', role: 'root' }),
  probe('enable', AuthService.AuthEnable, {}),
];

const kv: readonly Probe[] = [
  ...(
    [
      ['a/1', ''],
      ['a/', 'a0'],
      ['a/', 'a1'],
      ['z', ''],
      ['ro', ''],
      ['wo', ''],
      ['odd', ''],
      ['\0', '\0'],
      ['a/1', '\0'],
      ['a/5', 'a/1'],
      ['x', 'a'],
      ['', ''],
    ] as const
  ).flatMap(([key, end]) => {
    const request = { key: bytes(key), range_end: bytes(end) };
    return [
      probe(`range ${key} ${end}`, KVService.Range, request),
      probe(`serializable range ${key} ${end}`, KVService.Range, { ...request, serializable: true }),
    ];
  }),
  ...['a/1', 'z', 'wo', 'ro'].flatMap((key) => [
    probe(`put ${key}`, KVService.Put, { key: bytes(key) }),
    probe(`put ${key} telling what was`, KVService.Put, { key: bytes(key), prev_kv: true }),
    probe(`delete ${key}`, KVService.DeleteRange, { key: bytes(`${key}/none`) }),
  ]),
  ...[1n, 2n, 99n].map((lease) => probe(`put with lease ${lease}`, KVService.Put, { key: bytes('a/2'), lease })),
  probe('delete wo telling what was', KVService.DeleteRange, { key: bytes('wo'), prev_kv: true }),
  probe('delete a range', KVService.DeleteRange, { key: bytes('a/y'), range_end: bytes('a/z') }),
  probe('delete too much', KVService.DeleteRange, { key: bytes('a/y'), range_end: bytes('b') }),
  probe('compact', KVService.Compact, { revision: 2 }),
];

const txns: readonly Probe[] = (
  [
    ['empty', {}],
    ['of a read', { success: [range('a/1')] }],
    ['of a read not taken', { failure: [range('z')] }],
    ['of a put', { success: [put('a/1')] }],
    ['of a put not taken', { failure: [put('z')] }],
    ['of a put that tells', { success: [put('wo', { prev_kv: true })] }],
    ['of a put with a lease of others', { success: [put('a/3', { lease: 2n })] }],
    ['of a put with a lease', { success: [put('a/3', { lease: 1n })] }],
    ['of a deletion that tells', { success: [del('wo', { prev_kv: true })] }],
    ['of a deletion of a range', { success: [del('a/y', { range_end: bytes('b') })] }],
    ['with a condition', { compare: [compare('z')], success: [put('a/1')] }],
    ['with a condition on a range', { compare: [compare('a/', 'a0')], success: [put('a/1')] }],
    ['nested', { failure: [nested({ success: [put('z')] })] }],
    ['nested with a condition', { failure: [nested({ compare: [compare('z')] })] }],
    ['nested twice', { success: [nested({ success: [nested({ failure: [range('z')] })] })] }],
  ] as const
).map(([title, request]) => probe(`txn ${title}`, KVService.Txn, request));

const leases: readonly Probe[] = [
  probe('grant', LeaseService.LeaseGrant, { ID: 3n, TTL: 100 }),
  probe('revoke of others', LeaseService.LeaseRevoke, { ID: 99n }),
  ...[1n, 2n, 3n, 99n].flatMap((ID) => [
    probe(`keep alive ${ID}`, LeaseService.LeaseKeepAlive, { ID }),
    probe(`time to live ${ID}`, LeaseService.LeaseTimeToLive, { ID }, true),
    probe(`time to live ${ID} with keys`, LeaseService.LeaseTimeToLive, { ID, keys: true }, true),
  ]),
  probe('leases', LeaseService.LeaseLeases, {}, true),
];

const operation: readonly Probe[] = [
  probe('alarms', MaintenanceService.Alarm, {}),
  ...[AlarmRequest_AlarmAction.ACTIVATE, AlarmRequest_AlarmAction.DEACTIVATE].map((action) =>
    probe(`alarm ${action}`, MaintenanceService.Alarm, { action, memberID: 7n, alarm: AlarmType.NOSPACE }),
  ),
  probe('status', MaintenanceService.Status, {}, true),
  probe('hash', MaintenanceService.Hash, {}, true),
  probe('hashKV', MaintenanceService.HashKV, {}),
  probe('snapshot', MaintenanceService.Snapshot, {}, true),
  probe('defragment', MaintenanceService.Defragment, {}),
  probe('move leader', MaintenanceService.MoveLeader, { targetID: 5n }),
  probe('downgrade', MaintenanceService.Downgrade, { version: '3.4.0' }, true),
  probe('members', ClusterService.MemberList, { linearizable: true }, true),
  probe('add without URLs', ClusterService.MemberAdd, { peerURLs: ['bad'] }),
  probe('remove', ClusterService.MemberRemove, { ID: 7n }),
  probe('update', ClusterService.MemberUpdate, { ID: 7n, peerURLs: ['http://127.0.0.1:1'] }),
  probe('promote', ClusterService.MemberPromote, { ID: 7n }),
];

const watches: readonly Probe[] = (
  [
    ['a/1', '', 0],
    ['a/', 'a0', 0],
    ['a/', 'b', 0],
    ['z', '', 0],
    ['', '', 0],
    ['\0', '\0', 0],
    ['a/9', 'a/1', 0],
    ['z9', 'z1', 0],
    ['z', '', -1],
  ] as const
).map(([key, end, start_revision]) =>
  probe(`watch ${key} ${end} ${start_revision}`, WatchService.Watch, {
    create_request: WatchCreateRequest.create({ key: bytes(key), range_end: bytes(end), start_revision }),
  }),
);

const accounts: readonly Probe[] = [
  probe('auth status', AuthService.AuthStatus, {}),
  probe('enable', AuthService.AuthEnable, {}),
  ...['u', 'root', 'none', ''].map((name) => probe(`get user ${name}`, AuthService.UserGet, { name })),
  ...['r', 'root', 'none'].map((role) => probe(`get role ${role}`, AuthService.RoleGet, { role })),
  probe('users', AuthService.UserList, {}),
  probe('roles', AuthService.RoleList, {}),
  probe('add user', AuthService.UserAdd, { name: '', password: 'x' }),
  probe('add user with a long password', AuthService.UserAdd, { name: 'x', password: 'x'.repeat(73) }),
  probe('delete user', AuthService.UserDelete, { name: 'none' }),
  probe('change a password', AuthService.UserChangePassword, { name: 'none', password: 'x' }),
  probe('add role', AuthService.RoleAdd, { name: '' }),
  probe('delete role', AuthService.RoleDelete, { role: 'none' }),
  probe('grant role', AuthService.UserGrantRole, { user: 'none', role: 'r' }),
  probe('grant role again', AuthService.UserGrantRole, { user: 'u', role: 'r' }),
  probe('revoke role', AuthService.UserRevokeRole, { name: 'none', role: 'r' }),
  probe('grant no permission', AuthService.RoleGrantPermission, { name: 'r' }),
  probe('revoke no permission', AuthService.RoleRevokePermission, { role: 'r', key: bytes('no') }),
  probe('delete root', AuthService.UserDelete, { name: 'root' }),
  probe('delete the root role', AuthService.RoleDelete, { role: 'root' }),
  probe('take root from root', AuthService.UserRevokeRole, { name: 'root', role: 'root' }),
];

export const probes: Readonly<Record<string, readonly Probe[]>> = {
  ...{ 'keys and values': kv, transactions: txns, leases, 'cluster and maintenance': operation },
  ...{ watches, 'users and roles': accounts },
};
