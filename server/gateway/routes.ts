/** Which path of the JSON gateway stands for which method (contract: api.md §4.1). */

const kv = '/etcdserverpb.KV';
const lease = '/etcdserverpb.Lease';
const cluster = '/etcdserverpb.Cluster';
const maintenance = '/etcdserverpb.Maintenance';
const auth = '/etcdserverpb.Auth';
const lock = '/v3lockpb.Lock';
const election = '/v3electionpb.Election';

/** Methods by path below `/v3/`. All are asked with POST. */
export const gatewayRoutes: ReadonlyMap<string, string> = new Map([
  ['kv/range', `${kv}/Range`],
  ['kv/put', `${kv}/Put`],
  ['kv/deleterange', `${kv}/DeleteRange`],
  ['kv/txn', `${kv}/Txn`],
  ['kv/compaction', `${kv}/Compact`],
  ['watch', '/etcdserverpb.Watch/Watch'],

  ['lease/grant', `${lease}/LeaseGrant`],
  ['lease/revoke', `${lease}/LeaseRevoke`],
  ['kv/lease/revoke', `${lease}/LeaseRevoke`],
  ['lease/keepalive', `${lease}/LeaseKeepAlive`],
  ['lease/timetolive', `${lease}/LeaseTimeToLive`],
  ['kv/lease/timetolive', `${lease}/LeaseTimeToLive`],
  ['lease/leases', `${lease}/LeaseLeases`],
  ['kv/lease/leases', `${lease}/LeaseLeases`],

  ['cluster/member/add', `${cluster}/MemberAdd`],
  ['cluster/member/remove', `${cluster}/MemberRemove`],
  ['cluster/member/update', `${cluster}/MemberUpdate`],
  ['cluster/member/list', `${cluster}/MemberList`],
  ['cluster/member/promote', `${cluster}/MemberPromote`],

  ['maintenance/alarm', `${maintenance}/Alarm`],
  ['maintenance/status', `${maintenance}/Status`],
  ['maintenance/defragment', `${maintenance}/Defragment`],
  ['maintenance/hash', `${maintenance}/Hash`],
  ['maintenance/hashkv', `${maintenance}/HashKV`],
  ['maintenance/snapshot', `${maintenance}/Snapshot`],
  ['maintenance/transfer-leadership', `${maintenance}/MoveLeader`],
  ['maintenance/downgrade', `${maintenance}/Downgrade`],

  ['auth/enable', `${auth}/AuthEnable`],
  ['auth/disable', `${auth}/AuthDisable`],
  ['auth/status', `${auth}/AuthStatus`],
  ['auth/authenticate', `${auth}/Authenticate`],
  ['auth/user/add', `${auth}/UserAdd`],
  ['auth/user/get', `${auth}/UserGet`],
  ['auth/user/list', `${auth}/UserList`],
  ['auth/user/delete', `${auth}/UserDelete`],
  ['auth/user/changepw', `${auth}/UserChangePassword`],
  ['auth/user/grant', `${auth}/UserGrantRole`],
  ['auth/user/revoke', `${auth}/UserRevokeRole`],
  ['auth/role/add', `${auth}/RoleAdd`],
  ['auth/role/get', `${auth}/RoleGet`],
  ['auth/role/list', `${auth}/RoleList`],
  ['auth/role/delete', `${auth}/RoleDelete`],
  ['auth/role/grant', `${auth}/RoleGrantPermission`],
  ['auth/role/revoke', `${auth}/RoleRevokePermission`],

  ['lock/lock', `${lock}/Lock`],
  ['lock/unlock', `${lock}/Unlock`],
  ['election/campaign', `${election}/Campaign`],
  ['election/proclaim', `${election}/Proclaim`],
  ['election/leader', `${election}/Leader`],
  ['election/observe', `${election}/Observe`],
  ['election/resign', `${election}/Resign`],
]);
