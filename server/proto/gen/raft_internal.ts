// Generated from raft_internal.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';
import { AlarmRequest, AuthDisableRequest, AuthEnableRequest, AuthRoleAddRequest, AuthRoleDeleteRequest, AuthRoleGetRequest, AuthRoleGrantPermissionRequest, AuthRoleListRequest, AuthRoleRevokePermissionRequest, AuthStatusRequest, AuthUserAddRequest, AuthUserChangePasswordRequest, AuthUserDeleteRequest, AuthUserGetRequest, AuthUserGrantRoleRequest, AuthUserListRequest, AuthUserRevokeRoleRequest, CompactionRequest, DeleteRangeRequest, LeaseCheckpointRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RangeRequest, TxnRequest, decodeAlarmRequest, decodeAuthDisableRequest, decodeAuthEnableRequest, decodeAuthRoleAddRequest, decodeAuthRoleDeleteRequest, decodeAuthRoleGetRequest, decodeAuthRoleGrantPermissionRequest, decodeAuthRoleListRequest, decodeAuthRoleRevokePermissionRequest, decodeAuthStatusRequest, decodeAuthUserAddRequest, decodeAuthUserChangePasswordRequest, decodeAuthUserDeleteRequest, decodeAuthUserGetRequest, decodeAuthUserGrantRoleRequest, decodeAuthUserListRequest, decodeAuthUserRevokeRoleRequest, decodeCompactionRequest, decodeDeleteRangeRequest, decodeLeaseCheckpointRequest, decodeLeaseGrantRequest, decodeLeaseRevokeRequest, decodePutRequest, decodeRangeRequest, decodeTxnRequest, writeAlarmRequest, writeAuthDisableRequest, writeAuthEnableRequest, writeAuthRoleAddRequest, writeAuthRoleDeleteRequest, writeAuthRoleGetRequest, writeAuthRoleGrantPermissionRequest, writeAuthRoleListRequest, writeAuthRoleRevokePermissionRequest, writeAuthStatusRequest, writeAuthUserAddRequest, writeAuthUserChangePasswordRequest, writeAuthUserDeleteRequest, writeAuthUserGetRequest, writeAuthUserGrantRoleRequest, writeAuthUserListRequest, writeAuthUserRevokeRoleRequest, writeCompactionRequest, writeDeleteRangeRequest, writeLeaseCheckpointRequest, writeLeaseGrantRequest, writeLeaseRevokeRequest, writePutRequest, writeRangeRequest, writeTxnRequest } from './rpc.ts';
import { ClusterMemberAttrSetRequest, ClusterVersionSetRequest, DowngradeInfoSetRequest, decodeClusterMemberAttrSetRequest, decodeClusterVersionSetRequest, decodeDowngradeInfoSetRequest, writeClusterMemberAttrSetRequest, writeClusterVersionSetRequest, writeDowngradeInfoSetRequest } from './membership.ts';

export interface RequestHeader {
  ID: bigint;
  username: string;
  auth_revision: number;
}

function createRequestHeader(): RequestHeader {
  return {
    ID: 0n,
    username: '',
    auth_revision: 0,
  };
}

export function writeRequestHeader(w: Writer, m: RequestHeader): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (!(m.username === '')) { w.uint32(18); w.string(m.username); }
  if (!(m.auth_revision === 0)) { w.uint32(24); w.varintNumber(m.auth_revision); }
}

export function decodeRequestHeader(r: Reader): RequestHeader {
  const m = createRequestHeader();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      case 18:
        m.username = r.string();
        break;
      case 24:
        m.auth_revision = r.uint64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const RequestHeader: ProtoCodec<RequestHeader> = {
  create: (init) => (init === undefined ? createRequestHeader() : { ...createRequestHeader(), ...init }),
  encode: (message) => encodeWith((w) => writeRequestHeader(w, message)),
  decode: (bytes) => decodeRequestHeader(new Reader(bytes)),
};

export interface InternalAuthenticateRequest {
  name: string;
  password: string;
  simple_token: string;
}

function createInternalAuthenticateRequest(): InternalAuthenticateRequest {
  return {
    name: '',
    password: '',
    simple_token: '',
  };
}

export function writeInternalAuthenticateRequest(w: Writer, m: InternalAuthenticateRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (!(m.password === '')) { w.uint32(18); w.string(m.password); }
  if (!(m.simple_token === '')) { w.uint32(26); w.string(m.simple_token); }
}

export function decodeInternalAuthenticateRequest(r: Reader): InternalAuthenticateRequest {
  const m = createInternalAuthenticateRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      case 18:
        m.password = r.string();
        break;
      case 26:
        m.simple_token = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const InternalAuthenticateRequest: ProtoCodec<InternalAuthenticateRequest> = {
  create: (init) => (init === undefined ? createInternalAuthenticateRequest() : { ...createInternalAuthenticateRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeInternalAuthenticateRequest(w, message)),
  decode: (bytes) => decodeInternalAuthenticateRequest(new Reader(bytes)),
};

export interface InternalRaftRequest {
  ID: bigint;
  range?: RangeRequest | undefined;
  put?: PutRequest | undefined;
  delete_range?: DeleteRangeRequest | undefined;
  txn?: TxnRequest | undefined;
  compaction?: CompactionRequest | undefined;
  lease_grant?: LeaseGrantRequest | undefined;
  lease_revoke?: LeaseRevokeRequest | undefined;
  alarm?: AlarmRequest | undefined;
  lease_checkpoint?: LeaseCheckpointRequest | undefined;
  header?: RequestHeader | undefined;
  auth_enable?: AuthEnableRequest | undefined;
  auth_disable?: AuthDisableRequest | undefined;
  authenticate?: InternalAuthenticateRequest | undefined;
  auth_status?: AuthStatusRequest | undefined;
  auth_user_add?: AuthUserAddRequest | undefined;
  auth_user_delete?: AuthUserDeleteRequest | undefined;
  auth_user_get?: AuthUserGetRequest | undefined;
  auth_user_change_password?: AuthUserChangePasswordRequest | undefined;
  auth_user_grant_role?: AuthUserGrantRoleRequest | undefined;
  auth_user_revoke_role?: AuthUserRevokeRoleRequest | undefined;
  auth_user_list?: AuthUserListRequest | undefined;
  auth_role_list?: AuthRoleListRequest | undefined;
  auth_role_add?: AuthRoleAddRequest | undefined;
  auth_role_delete?: AuthRoleDeleteRequest | undefined;
  auth_role_get?: AuthRoleGetRequest | undefined;
  auth_role_grant_permission?: AuthRoleGrantPermissionRequest | undefined;
  auth_role_revoke_permission?: AuthRoleRevokePermissionRequest | undefined;
  cluster_version_set?: ClusterVersionSetRequest | undefined;
  cluster_member_attr_set?: ClusterMemberAttrSetRequest | undefined;
  downgrade_info_set?: DowngradeInfoSetRequest | undefined;
}

function createInternalRaftRequest(): InternalRaftRequest {
  return {
    ID: 0n,
    range: undefined,
    put: undefined,
    delete_range: undefined,
    txn: undefined,
    compaction: undefined,
    lease_grant: undefined,
    lease_revoke: undefined,
    alarm: undefined,
    lease_checkpoint: undefined,
    header: undefined,
    auth_enable: undefined,
    auth_disable: undefined,
    authenticate: undefined,
    auth_status: undefined,
    auth_user_add: undefined,
    auth_user_delete: undefined,
    auth_user_get: undefined,
    auth_user_change_password: undefined,
    auth_user_grant_role: undefined,
    auth_user_revoke_role: undefined,
    auth_user_list: undefined,
    auth_role_list: undefined,
    auth_role_add: undefined,
    auth_role_delete: undefined,
    auth_role_get: undefined,
    auth_role_grant_permission: undefined,
    auth_role_revoke_permission: undefined,
    cluster_version_set: undefined,
    cluster_member_attr_set: undefined,
    downgrade_info_set: undefined,
  };
}

export function writeInternalRaftRequest(w: Writer, m: InternalRaftRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (m.range !== undefined) { w.uint32(26); { const s = w.open(); writeRangeRequest(w, m.range); w.close(s); } }
  if (m.put !== undefined) { w.uint32(34); { const s = w.open(); writePutRequest(w, m.put); w.close(s); } }
  if (m.delete_range !== undefined) { w.uint32(42); { const s = w.open(); writeDeleteRangeRequest(w, m.delete_range); w.close(s); } }
  if (m.txn !== undefined) { w.uint32(50); { const s = w.open(); writeTxnRequest(w, m.txn); w.close(s); } }
  if (m.compaction !== undefined) { w.uint32(58); { const s = w.open(); writeCompactionRequest(w, m.compaction); w.close(s); } }
  if (m.lease_grant !== undefined) { w.uint32(66); { const s = w.open(); writeLeaseGrantRequest(w, m.lease_grant); w.close(s); } }
  if (m.lease_revoke !== undefined) { w.uint32(74); { const s = w.open(); writeLeaseRevokeRequest(w, m.lease_revoke); w.close(s); } }
  if (m.alarm !== undefined) { w.uint32(82); { const s = w.open(); writeAlarmRequest(w, m.alarm); w.close(s); } }
  if (m.lease_checkpoint !== undefined) { w.uint32(90); { const s = w.open(); writeLeaseCheckpointRequest(w, m.lease_checkpoint); w.close(s); } }
  if (m.header !== undefined) { w.uint32(802); { const s = w.open(); writeRequestHeader(w, m.header); w.close(s); } }
  if (m.auth_enable !== undefined) { w.uint32(8002); { const s = w.open(); writeAuthEnableRequest(w, m.auth_enable); w.close(s); } }
  if (m.auth_disable !== undefined) { w.uint32(8090); { const s = w.open(); writeAuthDisableRequest(w, m.auth_disable); w.close(s); } }
  if (m.authenticate !== undefined) { w.uint32(8098); { const s = w.open(); writeInternalAuthenticateRequest(w, m.authenticate); w.close(s); } }
  if (m.auth_status !== undefined) { w.uint32(8106); { const s = w.open(); writeAuthStatusRequest(w, m.auth_status); w.close(s); } }
  if (m.auth_user_add !== undefined) { w.uint32(8802); { const s = w.open(); writeAuthUserAddRequest(w, m.auth_user_add); w.close(s); } }
  if (m.auth_user_delete !== undefined) { w.uint32(8810); { const s = w.open(); writeAuthUserDeleteRequest(w, m.auth_user_delete); w.close(s); } }
  if (m.auth_user_get !== undefined) { w.uint32(8818); { const s = w.open(); writeAuthUserGetRequest(w, m.auth_user_get); w.close(s); } }
  if (m.auth_user_change_password !== undefined) { w.uint32(8826); { const s = w.open(); writeAuthUserChangePasswordRequest(w, m.auth_user_change_password); w.close(s); } }
  if (m.auth_user_grant_role !== undefined) { w.uint32(8834); { const s = w.open(); writeAuthUserGrantRoleRequest(w, m.auth_user_grant_role); w.close(s); } }
  if (m.auth_user_revoke_role !== undefined) { w.uint32(8842); { const s = w.open(); writeAuthUserRevokeRoleRequest(w, m.auth_user_revoke_role); w.close(s); } }
  if (m.auth_user_list !== undefined) { w.uint32(8850); { const s = w.open(); writeAuthUserListRequest(w, m.auth_user_list); w.close(s); } }
  if (m.auth_role_list !== undefined) { w.uint32(8858); { const s = w.open(); writeAuthRoleListRequest(w, m.auth_role_list); w.close(s); } }
  if (m.auth_role_add !== undefined) { w.uint32(9602); { const s = w.open(); writeAuthRoleAddRequest(w, m.auth_role_add); w.close(s); } }
  if (m.auth_role_delete !== undefined) { w.uint32(9610); { const s = w.open(); writeAuthRoleDeleteRequest(w, m.auth_role_delete); w.close(s); } }
  if (m.auth_role_get !== undefined) { w.uint32(9618); { const s = w.open(); writeAuthRoleGetRequest(w, m.auth_role_get); w.close(s); } }
  if (m.auth_role_grant_permission !== undefined) { w.uint32(9626); { const s = w.open(); writeAuthRoleGrantPermissionRequest(w, m.auth_role_grant_permission); w.close(s); } }
  if (m.auth_role_revoke_permission !== undefined) { w.uint32(9634); { const s = w.open(); writeAuthRoleRevokePermissionRequest(w, m.auth_role_revoke_permission); w.close(s); } }
  if (m.cluster_version_set !== undefined) { w.uint32(10402); { const s = w.open(); writeClusterVersionSetRequest(w, m.cluster_version_set); w.close(s); } }
  if (m.cluster_member_attr_set !== undefined) { w.uint32(10410); { const s = w.open(); writeClusterMemberAttrSetRequest(w, m.cluster_member_attr_set); w.close(s); } }
  if (m.downgrade_info_set !== undefined) { w.uint32(10418); { const s = w.open(); writeDowngradeInfoSetRequest(w, m.downgrade_info_set); w.close(s); } }
}

export function decodeInternalRaftRequest(r: Reader): InternalRaftRequest {
  const m = createInternalRaftRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      case 26:
        m.range = r.message(decodeRangeRequest);
        break;
      case 34:
        m.put = r.message(decodePutRequest);
        break;
      case 42:
        m.delete_range = r.message(decodeDeleteRangeRequest);
        break;
      case 50:
        m.txn = r.message(decodeTxnRequest);
        break;
      case 58:
        m.compaction = r.message(decodeCompactionRequest);
        break;
      case 66:
        m.lease_grant = r.message(decodeLeaseGrantRequest);
        break;
      case 74:
        m.lease_revoke = r.message(decodeLeaseRevokeRequest);
        break;
      case 82:
        m.alarm = r.message(decodeAlarmRequest);
        break;
      case 90:
        m.lease_checkpoint = r.message(decodeLeaseCheckpointRequest);
        break;
      case 802:
        m.header = r.message(decodeRequestHeader);
        break;
      case 8002:
        m.auth_enable = r.message(decodeAuthEnableRequest);
        break;
      case 8090:
        m.auth_disable = r.message(decodeAuthDisableRequest);
        break;
      case 8098:
        m.authenticate = r.message(decodeInternalAuthenticateRequest);
        break;
      case 8106:
        m.auth_status = r.message(decodeAuthStatusRequest);
        break;
      case 8802:
        m.auth_user_add = r.message(decodeAuthUserAddRequest);
        break;
      case 8810:
        m.auth_user_delete = r.message(decodeAuthUserDeleteRequest);
        break;
      case 8818:
        m.auth_user_get = r.message(decodeAuthUserGetRequest);
        break;
      case 8826:
        m.auth_user_change_password = r.message(decodeAuthUserChangePasswordRequest);
        break;
      case 8834:
        m.auth_user_grant_role = r.message(decodeAuthUserGrantRoleRequest);
        break;
      case 8842:
        m.auth_user_revoke_role = r.message(decodeAuthUserRevokeRoleRequest);
        break;
      case 8850:
        m.auth_user_list = r.message(decodeAuthUserListRequest);
        break;
      case 8858:
        m.auth_role_list = r.message(decodeAuthRoleListRequest);
        break;
      case 9602:
        m.auth_role_add = r.message(decodeAuthRoleAddRequest);
        break;
      case 9610:
        m.auth_role_delete = r.message(decodeAuthRoleDeleteRequest);
        break;
      case 9618:
        m.auth_role_get = r.message(decodeAuthRoleGetRequest);
        break;
      case 9626:
        m.auth_role_grant_permission = r.message(decodeAuthRoleGrantPermissionRequest);
        break;
      case 9634:
        m.auth_role_revoke_permission = r.message(decodeAuthRoleRevokePermissionRequest);
        break;
      case 10402:
        m.cluster_version_set = r.message(decodeClusterVersionSetRequest);
        break;
      case 10410:
        m.cluster_member_attr_set = r.message(decodeClusterMemberAttrSetRequest);
        break;
      case 10418:
        m.downgrade_info_set = r.message(decodeDowngradeInfoSetRequest);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const InternalRaftRequest: ProtoCodec<InternalRaftRequest> = {
  create: (init) => (init === undefined ? createInternalRaftRequest() : { ...createInternalRaftRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeInternalRaftRequest(w, message)),
  decode: (bytes) => decodeInternalRaftRequest(new Reader(bytes)),
};
