// Generated from rpc.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type MethodDefinition, type Writer } from '../wire.ts';
import { Event, KeyValue, decodeEvent, decodeKeyValue, writeEvent, writeKeyValue } from './kv.ts';
import { Permission, UserAddOptions, decodePermission, decodeUserAddOptions, writePermission, writeUserAddOptions } from './auth.ts';

const empty = new Uint8Array(0);

export const AlarmType = {
  NONE: 0,
  NOSPACE: 1,
  CORRUPT: 2,
} as const;
export type AlarmType = (typeof AlarmType)[keyof typeof AlarmType];

export interface ResponseHeader {
  cluster_id: bigint;
  member_id: bigint;
  revision: number;
  raft_term: number;
}

function createResponseHeader(): ResponseHeader {
  return {
    cluster_id: 0n,
    member_id: 0n,
    revision: 0,
    raft_term: 0,
  };
}

export function writeResponseHeader(w: Writer, m: ResponseHeader): void {
  if (!(m.cluster_id === 0n)) { w.uint32(8); w.varint64(m.cluster_id); }
  if (!(m.member_id === 0n)) { w.uint32(16); w.varint64(m.member_id); }
  if (!(m.revision === 0)) { w.uint32(24); w.varintNumber(m.revision); }
  if (!(m.raft_term === 0)) { w.uint32(32); w.varintNumber(m.raft_term); }
}

export function decodeResponseHeader(r: Reader): ResponseHeader {
  const m = createResponseHeader();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.cluster_id = r.uint64();
        break;
      case 16:
        m.member_id = r.uint64();
        break;
      case 24:
        m.revision = r.int64Number();
        break;
      case 32:
        m.raft_term = r.uint64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ResponseHeader: ProtoCodec<ResponseHeader> = {
  create: (init) => (init === undefined ? createResponseHeader() : { ...createResponseHeader(), ...init }),
  encode: (message) => encodeWith((w) => writeResponseHeader(w, message)),
  decode: (bytes) => decodeResponseHeader(new Reader(bytes)),
};

export const RangeRequest_SortOrder = {
  NONE: 0,
  ASCEND: 1,
  DESCEND: 2,
} as const;
export type RangeRequest_SortOrder = (typeof RangeRequest_SortOrder)[keyof typeof RangeRequest_SortOrder];

export const RangeRequest_SortTarget = {
  KEY: 0,
  VERSION: 1,
  CREATE: 2,
  MOD: 3,
  VALUE: 4,
} as const;
export type RangeRequest_SortTarget = (typeof RangeRequest_SortTarget)[keyof typeof RangeRequest_SortTarget];

export interface RangeRequest {
  key: Uint8Array;
  range_end: Uint8Array;
  limit: number;
  revision: number;
  sort_order: RangeRequest_SortOrder;
  sort_target: RangeRequest_SortTarget;
  serializable: boolean;
  keys_only: boolean;
  count_only: boolean;
  min_mod_revision: number;
  max_mod_revision: number;
  min_create_revision: number;
  max_create_revision: number;
}

function createRangeRequest(): RangeRequest {
  return {
    key: empty,
    range_end: empty,
    limit: 0,
    revision: 0,
    sort_order: 0,
    sort_target: 0,
    serializable: false,
    keys_only: false,
    count_only: false,
    min_mod_revision: 0,
    max_mod_revision: 0,
    min_create_revision: 0,
    max_create_revision: 0,
  };
}

export function writeRangeRequest(w: Writer, m: RangeRequest): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
  if (!(m.range_end.length === 0)) { w.uint32(18); w.bytes(m.range_end); }
  if (!(m.limit === 0)) { w.uint32(24); w.varintNumber(m.limit); }
  if (!(m.revision === 0)) { w.uint32(32); w.varintNumber(m.revision); }
  if (!(m.sort_order === 0)) { w.uint32(40); w.int32(m.sort_order); }
  if (!(m.sort_target === 0)) { w.uint32(48); w.int32(m.sort_target); }
  if (!(!m.serializable)) { w.uint32(56); w.bool(m.serializable); }
  if (!(!m.keys_only)) { w.uint32(64); w.bool(m.keys_only); }
  if (!(!m.count_only)) { w.uint32(72); w.bool(m.count_only); }
  if (!(m.min_mod_revision === 0)) { w.uint32(80); w.varintNumber(m.min_mod_revision); }
  if (!(m.max_mod_revision === 0)) { w.uint32(88); w.varintNumber(m.max_mod_revision); }
  if (!(m.min_create_revision === 0)) { w.uint32(96); w.varintNumber(m.min_create_revision); }
  if (!(m.max_create_revision === 0)) { w.uint32(104); w.varintNumber(m.max_create_revision); }
}

export function decodeRangeRequest(r: Reader): RangeRequest {
  const m = createRangeRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      case 18:
        m.range_end = r.bytes();
        break;
      case 24:
        m.limit = r.int64Number();
        break;
      case 32:
        m.revision = r.int64Number();
        break;
      case 40:
        m.sort_order = r.int32() as RangeRequest_SortOrder;
        break;
      case 48:
        m.sort_target = r.int32() as RangeRequest_SortTarget;
        break;
      case 56:
        m.serializable = r.bool();
        break;
      case 64:
        m.keys_only = r.bool();
        break;
      case 72:
        m.count_only = r.bool();
        break;
      case 80:
        m.min_mod_revision = r.int64Number();
        break;
      case 88:
        m.max_mod_revision = r.int64Number();
        break;
      case 96:
        m.min_create_revision = r.int64Number();
        break;
      case 104:
        m.max_create_revision = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const RangeRequest: ProtoCodec<RangeRequest> = {
  create: (init) => (init === undefined ? createRangeRequest() : { ...createRangeRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeRangeRequest(w, message)),
  decode: (bytes) => decodeRangeRequest(new Reader(bytes)),
};

export interface RangeResponse {
  header?: ResponseHeader | undefined;
  kvs: KeyValue[];
  more: boolean;
  count: number;
}

function createRangeResponse(): RangeResponse {
  return {
    header: undefined,
    kvs: [],
    more: false,
    count: 0,
  };
}

export function writeRangeResponse(w: Writer, m: RangeResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.kvs) { w.uint32(18); { const s = w.open(); writeKeyValue(w, v); w.close(s); } }
  if (!(!m.more)) { w.uint32(24); w.bool(m.more); }
  if (!(m.count === 0)) { w.uint32(32); w.varintNumber(m.count); }
}

export function decodeRangeResponse(r: Reader): RangeResponse {
  const m = createRangeResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.kvs.push(r.message(decodeKeyValue));
        break;
      case 24:
        m.more = r.bool();
        break;
      case 32:
        m.count = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const RangeResponse: ProtoCodec<RangeResponse> = {
  create: (init) => (init === undefined ? createRangeResponse() : { ...createRangeResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeRangeResponse(w, message)),
  decode: (bytes) => decodeRangeResponse(new Reader(bytes)),
};

export interface PutRequest {
  key: Uint8Array;
  value: Uint8Array;
  lease: bigint;
  prev_kv: boolean;
  ignore_value: boolean;
  ignore_lease: boolean;
}

function createPutRequest(): PutRequest {
  return {
    key: empty,
    value: empty,
    lease: 0n,
    prev_kv: false,
    ignore_value: false,
    ignore_lease: false,
  };
}

export function writePutRequest(w: Writer, m: PutRequest): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
  if (!(m.value.length === 0)) { w.uint32(18); w.bytes(m.value); }
  if (!(m.lease === 0n)) { w.uint32(24); w.varint64(m.lease); }
  if (!(!m.prev_kv)) { w.uint32(32); w.bool(m.prev_kv); }
  if (!(!m.ignore_value)) { w.uint32(40); w.bool(m.ignore_value); }
  if (!(!m.ignore_lease)) { w.uint32(48); w.bool(m.ignore_lease); }
}

export function decodePutRequest(r: Reader): PutRequest {
  const m = createPutRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      case 18:
        m.value = r.bytes();
        break;
      case 24:
        m.lease = r.int64();
        break;
      case 32:
        m.prev_kv = r.bool();
        break;
      case 40:
        m.ignore_value = r.bool();
        break;
      case 48:
        m.ignore_lease = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const PutRequest: ProtoCodec<PutRequest> = {
  create: (init) => (init === undefined ? createPutRequest() : { ...createPutRequest(), ...init }),
  encode: (message) => encodeWith((w) => writePutRequest(w, message)),
  decode: (bytes) => decodePutRequest(new Reader(bytes)),
};

export interface PutResponse {
  header?: ResponseHeader | undefined;
  prev_kv?: KeyValue | undefined;
}

function createPutResponse(): PutResponse {
  return {
    header: undefined,
    prev_kv: undefined,
  };
}

export function writePutResponse(w: Writer, m: PutResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (m.prev_kv !== undefined) { w.uint32(18); { const s = w.open(); writeKeyValue(w, m.prev_kv); w.close(s); } }
}

export function decodePutResponse(r: Reader): PutResponse {
  const m = createPutResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.prev_kv = r.message(decodeKeyValue);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const PutResponse: ProtoCodec<PutResponse> = {
  create: (init) => (init === undefined ? createPutResponse() : { ...createPutResponse(), ...init }),
  encode: (message) => encodeWith((w) => writePutResponse(w, message)),
  decode: (bytes) => decodePutResponse(new Reader(bytes)),
};

export interface DeleteRangeRequest {
  key: Uint8Array;
  range_end: Uint8Array;
  prev_kv: boolean;
}

function createDeleteRangeRequest(): DeleteRangeRequest {
  return {
    key: empty,
    range_end: empty,
    prev_kv: false,
  };
}

export function writeDeleteRangeRequest(w: Writer, m: DeleteRangeRequest): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
  if (!(m.range_end.length === 0)) { w.uint32(18); w.bytes(m.range_end); }
  if (!(!m.prev_kv)) { w.uint32(24); w.bool(m.prev_kv); }
}

export function decodeDeleteRangeRequest(r: Reader): DeleteRangeRequest {
  const m = createDeleteRangeRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      case 18:
        m.range_end = r.bytes();
        break;
      case 24:
        m.prev_kv = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DeleteRangeRequest: ProtoCodec<DeleteRangeRequest> = {
  create: (init) => (init === undefined ? createDeleteRangeRequest() : { ...createDeleteRangeRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeDeleteRangeRequest(w, message)),
  decode: (bytes) => decodeDeleteRangeRequest(new Reader(bytes)),
};

export interface DeleteRangeResponse {
  header?: ResponseHeader | undefined;
  deleted: number;
  prev_kvs: KeyValue[];
}

function createDeleteRangeResponse(): DeleteRangeResponse {
  return {
    header: undefined,
    deleted: 0,
    prev_kvs: [],
  };
}

export function writeDeleteRangeResponse(w: Writer, m: DeleteRangeResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.deleted === 0)) { w.uint32(16); w.varintNumber(m.deleted); }
  for (const v of m.prev_kvs) { w.uint32(26); { const s = w.open(); writeKeyValue(w, v); w.close(s); } }
}

export function decodeDeleteRangeResponse(r: Reader): DeleteRangeResponse {
  const m = createDeleteRangeResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.deleted = r.int64Number();
        break;
      case 26:
        m.prev_kvs.push(r.message(decodeKeyValue));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DeleteRangeResponse: ProtoCodec<DeleteRangeResponse> = {
  create: (init) => (init === undefined ? createDeleteRangeResponse() : { ...createDeleteRangeResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeDeleteRangeResponse(w, message)),
  decode: (bytes) => decodeDeleteRangeResponse(new Reader(bytes)),
};

export interface RequestOp {
  request_range?: RangeRequest | undefined;
  request_put?: PutRequest | undefined;
  request_delete_range?: DeleteRangeRequest | undefined;
  request_txn?: TxnRequest | undefined;
}

function createRequestOp(): RequestOp {
  return {
    request_range: undefined,
    request_put: undefined,
    request_delete_range: undefined,
    request_txn: undefined,
  };
}

export function writeRequestOp(w: Writer, m: RequestOp): void {
  if (m.request_range !== undefined) { w.uint32(10); { const s = w.open(); writeRangeRequest(w, m.request_range); w.close(s); } }
  if (m.request_put !== undefined) { w.uint32(18); { const s = w.open(); writePutRequest(w, m.request_put); w.close(s); } }
  if (m.request_delete_range !== undefined) { w.uint32(26); { const s = w.open(); writeDeleteRangeRequest(w, m.request_delete_range); w.close(s); } }
  if (m.request_txn !== undefined) { w.uint32(34); { const s = w.open(); writeTxnRequest(w, m.request_txn); w.close(s); } }
}

export function decodeRequestOp(r: Reader): RequestOp {
  const m = createRequestOp();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.request_range = r.message(decodeRangeRequest);
        break;
      case 18:
        m.request_put = r.message(decodePutRequest);
        break;
      case 26:
        m.request_delete_range = r.message(decodeDeleteRangeRequest);
        break;
      case 34:
        m.request_txn = r.message(decodeTxnRequest);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const RequestOp: ProtoCodec<RequestOp> = {
  create: (init) => (init === undefined ? createRequestOp() : { ...createRequestOp(), ...init }),
  encode: (message) => encodeWith((w) => writeRequestOp(w, message)),
  decode: (bytes) => decodeRequestOp(new Reader(bytes)),
};

export interface ResponseOp {
  response_range?: RangeResponse | undefined;
  response_put?: PutResponse | undefined;
  response_delete_range?: DeleteRangeResponse | undefined;
  response_txn?: TxnResponse | undefined;
}

function createResponseOp(): ResponseOp {
  return {
    response_range: undefined,
    response_put: undefined,
    response_delete_range: undefined,
    response_txn: undefined,
  };
}

export function writeResponseOp(w: Writer, m: ResponseOp): void {
  if (m.response_range !== undefined) { w.uint32(10); { const s = w.open(); writeRangeResponse(w, m.response_range); w.close(s); } }
  if (m.response_put !== undefined) { w.uint32(18); { const s = w.open(); writePutResponse(w, m.response_put); w.close(s); } }
  if (m.response_delete_range !== undefined) { w.uint32(26); { const s = w.open(); writeDeleteRangeResponse(w, m.response_delete_range); w.close(s); } }
  if (m.response_txn !== undefined) { w.uint32(34); { const s = w.open(); writeTxnResponse(w, m.response_txn); w.close(s); } }
}

export function decodeResponseOp(r: Reader): ResponseOp {
  const m = createResponseOp();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.response_range = r.message(decodeRangeResponse);
        break;
      case 18:
        m.response_put = r.message(decodePutResponse);
        break;
      case 26:
        m.response_delete_range = r.message(decodeDeleteRangeResponse);
        break;
      case 34:
        m.response_txn = r.message(decodeTxnResponse);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ResponseOp: ProtoCodec<ResponseOp> = {
  create: (init) => (init === undefined ? createResponseOp() : { ...createResponseOp(), ...init }),
  encode: (message) => encodeWith((w) => writeResponseOp(w, message)),
  decode: (bytes) => decodeResponseOp(new Reader(bytes)),
};

export const Compare_CompareResult = {
  EQUAL: 0,
  GREATER: 1,
  LESS: 2,
  NOT_EQUAL: 3,
} as const;
export type Compare_CompareResult = (typeof Compare_CompareResult)[keyof typeof Compare_CompareResult];

export const Compare_CompareTarget = {
  VERSION: 0,
  CREATE: 1,
  MOD: 2,
  VALUE: 3,
  LEASE: 4,
} as const;
export type Compare_CompareTarget = (typeof Compare_CompareTarget)[keyof typeof Compare_CompareTarget];

export interface Compare {
  result: Compare_CompareResult;
  target: Compare_CompareTarget;
  key: Uint8Array;
  version?: number | undefined;
  create_revision?: number | undefined;
  mod_revision?: number | undefined;
  value?: Uint8Array | undefined;
  lease?: bigint | undefined;
  range_end: Uint8Array;
}

function createCompare(): Compare {
  return {
    result: 0,
    target: 0,
    key: empty,
    version: undefined,
    create_revision: undefined,
    mod_revision: undefined,
    value: undefined,
    lease: undefined,
    range_end: empty,
  };
}

export function writeCompare(w: Writer, m: Compare): void {
  if (!(m.result === 0)) { w.uint32(8); w.int32(m.result); }
  if (!(m.target === 0)) { w.uint32(16); w.int32(m.target); }
  if (!(m.key.length === 0)) { w.uint32(26); w.bytes(m.key); }
  if (m.version !== undefined) { w.uint32(32); w.varintNumber(m.version); }
  if (m.create_revision !== undefined) { w.uint32(40); w.varintNumber(m.create_revision); }
  if (m.mod_revision !== undefined) { w.uint32(48); w.varintNumber(m.mod_revision); }
  if (m.value !== undefined) { w.uint32(58); w.bytes(m.value); }
  if (m.lease !== undefined) { w.uint32(64); w.varint64(m.lease); }
  if (!(m.range_end.length === 0)) { w.uint32(514); w.bytes(m.range_end); }
}

export function decodeCompare(r: Reader): Compare {
  const m = createCompare();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.result = r.int32() as Compare_CompareResult;
        break;
      case 16:
        m.target = r.int32() as Compare_CompareTarget;
        break;
      case 26:
        m.key = r.bytes();
        break;
      case 32:
        m.version = r.int64Number();
        break;
      case 40:
        m.create_revision = r.int64Number();
        break;
      case 48:
        m.mod_revision = r.int64Number();
        break;
      case 58:
        m.value = r.bytes();
        break;
      case 64:
        m.lease = r.int64();
        break;
      case 514:
        m.range_end = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Compare: ProtoCodec<Compare> = {
  create: (init) => (init === undefined ? createCompare() : { ...createCompare(), ...init }),
  encode: (message) => encodeWith((w) => writeCompare(w, message)),
  decode: (bytes) => decodeCompare(new Reader(bytes)),
};

export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure: RequestOp[];
}

function createTxnRequest(): TxnRequest {
  return {
    compare: [],
    success: [],
    failure: [],
  };
}

export function writeTxnRequest(w: Writer, m: TxnRequest): void {
  for (const v of m.compare) { w.uint32(10); { const s = w.open(); writeCompare(w, v); w.close(s); } }
  for (const v of m.success) { w.uint32(18); { const s = w.open(); writeRequestOp(w, v); w.close(s); } }
  for (const v of m.failure) { w.uint32(26); { const s = w.open(); writeRequestOp(w, v); w.close(s); } }
}

export function decodeTxnRequest(r: Reader): TxnRequest {
  const m = createTxnRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.compare.push(r.message(decodeCompare));
        break;
      case 18:
        m.success.push(r.message(decodeRequestOp));
        break;
      case 26:
        m.failure.push(r.message(decodeRequestOp));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const TxnRequest: ProtoCodec<TxnRequest> = {
  create: (init) => (init === undefined ? createTxnRequest() : { ...createTxnRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeTxnRequest(w, message)),
  decode: (bytes) => decodeTxnRequest(new Reader(bytes)),
};

export interface TxnResponse {
  header?: ResponseHeader | undefined;
  succeeded: boolean;
  responses: ResponseOp[];
}

function createTxnResponse(): TxnResponse {
  return {
    header: undefined,
    succeeded: false,
    responses: [],
  };
}

export function writeTxnResponse(w: Writer, m: TxnResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(!m.succeeded)) { w.uint32(16); w.bool(m.succeeded); }
  for (const v of m.responses) { w.uint32(26); { const s = w.open(); writeResponseOp(w, v); w.close(s); } }
}

export function decodeTxnResponse(r: Reader): TxnResponse {
  const m = createTxnResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.succeeded = r.bool();
        break;
      case 26:
        m.responses.push(r.message(decodeResponseOp));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const TxnResponse: ProtoCodec<TxnResponse> = {
  create: (init) => (init === undefined ? createTxnResponse() : { ...createTxnResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeTxnResponse(w, message)),
  decode: (bytes) => decodeTxnResponse(new Reader(bytes)),
};

export interface CompactionRequest {
  revision: number;
  physical: boolean;
}

function createCompactionRequest(): CompactionRequest {
  return {
    revision: 0,
    physical: false,
  };
}

export function writeCompactionRequest(w: Writer, m: CompactionRequest): void {
  if (!(m.revision === 0)) { w.uint32(8); w.varintNumber(m.revision); }
  if (!(!m.physical)) { w.uint32(16); w.bool(m.physical); }
}

export function decodeCompactionRequest(r: Reader): CompactionRequest {
  const m = createCompactionRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.revision = r.int64Number();
        break;
      case 16:
        m.physical = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const CompactionRequest: ProtoCodec<CompactionRequest> = {
  create: (init) => (init === undefined ? createCompactionRequest() : { ...createCompactionRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeCompactionRequest(w, message)),
  decode: (bytes) => decodeCompactionRequest(new Reader(bytes)),
};

export interface CompactionResponse {
  header?: ResponseHeader | undefined;
}

function createCompactionResponse(): CompactionResponse {
  return {
    header: undefined,
  };
}

export function writeCompactionResponse(w: Writer, m: CompactionResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeCompactionResponse(r: Reader): CompactionResponse {
  const m = createCompactionResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const CompactionResponse: ProtoCodec<CompactionResponse> = {
  create: (init) => (init === undefined ? createCompactionResponse() : { ...createCompactionResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeCompactionResponse(w, message)),
  decode: (bytes) => decodeCompactionResponse(new Reader(bytes)),
};

export interface WatchRequest {
  create_request?: WatchCreateRequest | undefined;
  cancel_request?: WatchCancelRequest | undefined;
  progress_request?: WatchProgressRequest | undefined;
}

function createWatchRequest(): WatchRequest {
  return {
    create_request: undefined,
    cancel_request: undefined,
    progress_request: undefined,
  };
}

export function writeWatchRequest(w: Writer, m: WatchRequest): void {
  if (m.create_request !== undefined) { w.uint32(10); { const s = w.open(); writeWatchCreateRequest(w, m.create_request); w.close(s); } }
  if (m.cancel_request !== undefined) { w.uint32(18); { const s = w.open(); writeWatchCancelRequest(w, m.cancel_request); w.close(s); } }
  if (m.progress_request !== undefined) { w.uint32(26); { const s = w.open(); writeWatchProgressRequest(w, m.progress_request); w.close(s); } }
}

export function decodeWatchRequest(r: Reader): WatchRequest {
  const m = createWatchRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.create_request = r.message(decodeWatchCreateRequest);
        break;
      case 18:
        m.cancel_request = r.message(decodeWatchCancelRequest);
        break;
      case 26:
        m.progress_request = r.message(decodeWatchProgressRequest);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const WatchRequest: ProtoCodec<WatchRequest> = {
  create: (init) => (init === undefined ? createWatchRequest() : { ...createWatchRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeWatchRequest(w, message)),
  decode: (bytes) => decodeWatchRequest(new Reader(bytes)),
};

export const WatchCreateRequest_FilterType = {
  NOPUT: 0,
  NODELETE: 1,
} as const;
export type WatchCreateRequest_FilterType = (typeof WatchCreateRequest_FilterType)[keyof typeof WatchCreateRequest_FilterType];

export interface WatchCreateRequest {
  key: Uint8Array;
  range_end: Uint8Array;
  start_revision: number;
  progress_notify: boolean;
  filters: WatchCreateRequest_FilterType[];
  prev_kv: boolean;
  watch_id: bigint;
  fragment: boolean;
}

function createWatchCreateRequest(): WatchCreateRequest {
  return {
    key: empty,
    range_end: empty,
    start_revision: 0,
    progress_notify: false,
    filters: [],
    prev_kv: false,
    watch_id: 0n,
    fragment: false,
  };
}

export function writeWatchCreateRequest(w: Writer, m: WatchCreateRequest): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
  if (!(m.range_end.length === 0)) { w.uint32(18); w.bytes(m.range_end); }
  if (!(m.start_revision === 0)) { w.uint32(24); w.varintNumber(m.start_revision); }
  if (!(!m.progress_notify)) { w.uint32(32); w.bool(m.progress_notify); }
  if (m.filters.length > 0) {
    w.uint32(42);
    const s = w.open();
    for (const v of m.filters) w.int32(v);
    w.close(s);
  }
  if (!(!m.prev_kv)) { w.uint32(48); w.bool(m.prev_kv); }
  if (!(m.watch_id === 0n)) { w.uint32(56); w.varint64(m.watch_id); }
  if (!(!m.fragment)) { w.uint32(64); w.bool(m.fragment); }
}

export function decodeWatchCreateRequest(r: Reader): WatchCreateRequest {
  const m = createWatchCreateRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      case 18:
        m.range_end = r.bytes();
        break;
      case 24:
        m.start_revision = r.int64Number();
        break;
      case 32:
        m.progress_notify = r.bool();
        break;
      case 40:
      case 42:
        r.repeated(tag, () => m.filters.push(r.int32() as WatchCreateRequest_FilterType));
        break;
      case 48:
        m.prev_kv = r.bool();
        break;
      case 56:
        m.watch_id = r.int64();
        break;
      case 64:
        m.fragment = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const WatchCreateRequest: ProtoCodec<WatchCreateRequest> = {
  create: (init) => (init === undefined ? createWatchCreateRequest() : { ...createWatchCreateRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeWatchCreateRequest(w, message)),
  decode: (bytes) => decodeWatchCreateRequest(new Reader(bytes)),
};

export interface WatchCancelRequest {
  watch_id: bigint;
}

function createWatchCancelRequest(): WatchCancelRequest {
  return {
    watch_id: 0n,
  };
}

export function writeWatchCancelRequest(w: Writer, m: WatchCancelRequest): void {
  if (!(m.watch_id === 0n)) { w.uint32(8); w.varint64(m.watch_id); }
}

export function decodeWatchCancelRequest(r: Reader): WatchCancelRequest {
  const m = createWatchCancelRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.watch_id = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const WatchCancelRequest: ProtoCodec<WatchCancelRequest> = {
  create: (init) => (init === undefined ? createWatchCancelRequest() : { ...createWatchCancelRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeWatchCancelRequest(w, message)),
  decode: (bytes) => decodeWatchCancelRequest(new Reader(bytes)),
};

export interface WatchProgressRequest {
}

function createWatchProgressRequest(): WatchProgressRequest {
  return {
  };
}

export function writeWatchProgressRequest(_w: Writer, _m: WatchProgressRequest): void {
}

export function decodeWatchProgressRequest(r: Reader): WatchProgressRequest {
  const m = createWatchProgressRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const WatchProgressRequest: ProtoCodec<WatchProgressRequest> = {
  create: (init) => (init === undefined ? createWatchProgressRequest() : { ...createWatchProgressRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeWatchProgressRequest(w, message)),
  decode: (bytes) => decodeWatchProgressRequest(new Reader(bytes)),
};

export interface WatchResponse {
  header?: ResponseHeader | undefined;
  watch_id: bigint;
  created: boolean;
  canceled: boolean;
  compact_revision: number;
  cancel_reason: string;
  fragment: boolean;
  events: Event[];
}

function createWatchResponse(): WatchResponse {
  return {
    header: undefined,
    watch_id: 0n,
    created: false,
    canceled: false,
    compact_revision: 0,
    cancel_reason: '',
    fragment: false,
    events: [],
  };
}

export function writeWatchResponse(w: Writer, m: WatchResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.watch_id === 0n)) { w.uint32(16); w.varint64(m.watch_id); }
  if (!(!m.created)) { w.uint32(24); w.bool(m.created); }
  if (!(!m.canceled)) { w.uint32(32); w.bool(m.canceled); }
  if (!(m.compact_revision === 0)) { w.uint32(40); w.varintNumber(m.compact_revision); }
  if (!(m.cancel_reason === '')) { w.uint32(50); w.string(m.cancel_reason); }
  if (!(!m.fragment)) { w.uint32(56); w.bool(m.fragment); }
  for (const v of m.events) { w.uint32(90); { const s = w.open(); writeEvent(w, v); w.close(s); } }
}

export function decodeWatchResponse(r: Reader): WatchResponse {
  const m = createWatchResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.watch_id = r.int64();
        break;
      case 24:
        m.created = r.bool();
        break;
      case 32:
        m.canceled = r.bool();
        break;
      case 40:
        m.compact_revision = r.int64Number();
        break;
      case 50:
        m.cancel_reason = r.string();
        break;
      case 56:
        m.fragment = r.bool();
        break;
      case 90:
        m.events.push(r.message(decodeEvent));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const WatchResponse: ProtoCodec<WatchResponse> = {
  create: (init) => (init === undefined ? createWatchResponse() : { ...createWatchResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeWatchResponse(w, message)),
  decode: (bytes) => decodeWatchResponse(new Reader(bytes)),
};

export interface LeaseGrantRequest {
  TTL: number;
  ID: bigint;
}

function createLeaseGrantRequest(): LeaseGrantRequest {
  return {
    TTL: 0,
    ID: 0n,
  };
}

export function writeLeaseGrantRequest(w: Writer, m: LeaseGrantRequest): void {
  if (!(m.TTL === 0)) { w.uint32(8); w.varintNumber(m.TTL); }
  if (!(m.ID === 0n)) { w.uint32(16); w.varint64(m.ID); }
}

export function decodeLeaseGrantRequest(r: Reader): LeaseGrantRequest {
  const m = createLeaseGrantRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.TTL = r.int64Number();
        break;
      case 16:
        m.ID = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseGrantRequest: ProtoCodec<LeaseGrantRequest> = {
  create: (init) => (init === undefined ? createLeaseGrantRequest() : { ...createLeaseGrantRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseGrantRequest(w, message)),
  decode: (bytes) => decodeLeaseGrantRequest(new Reader(bytes)),
};

export interface LeaseGrantResponse {
  header?: ResponseHeader | undefined;
  ID: bigint;
  TTL: number;
  error: string;
}

function createLeaseGrantResponse(): LeaseGrantResponse {
  return {
    header: undefined,
    ID: 0n,
    TTL: 0,
    error: '',
  };
}

export function writeLeaseGrantResponse(w: Writer, m: LeaseGrantResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.ID === 0n)) { w.uint32(16); w.varint64(m.ID); }
  if (!(m.TTL === 0)) { w.uint32(24); w.varintNumber(m.TTL); }
  if (!(m.error === '')) { w.uint32(34); w.string(m.error); }
}

export function decodeLeaseGrantResponse(r: Reader): LeaseGrantResponse {
  const m = createLeaseGrantResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.ID = r.int64();
        break;
      case 24:
        m.TTL = r.int64Number();
        break;
      case 34:
        m.error = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseGrantResponse: ProtoCodec<LeaseGrantResponse> = {
  create: (init) => (init === undefined ? createLeaseGrantResponse() : { ...createLeaseGrantResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseGrantResponse(w, message)),
  decode: (bytes) => decodeLeaseGrantResponse(new Reader(bytes)),
};

export interface LeaseRevokeRequest {
  ID: bigint;
}

function createLeaseRevokeRequest(): LeaseRevokeRequest {
  return {
    ID: 0n,
  };
}

export function writeLeaseRevokeRequest(w: Writer, m: LeaseRevokeRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
}

export function decodeLeaseRevokeRequest(r: Reader): LeaseRevokeRequest {
  const m = createLeaseRevokeRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseRevokeRequest: ProtoCodec<LeaseRevokeRequest> = {
  create: (init) => (init === undefined ? createLeaseRevokeRequest() : { ...createLeaseRevokeRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseRevokeRequest(w, message)),
  decode: (bytes) => decodeLeaseRevokeRequest(new Reader(bytes)),
};

export interface LeaseRevokeResponse {
  header?: ResponseHeader | undefined;
}

function createLeaseRevokeResponse(): LeaseRevokeResponse {
  return {
    header: undefined,
  };
}

export function writeLeaseRevokeResponse(w: Writer, m: LeaseRevokeResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeLeaseRevokeResponse(r: Reader): LeaseRevokeResponse {
  const m = createLeaseRevokeResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseRevokeResponse: ProtoCodec<LeaseRevokeResponse> = {
  create: (init) => (init === undefined ? createLeaseRevokeResponse() : { ...createLeaseRevokeResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseRevokeResponse(w, message)),
  decode: (bytes) => decodeLeaseRevokeResponse(new Reader(bytes)),
};

export interface LeaseCheckpoint {
  ID: bigint;
  remaining_TTL: number;
}

function createLeaseCheckpoint(): LeaseCheckpoint {
  return {
    ID: 0n,
    remaining_TTL: 0,
  };
}

export function writeLeaseCheckpoint(w: Writer, m: LeaseCheckpoint): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (!(m.remaining_TTL === 0)) { w.uint32(16); w.varintNumber(m.remaining_TTL); }
}

export function decodeLeaseCheckpoint(r: Reader): LeaseCheckpoint {
  const m = createLeaseCheckpoint();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      case 16:
        m.remaining_TTL = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseCheckpoint: ProtoCodec<LeaseCheckpoint> = {
  create: (init) => (init === undefined ? createLeaseCheckpoint() : { ...createLeaseCheckpoint(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseCheckpoint(w, message)),
  decode: (bytes) => decodeLeaseCheckpoint(new Reader(bytes)),
};

export interface LeaseCheckpointRequest {
  checkpoints: LeaseCheckpoint[];
}

function createLeaseCheckpointRequest(): LeaseCheckpointRequest {
  return {
    checkpoints: [],
  };
}

export function writeLeaseCheckpointRequest(w: Writer, m: LeaseCheckpointRequest): void {
  for (const v of m.checkpoints) { w.uint32(10); { const s = w.open(); writeLeaseCheckpoint(w, v); w.close(s); } }
}

export function decodeLeaseCheckpointRequest(r: Reader): LeaseCheckpointRequest {
  const m = createLeaseCheckpointRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.checkpoints.push(r.message(decodeLeaseCheckpoint));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseCheckpointRequest: ProtoCodec<LeaseCheckpointRequest> = {
  create: (init) => (init === undefined ? createLeaseCheckpointRequest() : { ...createLeaseCheckpointRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseCheckpointRequest(w, message)),
  decode: (bytes) => decodeLeaseCheckpointRequest(new Reader(bytes)),
};

export interface LeaseCheckpointResponse {
  header?: ResponseHeader | undefined;
}

function createLeaseCheckpointResponse(): LeaseCheckpointResponse {
  return {
    header: undefined,
  };
}

export function writeLeaseCheckpointResponse(w: Writer, m: LeaseCheckpointResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeLeaseCheckpointResponse(r: Reader): LeaseCheckpointResponse {
  const m = createLeaseCheckpointResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseCheckpointResponse: ProtoCodec<LeaseCheckpointResponse> = {
  create: (init) => (init === undefined ? createLeaseCheckpointResponse() : { ...createLeaseCheckpointResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseCheckpointResponse(w, message)),
  decode: (bytes) => decodeLeaseCheckpointResponse(new Reader(bytes)),
};

export interface LeaseKeepAliveRequest {
  ID: bigint;
}

function createLeaseKeepAliveRequest(): LeaseKeepAliveRequest {
  return {
    ID: 0n,
  };
}

export function writeLeaseKeepAliveRequest(w: Writer, m: LeaseKeepAliveRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
}

export function decodeLeaseKeepAliveRequest(r: Reader): LeaseKeepAliveRequest {
  const m = createLeaseKeepAliveRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseKeepAliveRequest: ProtoCodec<LeaseKeepAliveRequest> = {
  create: (init) => (init === undefined ? createLeaseKeepAliveRequest() : { ...createLeaseKeepAliveRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseKeepAliveRequest(w, message)),
  decode: (bytes) => decodeLeaseKeepAliveRequest(new Reader(bytes)),
};

export interface LeaseKeepAliveResponse {
  header?: ResponseHeader | undefined;
  ID: bigint;
  TTL: number;
}

function createLeaseKeepAliveResponse(): LeaseKeepAliveResponse {
  return {
    header: undefined,
    ID: 0n,
    TTL: 0,
  };
}

export function writeLeaseKeepAliveResponse(w: Writer, m: LeaseKeepAliveResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.ID === 0n)) { w.uint32(16); w.varint64(m.ID); }
  if (!(m.TTL === 0)) { w.uint32(24); w.varintNumber(m.TTL); }
}

export function decodeLeaseKeepAliveResponse(r: Reader): LeaseKeepAliveResponse {
  const m = createLeaseKeepAliveResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.ID = r.int64();
        break;
      case 24:
        m.TTL = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseKeepAliveResponse: ProtoCodec<LeaseKeepAliveResponse> = {
  create: (init) => (init === undefined ? createLeaseKeepAliveResponse() : { ...createLeaseKeepAliveResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseKeepAliveResponse(w, message)),
  decode: (bytes) => decodeLeaseKeepAliveResponse(new Reader(bytes)),
};

export interface LeaseTimeToLiveRequest {
  ID: bigint;
  keys: boolean;
}

function createLeaseTimeToLiveRequest(): LeaseTimeToLiveRequest {
  return {
    ID: 0n,
    keys: false,
  };
}

export function writeLeaseTimeToLiveRequest(w: Writer, m: LeaseTimeToLiveRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (!(!m.keys)) { w.uint32(16); w.bool(m.keys); }
}

export function decodeLeaseTimeToLiveRequest(r: Reader): LeaseTimeToLiveRequest {
  const m = createLeaseTimeToLiveRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      case 16:
        m.keys = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseTimeToLiveRequest: ProtoCodec<LeaseTimeToLiveRequest> = {
  create: (init) => (init === undefined ? createLeaseTimeToLiveRequest() : { ...createLeaseTimeToLiveRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseTimeToLiveRequest(w, message)),
  decode: (bytes) => decodeLeaseTimeToLiveRequest(new Reader(bytes)),
};

export interface LeaseTimeToLiveResponse {
  header?: ResponseHeader | undefined;
  ID: bigint;
  TTL: number;
  grantedTTL: number;
  keys: Uint8Array[];
}

function createLeaseTimeToLiveResponse(): LeaseTimeToLiveResponse {
  return {
    header: undefined,
    ID: 0n,
    TTL: 0,
    grantedTTL: 0,
    keys: [],
  };
}

export function writeLeaseTimeToLiveResponse(w: Writer, m: LeaseTimeToLiveResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.ID === 0n)) { w.uint32(16); w.varint64(m.ID); }
  if (!(m.TTL === 0)) { w.uint32(24); w.varintNumber(m.TTL); }
  if (!(m.grantedTTL === 0)) { w.uint32(32); w.varintNumber(m.grantedTTL); }
  for (const v of m.keys) { w.uint32(42); w.bytes(v); }
}

export function decodeLeaseTimeToLiveResponse(r: Reader): LeaseTimeToLiveResponse {
  const m = createLeaseTimeToLiveResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.ID = r.int64();
        break;
      case 24:
        m.TTL = r.int64Number();
        break;
      case 32:
        m.grantedTTL = r.int64Number();
        break;
      case 42:
        m.keys.push(r.bytes());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseTimeToLiveResponse: ProtoCodec<LeaseTimeToLiveResponse> = {
  create: (init) => (init === undefined ? createLeaseTimeToLiveResponse() : { ...createLeaseTimeToLiveResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseTimeToLiveResponse(w, message)),
  decode: (bytes) => decodeLeaseTimeToLiveResponse(new Reader(bytes)),
};

export interface LeaseLeasesRequest {
}

function createLeaseLeasesRequest(): LeaseLeasesRequest {
  return {
  };
}

export function writeLeaseLeasesRequest(_w: Writer, _m: LeaseLeasesRequest): void {
}

export function decodeLeaseLeasesRequest(r: Reader): LeaseLeasesRequest {
  const m = createLeaseLeasesRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseLeasesRequest: ProtoCodec<LeaseLeasesRequest> = {
  create: (init) => (init === undefined ? createLeaseLeasesRequest() : { ...createLeaseLeasesRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseLeasesRequest(w, message)),
  decode: (bytes) => decodeLeaseLeasesRequest(new Reader(bytes)),
};

export interface LeaseStatus {
  ID: bigint;
}

function createLeaseStatus(): LeaseStatus {
  return {
    ID: 0n,
  };
}

export function writeLeaseStatus(w: Writer, m: LeaseStatus): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
}

export function decodeLeaseStatus(r: Reader): LeaseStatus {
  const m = createLeaseStatus();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseStatus: ProtoCodec<LeaseStatus> = {
  create: (init) => (init === undefined ? createLeaseStatus() : { ...createLeaseStatus(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseStatus(w, message)),
  decode: (bytes) => decodeLeaseStatus(new Reader(bytes)),
};

export interface LeaseLeasesResponse {
  header?: ResponseHeader | undefined;
  leases: LeaseStatus[];
}

function createLeaseLeasesResponse(): LeaseLeasesResponse {
  return {
    header: undefined,
    leases: [],
  };
}

export function writeLeaseLeasesResponse(w: Writer, m: LeaseLeasesResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.leases) { w.uint32(18); { const s = w.open(); writeLeaseStatus(w, v); w.close(s); } }
}

export function decodeLeaseLeasesResponse(r: Reader): LeaseLeasesResponse {
  const m = createLeaseLeasesResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.leases.push(r.message(decodeLeaseStatus));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseLeasesResponse: ProtoCodec<LeaseLeasesResponse> = {
  create: (init) => (init === undefined ? createLeaseLeasesResponse() : { ...createLeaseLeasesResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseLeasesResponse(w, message)),
  decode: (bytes) => decodeLeaseLeasesResponse(new Reader(bytes)),
};

export interface Member {
  ID: bigint;
  name: string;
  peerURLs: string[];
  clientURLs: string[];
  isLearner: boolean;
}

function createMember(): Member {
  return {
    ID: 0n,
    name: '',
    peerURLs: [],
    clientURLs: [],
    isLearner: false,
  };
}

export function writeMember(w: Writer, m: Member): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (!(m.name === '')) { w.uint32(18); w.string(m.name); }
  for (const v of m.peerURLs) { w.uint32(26); w.string(v); }
  for (const v of m.clientURLs) { w.uint32(34); w.string(v); }
  if (!(!m.isLearner)) { w.uint32(40); w.bool(m.isLearner); }
}

export function decodeMember(r: Reader): Member {
  const m = createMember();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      case 18:
        m.name = r.string();
        break;
      case 26:
        m.peerURLs.push(r.string());
        break;
      case 34:
        m.clientURLs.push(r.string());
        break;
      case 40:
        m.isLearner = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Member: ProtoCodec<Member> = {
  create: (init) => (init === undefined ? createMember() : { ...createMember(), ...init }),
  encode: (message) => encodeWith((w) => writeMember(w, message)),
  decode: (bytes) => decodeMember(new Reader(bytes)),
};

export interface MemberAddRequest {
  peerURLs: string[];
  isLearner: boolean;
}

function createMemberAddRequest(): MemberAddRequest {
  return {
    peerURLs: [],
    isLearner: false,
  };
}

export function writeMemberAddRequest(w: Writer, m: MemberAddRequest): void {
  for (const v of m.peerURLs) { w.uint32(10); w.string(v); }
  if (!(!m.isLearner)) { w.uint32(16); w.bool(m.isLearner); }
}

export function decodeMemberAddRequest(r: Reader): MemberAddRequest {
  const m = createMemberAddRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.peerURLs.push(r.string());
        break;
      case 16:
        m.isLearner = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberAddRequest: ProtoCodec<MemberAddRequest> = {
  create: (init) => (init === undefined ? createMemberAddRequest() : { ...createMemberAddRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberAddRequest(w, message)),
  decode: (bytes) => decodeMemberAddRequest(new Reader(bytes)),
};

export interface MemberAddResponse {
  header?: ResponseHeader | undefined;
  member?: Member | undefined;
  members: Member[];
}

function createMemberAddResponse(): MemberAddResponse {
  return {
    header: undefined,
    member: undefined,
    members: [],
  };
}

export function writeMemberAddResponse(w: Writer, m: MemberAddResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (m.member !== undefined) { w.uint32(18); { const s = w.open(); writeMember(w, m.member); w.close(s); } }
  for (const v of m.members) { w.uint32(26); { const s = w.open(); writeMember(w, v); w.close(s); } }
}

export function decodeMemberAddResponse(r: Reader): MemberAddResponse {
  const m = createMemberAddResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.member = r.message(decodeMember);
        break;
      case 26:
        m.members.push(r.message(decodeMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberAddResponse: ProtoCodec<MemberAddResponse> = {
  create: (init) => (init === undefined ? createMemberAddResponse() : { ...createMemberAddResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberAddResponse(w, message)),
  decode: (bytes) => decodeMemberAddResponse(new Reader(bytes)),
};

export interface MemberRemoveRequest {
  ID: bigint;
}

function createMemberRemoveRequest(): MemberRemoveRequest {
  return {
    ID: 0n,
  };
}

export function writeMemberRemoveRequest(w: Writer, m: MemberRemoveRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
}

export function decodeMemberRemoveRequest(r: Reader): MemberRemoveRequest {
  const m = createMemberRemoveRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberRemoveRequest: ProtoCodec<MemberRemoveRequest> = {
  create: (init) => (init === undefined ? createMemberRemoveRequest() : { ...createMemberRemoveRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberRemoveRequest(w, message)),
  decode: (bytes) => decodeMemberRemoveRequest(new Reader(bytes)),
};

export interface MemberRemoveResponse {
  header?: ResponseHeader | undefined;
  members: Member[];
}

function createMemberRemoveResponse(): MemberRemoveResponse {
  return {
    header: undefined,
    members: [],
  };
}

export function writeMemberRemoveResponse(w: Writer, m: MemberRemoveResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.members) { w.uint32(18); { const s = w.open(); writeMember(w, v); w.close(s); } }
}

export function decodeMemberRemoveResponse(r: Reader): MemberRemoveResponse {
  const m = createMemberRemoveResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.members.push(r.message(decodeMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberRemoveResponse: ProtoCodec<MemberRemoveResponse> = {
  create: (init) => (init === undefined ? createMemberRemoveResponse() : { ...createMemberRemoveResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberRemoveResponse(w, message)),
  decode: (bytes) => decodeMemberRemoveResponse(new Reader(bytes)),
};

export interface MemberUpdateRequest {
  ID: bigint;
  peerURLs: string[];
}

function createMemberUpdateRequest(): MemberUpdateRequest {
  return {
    ID: 0n,
    peerURLs: [],
  };
}

export function writeMemberUpdateRequest(w: Writer, m: MemberUpdateRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  for (const v of m.peerURLs) { w.uint32(18); w.string(v); }
}

export function decodeMemberUpdateRequest(r: Reader): MemberUpdateRequest {
  const m = createMemberUpdateRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      case 18:
        m.peerURLs.push(r.string());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberUpdateRequest: ProtoCodec<MemberUpdateRequest> = {
  create: (init) => (init === undefined ? createMemberUpdateRequest() : { ...createMemberUpdateRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberUpdateRequest(w, message)),
  decode: (bytes) => decodeMemberUpdateRequest(new Reader(bytes)),
};

export interface MemberUpdateResponse {
  header?: ResponseHeader | undefined;
  members: Member[];
}

function createMemberUpdateResponse(): MemberUpdateResponse {
  return {
    header: undefined,
    members: [],
  };
}

export function writeMemberUpdateResponse(w: Writer, m: MemberUpdateResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.members) { w.uint32(18); { const s = w.open(); writeMember(w, v); w.close(s); } }
}

export function decodeMemberUpdateResponse(r: Reader): MemberUpdateResponse {
  const m = createMemberUpdateResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.members.push(r.message(decodeMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberUpdateResponse: ProtoCodec<MemberUpdateResponse> = {
  create: (init) => (init === undefined ? createMemberUpdateResponse() : { ...createMemberUpdateResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberUpdateResponse(w, message)),
  decode: (bytes) => decodeMemberUpdateResponse(new Reader(bytes)),
};

export interface MemberListRequest {
  linearizable: boolean;
}

function createMemberListRequest(): MemberListRequest {
  return {
    linearizable: false,
  };
}

export function writeMemberListRequest(w: Writer, m: MemberListRequest): void {
  if (!(!m.linearizable)) { w.uint32(8); w.bool(m.linearizable); }
}

export function decodeMemberListRequest(r: Reader): MemberListRequest {
  const m = createMemberListRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.linearizable = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberListRequest: ProtoCodec<MemberListRequest> = {
  create: (init) => (init === undefined ? createMemberListRequest() : { ...createMemberListRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberListRequest(w, message)),
  decode: (bytes) => decodeMemberListRequest(new Reader(bytes)),
};

export interface MemberListResponse {
  header?: ResponseHeader | undefined;
  members: Member[];
}

function createMemberListResponse(): MemberListResponse {
  return {
    header: undefined,
    members: [],
  };
}

export function writeMemberListResponse(w: Writer, m: MemberListResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.members) { w.uint32(18); { const s = w.open(); writeMember(w, v); w.close(s); } }
}

export function decodeMemberListResponse(r: Reader): MemberListResponse {
  const m = createMemberListResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.members.push(r.message(decodeMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberListResponse: ProtoCodec<MemberListResponse> = {
  create: (init) => (init === undefined ? createMemberListResponse() : { ...createMemberListResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberListResponse(w, message)),
  decode: (bytes) => decodeMemberListResponse(new Reader(bytes)),
};

export interface MemberPromoteRequest {
  ID: bigint;
}

function createMemberPromoteRequest(): MemberPromoteRequest {
  return {
    ID: 0n,
  };
}

export function writeMemberPromoteRequest(w: Writer, m: MemberPromoteRequest): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
}

export function decodeMemberPromoteRequest(r: Reader): MemberPromoteRequest {
  const m = createMemberPromoteRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberPromoteRequest: ProtoCodec<MemberPromoteRequest> = {
  create: (init) => (init === undefined ? createMemberPromoteRequest() : { ...createMemberPromoteRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberPromoteRequest(w, message)),
  decode: (bytes) => decodeMemberPromoteRequest(new Reader(bytes)),
};

export interface MemberPromoteResponse {
  header?: ResponseHeader | undefined;
  members: Member[];
}

function createMemberPromoteResponse(): MemberPromoteResponse {
  return {
    header: undefined,
    members: [],
  };
}

export function writeMemberPromoteResponse(w: Writer, m: MemberPromoteResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.members) { w.uint32(18); { const s = w.open(); writeMember(w, v); w.close(s); } }
}

export function decodeMemberPromoteResponse(r: Reader): MemberPromoteResponse {
  const m = createMemberPromoteResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.members.push(r.message(decodeMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MemberPromoteResponse: ProtoCodec<MemberPromoteResponse> = {
  create: (init) => (init === undefined ? createMemberPromoteResponse() : { ...createMemberPromoteResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMemberPromoteResponse(w, message)),
  decode: (bytes) => decodeMemberPromoteResponse(new Reader(bytes)),
};

export const AlarmRequest_AlarmAction = {
  GET: 0,
  ACTIVATE: 1,
  DEACTIVATE: 2,
} as const;
export type AlarmRequest_AlarmAction = (typeof AlarmRequest_AlarmAction)[keyof typeof AlarmRequest_AlarmAction];

export interface AlarmRequest {
  action: AlarmRequest_AlarmAction;
  memberID: bigint;
  alarm: AlarmType;
}

function createAlarmRequest(): AlarmRequest {
  return {
    action: 0,
    memberID: 0n,
    alarm: 0,
  };
}

export function writeAlarmRequest(w: Writer, m: AlarmRequest): void {
  if (!(m.action === 0)) { w.uint32(8); w.int32(m.action); }
  if (!(m.memberID === 0n)) { w.uint32(16); w.varint64(m.memberID); }
  if (!(m.alarm === 0)) { w.uint32(24); w.int32(m.alarm); }
}

export function decodeAlarmRequest(r: Reader): AlarmRequest {
  const m = createAlarmRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.action = r.int32() as AlarmRequest_AlarmAction;
        break;
      case 16:
        m.memberID = r.uint64();
        break;
      case 24:
        m.alarm = r.int32() as AlarmType;
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AlarmRequest: ProtoCodec<AlarmRequest> = {
  create: (init) => (init === undefined ? createAlarmRequest() : { ...createAlarmRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAlarmRequest(w, message)),
  decode: (bytes) => decodeAlarmRequest(new Reader(bytes)),
};

export interface AlarmMember {
  memberID: bigint;
  alarm: AlarmType;
}

function createAlarmMember(): AlarmMember {
  return {
    memberID: 0n,
    alarm: 0,
  };
}

export function writeAlarmMember(w: Writer, m: AlarmMember): void {
  if (!(m.memberID === 0n)) { w.uint32(8); w.varint64(m.memberID); }
  if (!(m.alarm === 0)) { w.uint32(16); w.int32(m.alarm); }
}

export function decodeAlarmMember(r: Reader): AlarmMember {
  const m = createAlarmMember();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.memberID = r.uint64();
        break;
      case 16:
        m.alarm = r.int32() as AlarmType;
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AlarmMember: ProtoCodec<AlarmMember> = {
  create: (init) => (init === undefined ? createAlarmMember() : { ...createAlarmMember(), ...init }),
  encode: (message) => encodeWith((w) => writeAlarmMember(w, message)),
  decode: (bytes) => decodeAlarmMember(new Reader(bytes)),
};

export interface AlarmResponse {
  header?: ResponseHeader | undefined;
  alarms: AlarmMember[];
}

function createAlarmResponse(): AlarmResponse {
  return {
    header: undefined,
    alarms: [],
  };
}

export function writeAlarmResponse(w: Writer, m: AlarmResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.alarms) { w.uint32(18); { const s = w.open(); writeAlarmMember(w, v); w.close(s); } }
}

export function decodeAlarmResponse(r: Reader): AlarmResponse {
  const m = createAlarmResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.alarms.push(r.message(decodeAlarmMember));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AlarmResponse: ProtoCodec<AlarmResponse> = {
  create: (init) => (init === undefined ? createAlarmResponse() : { ...createAlarmResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAlarmResponse(w, message)),
  decode: (bytes) => decodeAlarmResponse(new Reader(bytes)),
};

export interface StatusRequest {
}

function createStatusRequest(): StatusRequest {
  return {
  };
}

export function writeStatusRequest(_w: Writer, _m: StatusRequest): void {
}

export function decodeStatusRequest(r: Reader): StatusRequest {
  const m = createStatusRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const StatusRequest: ProtoCodec<StatusRequest> = {
  create: (init) => (init === undefined ? createStatusRequest() : { ...createStatusRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeStatusRequest(w, message)),
  decode: (bytes) => decodeStatusRequest(new Reader(bytes)),
};

export interface StatusResponse {
  header?: ResponseHeader | undefined;
  version: string;
  dbSize: number;
  leader: bigint;
  raftIndex: number;
  raftTerm: number;
  raftAppliedIndex: number;
  errors: string[];
  dbSizeInUse: number;
  isLearner: boolean;
}

function createStatusResponse(): StatusResponse {
  return {
    header: undefined,
    version: '',
    dbSize: 0,
    leader: 0n,
    raftIndex: 0,
    raftTerm: 0,
    raftAppliedIndex: 0,
    errors: [],
    dbSizeInUse: 0,
    isLearner: false,
  };
}

export function writeStatusResponse(w: Writer, m: StatusResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.version === '')) { w.uint32(18); w.string(m.version); }
  if (!(m.dbSize === 0)) { w.uint32(24); w.varintNumber(m.dbSize); }
  if (!(m.leader === 0n)) { w.uint32(32); w.varint64(m.leader); }
  if (!(m.raftIndex === 0)) { w.uint32(40); w.varintNumber(m.raftIndex); }
  if (!(m.raftTerm === 0)) { w.uint32(48); w.varintNumber(m.raftTerm); }
  if (!(m.raftAppliedIndex === 0)) { w.uint32(56); w.varintNumber(m.raftAppliedIndex); }
  for (const v of m.errors) { w.uint32(66); w.string(v); }
  if (!(m.dbSizeInUse === 0)) { w.uint32(72); w.varintNumber(m.dbSizeInUse); }
  if (!(!m.isLearner)) { w.uint32(80); w.bool(m.isLearner); }
}

export function decodeStatusResponse(r: Reader): StatusResponse {
  const m = createStatusResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.version = r.string();
        break;
      case 24:
        m.dbSize = r.int64Number();
        break;
      case 32:
        m.leader = r.uint64();
        break;
      case 40:
        m.raftIndex = r.uint64Number();
        break;
      case 48:
        m.raftTerm = r.uint64Number();
        break;
      case 56:
        m.raftAppliedIndex = r.uint64Number();
        break;
      case 66:
        m.errors.push(r.string());
        break;
      case 72:
        m.dbSizeInUse = r.int64Number();
        break;
      case 80:
        m.isLearner = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const StatusResponse: ProtoCodec<StatusResponse> = {
  create: (init) => (init === undefined ? createStatusResponse() : { ...createStatusResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeStatusResponse(w, message)),
  decode: (bytes) => decodeStatusResponse(new Reader(bytes)),
};

export interface DefragmentRequest {
}

function createDefragmentRequest(): DefragmentRequest {
  return {
  };
}

export function writeDefragmentRequest(_w: Writer, _m: DefragmentRequest): void {
}

export function decodeDefragmentRequest(r: Reader): DefragmentRequest {
  const m = createDefragmentRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DefragmentRequest: ProtoCodec<DefragmentRequest> = {
  create: (init) => (init === undefined ? createDefragmentRequest() : { ...createDefragmentRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeDefragmentRequest(w, message)),
  decode: (bytes) => decodeDefragmentRequest(new Reader(bytes)),
};

export interface DefragmentResponse {
  header?: ResponseHeader | undefined;
}

function createDefragmentResponse(): DefragmentResponse {
  return {
    header: undefined,
  };
}

export function writeDefragmentResponse(w: Writer, m: DefragmentResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeDefragmentResponse(r: Reader): DefragmentResponse {
  const m = createDefragmentResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DefragmentResponse: ProtoCodec<DefragmentResponse> = {
  create: (init) => (init === undefined ? createDefragmentResponse() : { ...createDefragmentResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeDefragmentResponse(w, message)),
  decode: (bytes) => decodeDefragmentResponse(new Reader(bytes)),
};

export interface HashRequest {
}

function createHashRequest(): HashRequest {
  return {
  };
}

export function writeHashRequest(_w: Writer, _m: HashRequest): void {
}

export function decodeHashRequest(r: Reader): HashRequest {
  const m = createHashRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HashRequest: ProtoCodec<HashRequest> = {
  create: (init) => (init === undefined ? createHashRequest() : { ...createHashRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeHashRequest(w, message)),
  decode: (bytes) => decodeHashRequest(new Reader(bytes)),
};

export interface HashResponse {
  header?: ResponseHeader | undefined;
  hash: number;
}

function createHashResponse(): HashResponse {
  return {
    header: undefined,
    hash: 0,
  };
}

export function writeHashResponse(w: Writer, m: HashResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.hash === 0)) { w.uint32(16); w.uint32(m.hash); }
}

export function decodeHashResponse(r: Reader): HashResponse {
  const m = createHashResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.hash = r.uint32();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HashResponse: ProtoCodec<HashResponse> = {
  create: (init) => (init === undefined ? createHashResponse() : { ...createHashResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeHashResponse(w, message)),
  decode: (bytes) => decodeHashResponse(new Reader(bytes)),
};

export interface HashKVRequest {
  revision: number;
}

function createHashKVRequest(): HashKVRequest {
  return {
    revision: 0,
  };
}

export function writeHashKVRequest(w: Writer, m: HashKVRequest): void {
  if (!(m.revision === 0)) { w.uint32(8); w.varintNumber(m.revision); }
}

export function decodeHashKVRequest(r: Reader): HashKVRequest {
  const m = createHashKVRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.revision = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HashKVRequest: ProtoCodec<HashKVRequest> = {
  create: (init) => (init === undefined ? createHashKVRequest() : { ...createHashKVRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeHashKVRequest(w, message)),
  decode: (bytes) => decodeHashKVRequest(new Reader(bytes)),
};

export interface HashKVResponse {
  header?: ResponseHeader | undefined;
  hash: number;
  compact_revision: number;
}

function createHashKVResponse(): HashKVResponse {
  return {
    header: undefined,
    hash: 0,
    compact_revision: 0,
  };
}

export function writeHashKVResponse(w: Writer, m: HashKVResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.hash === 0)) { w.uint32(16); w.uint32(m.hash); }
  if (!(m.compact_revision === 0)) { w.uint32(24); w.varintNumber(m.compact_revision); }
}

export function decodeHashKVResponse(r: Reader): HashKVResponse {
  const m = createHashKVResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.hash = r.uint32();
        break;
      case 24:
        m.compact_revision = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HashKVResponse: ProtoCodec<HashKVResponse> = {
  create: (init) => (init === undefined ? createHashKVResponse() : { ...createHashKVResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeHashKVResponse(w, message)),
  decode: (bytes) => decodeHashKVResponse(new Reader(bytes)),
};

export interface SnapshotRequest {
}

function createSnapshotRequest(): SnapshotRequest {
  return {
  };
}

export function writeSnapshotRequest(_w: Writer, _m: SnapshotRequest): void {
}

export function decodeSnapshotRequest(r: Reader): SnapshotRequest {
  const m = createSnapshotRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const SnapshotRequest: ProtoCodec<SnapshotRequest> = {
  create: (init) => (init === undefined ? createSnapshotRequest() : { ...createSnapshotRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapshotRequest(w, message)),
  decode: (bytes) => decodeSnapshotRequest(new Reader(bytes)),
};

export interface SnapshotResponse {
  header?: ResponseHeader | undefined;
  remaining_bytes: number;
  blob: Uint8Array;
}

function createSnapshotResponse(): SnapshotResponse {
  return {
    header: undefined,
    remaining_bytes: 0,
    blob: empty,
  };
}

export function writeSnapshotResponse(w: Writer, m: SnapshotResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.remaining_bytes === 0)) { w.uint32(16); w.varintNumber(m.remaining_bytes); }
  if (!(m.blob.length === 0)) { w.uint32(26); w.bytes(m.blob); }
}

export function decodeSnapshotResponse(r: Reader): SnapshotResponse {
  const m = createSnapshotResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.remaining_bytes = r.uint64Number();
        break;
      case 26:
        m.blob = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const SnapshotResponse: ProtoCodec<SnapshotResponse> = {
  create: (init) => (init === undefined ? createSnapshotResponse() : { ...createSnapshotResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapshotResponse(w, message)),
  decode: (bytes) => decodeSnapshotResponse(new Reader(bytes)),
};

export interface MoveLeaderRequest {
  targetID: bigint;
}

function createMoveLeaderRequest(): MoveLeaderRequest {
  return {
    targetID: 0n,
  };
}

export function writeMoveLeaderRequest(w: Writer, m: MoveLeaderRequest): void {
  if (!(m.targetID === 0n)) { w.uint32(8); w.varint64(m.targetID); }
}

export function decodeMoveLeaderRequest(r: Reader): MoveLeaderRequest {
  const m = createMoveLeaderRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.targetID = r.uint64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MoveLeaderRequest: ProtoCodec<MoveLeaderRequest> = {
  create: (init) => (init === undefined ? createMoveLeaderRequest() : { ...createMoveLeaderRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeMoveLeaderRequest(w, message)),
  decode: (bytes) => decodeMoveLeaderRequest(new Reader(bytes)),
};

export interface MoveLeaderResponse {
  header?: ResponseHeader | undefined;
}

function createMoveLeaderResponse(): MoveLeaderResponse {
  return {
    header: undefined,
  };
}

export function writeMoveLeaderResponse(w: Writer, m: MoveLeaderResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeMoveLeaderResponse(r: Reader): MoveLeaderResponse {
  const m = createMoveLeaderResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const MoveLeaderResponse: ProtoCodec<MoveLeaderResponse> = {
  create: (init) => (init === undefined ? createMoveLeaderResponse() : { ...createMoveLeaderResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeMoveLeaderResponse(w, message)),
  decode: (bytes) => decodeMoveLeaderResponse(new Reader(bytes)),
};

export const DowngradeRequest_DowngradeAction = {
  VALIDATE: 0,
  ENABLE: 1,
  CANCEL: 2,
} as const;
export type DowngradeRequest_DowngradeAction = (typeof DowngradeRequest_DowngradeAction)[keyof typeof DowngradeRequest_DowngradeAction];

export interface DowngradeRequest {
  action: DowngradeRequest_DowngradeAction;
  version: string;
}

function createDowngradeRequest(): DowngradeRequest {
  return {
    action: 0,
    version: '',
  };
}

export function writeDowngradeRequest(w: Writer, m: DowngradeRequest): void {
  if (!(m.action === 0)) { w.uint32(8); w.int32(m.action); }
  if (!(m.version === '')) { w.uint32(18); w.string(m.version); }
}

export function decodeDowngradeRequest(r: Reader): DowngradeRequest {
  const m = createDowngradeRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.action = r.int32() as DowngradeRequest_DowngradeAction;
        break;
      case 18:
        m.version = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DowngradeRequest: ProtoCodec<DowngradeRequest> = {
  create: (init) => (init === undefined ? createDowngradeRequest() : { ...createDowngradeRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeDowngradeRequest(w, message)),
  decode: (bytes) => decodeDowngradeRequest(new Reader(bytes)),
};

export interface DowngradeResponse {
  header?: ResponseHeader | undefined;
  version: string;
}

function createDowngradeResponse(): DowngradeResponse {
  return {
    header: undefined,
    version: '',
  };
}

export function writeDowngradeResponse(w: Writer, m: DowngradeResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.version === '')) { w.uint32(18); w.string(m.version); }
}

export function decodeDowngradeResponse(r: Reader): DowngradeResponse {
  const m = createDowngradeResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.version = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DowngradeResponse: ProtoCodec<DowngradeResponse> = {
  create: (init) => (init === undefined ? createDowngradeResponse() : { ...createDowngradeResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeDowngradeResponse(w, message)),
  decode: (bytes) => decodeDowngradeResponse(new Reader(bytes)),
};

export interface AuthEnableRequest {
}

function createAuthEnableRequest(): AuthEnableRequest {
  return {
  };
}

export function writeAuthEnableRequest(_w: Writer, _m: AuthEnableRequest): void {
}

export function decodeAuthEnableRequest(r: Reader): AuthEnableRequest {
  const m = createAuthEnableRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthEnableRequest: ProtoCodec<AuthEnableRequest> = {
  create: (init) => (init === undefined ? createAuthEnableRequest() : { ...createAuthEnableRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthEnableRequest(w, message)),
  decode: (bytes) => decodeAuthEnableRequest(new Reader(bytes)),
};

export interface AuthDisableRequest {
}

function createAuthDisableRequest(): AuthDisableRequest {
  return {
  };
}

export function writeAuthDisableRequest(_w: Writer, _m: AuthDisableRequest): void {
}

export function decodeAuthDisableRequest(r: Reader): AuthDisableRequest {
  const m = createAuthDisableRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthDisableRequest: ProtoCodec<AuthDisableRequest> = {
  create: (init) => (init === undefined ? createAuthDisableRequest() : { ...createAuthDisableRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthDisableRequest(w, message)),
  decode: (bytes) => decodeAuthDisableRequest(new Reader(bytes)),
};

export interface AuthStatusRequest {
}

function createAuthStatusRequest(): AuthStatusRequest {
  return {
  };
}

export function writeAuthStatusRequest(_w: Writer, _m: AuthStatusRequest): void {
}

export function decodeAuthStatusRequest(r: Reader): AuthStatusRequest {
  const m = createAuthStatusRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthStatusRequest: ProtoCodec<AuthStatusRequest> = {
  create: (init) => (init === undefined ? createAuthStatusRequest() : { ...createAuthStatusRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthStatusRequest(w, message)),
  decode: (bytes) => decodeAuthStatusRequest(new Reader(bytes)),
};

export interface AuthenticateRequest {
  name: string;
  password: string;
}

function createAuthenticateRequest(): AuthenticateRequest {
  return {
    name: '',
    password: '',
  };
}

export function writeAuthenticateRequest(w: Writer, m: AuthenticateRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (!(m.password === '')) { w.uint32(18); w.string(m.password); }
}

export function decodeAuthenticateRequest(r: Reader): AuthenticateRequest {
  const m = createAuthenticateRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      case 18:
        m.password = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthenticateRequest: ProtoCodec<AuthenticateRequest> = {
  create: (init) => (init === undefined ? createAuthenticateRequest() : { ...createAuthenticateRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthenticateRequest(w, message)),
  decode: (bytes) => decodeAuthenticateRequest(new Reader(bytes)),
};

export interface AuthUserAddRequest {
  name: string;
  password: string;
  options?: UserAddOptions | undefined;
  hashedPassword: string;
}

function createAuthUserAddRequest(): AuthUserAddRequest {
  return {
    name: '',
    password: '',
    options: undefined,
    hashedPassword: '',
  };
}

export function writeAuthUserAddRequest(w: Writer, m: AuthUserAddRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (!(m.password === '')) { w.uint32(18); w.string(m.password); }
  if (m.options !== undefined) { w.uint32(26); { const s = w.open(); writeUserAddOptions(w, m.options); w.close(s); } }
  if (!(m.hashedPassword === '')) { w.uint32(34); w.string(m.hashedPassword); }
}

export function decodeAuthUserAddRequest(r: Reader): AuthUserAddRequest {
  const m = createAuthUserAddRequest();
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
        m.options = r.message(decodeUserAddOptions);
        break;
      case 34:
        m.hashedPassword = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserAddRequest: ProtoCodec<AuthUserAddRequest> = {
  create: (init) => (init === undefined ? createAuthUserAddRequest() : { ...createAuthUserAddRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserAddRequest(w, message)),
  decode: (bytes) => decodeAuthUserAddRequest(new Reader(bytes)),
};

export interface AuthUserGetRequest {
  name: string;
}

function createAuthUserGetRequest(): AuthUserGetRequest {
  return {
    name: '',
  };
}

export function writeAuthUserGetRequest(w: Writer, m: AuthUserGetRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
}

export function decodeAuthUserGetRequest(r: Reader): AuthUserGetRequest {
  const m = createAuthUserGetRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserGetRequest: ProtoCodec<AuthUserGetRequest> = {
  create: (init) => (init === undefined ? createAuthUserGetRequest() : { ...createAuthUserGetRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserGetRequest(w, message)),
  decode: (bytes) => decodeAuthUserGetRequest(new Reader(bytes)),
};

export interface AuthUserDeleteRequest {
  name: string;
}

function createAuthUserDeleteRequest(): AuthUserDeleteRequest {
  return {
    name: '',
  };
}

export function writeAuthUserDeleteRequest(w: Writer, m: AuthUserDeleteRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
}

export function decodeAuthUserDeleteRequest(r: Reader): AuthUserDeleteRequest {
  const m = createAuthUserDeleteRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserDeleteRequest: ProtoCodec<AuthUserDeleteRequest> = {
  create: (init) => (init === undefined ? createAuthUserDeleteRequest() : { ...createAuthUserDeleteRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserDeleteRequest(w, message)),
  decode: (bytes) => decodeAuthUserDeleteRequest(new Reader(bytes)),
};

export interface AuthUserChangePasswordRequest {
  name: string;
  password: string;
  hashedPassword: string;
}

function createAuthUserChangePasswordRequest(): AuthUserChangePasswordRequest {
  return {
    name: '',
    password: '',
    hashedPassword: '',
  };
}

export function writeAuthUserChangePasswordRequest(w: Writer, m: AuthUserChangePasswordRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (!(m.password === '')) { w.uint32(18); w.string(m.password); }
  if (!(m.hashedPassword === '')) { w.uint32(26); w.string(m.hashedPassword); }
}

export function decodeAuthUserChangePasswordRequest(r: Reader): AuthUserChangePasswordRequest {
  const m = createAuthUserChangePasswordRequest();
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
        m.hashedPassword = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserChangePasswordRequest: ProtoCodec<AuthUserChangePasswordRequest> = {
  create: (init) => (init === undefined ? createAuthUserChangePasswordRequest() : { ...createAuthUserChangePasswordRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserChangePasswordRequest(w, message)),
  decode: (bytes) => decodeAuthUserChangePasswordRequest(new Reader(bytes)),
};

export interface AuthUserGrantRoleRequest {
  user: string;
  role: string;
}

function createAuthUserGrantRoleRequest(): AuthUserGrantRoleRequest {
  return {
    user: '',
    role: '',
  };
}

export function writeAuthUserGrantRoleRequest(w: Writer, m: AuthUserGrantRoleRequest): void {
  if (!(m.user === '')) { w.uint32(10); w.string(m.user); }
  if (!(m.role === '')) { w.uint32(18); w.string(m.role); }
}

export function decodeAuthUserGrantRoleRequest(r: Reader): AuthUserGrantRoleRequest {
  const m = createAuthUserGrantRoleRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.user = r.string();
        break;
      case 18:
        m.role = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserGrantRoleRequest: ProtoCodec<AuthUserGrantRoleRequest> = {
  create: (init) => (init === undefined ? createAuthUserGrantRoleRequest() : { ...createAuthUserGrantRoleRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserGrantRoleRequest(w, message)),
  decode: (bytes) => decodeAuthUserGrantRoleRequest(new Reader(bytes)),
};

export interface AuthUserRevokeRoleRequest {
  name: string;
  role: string;
}

function createAuthUserRevokeRoleRequest(): AuthUserRevokeRoleRequest {
  return {
    name: '',
    role: '',
  };
}

export function writeAuthUserRevokeRoleRequest(w: Writer, m: AuthUserRevokeRoleRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (!(m.role === '')) { w.uint32(18); w.string(m.role); }
}

export function decodeAuthUserRevokeRoleRequest(r: Reader): AuthUserRevokeRoleRequest {
  const m = createAuthUserRevokeRoleRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      case 18:
        m.role = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserRevokeRoleRequest: ProtoCodec<AuthUserRevokeRoleRequest> = {
  create: (init) => (init === undefined ? createAuthUserRevokeRoleRequest() : { ...createAuthUserRevokeRoleRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserRevokeRoleRequest(w, message)),
  decode: (bytes) => decodeAuthUserRevokeRoleRequest(new Reader(bytes)),
};

export interface AuthUserListRequest {
}

function createAuthUserListRequest(): AuthUserListRequest {
  return {
  };
}

export function writeAuthUserListRequest(_w: Writer, _m: AuthUserListRequest): void {
}

export function decodeAuthUserListRequest(r: Reader): AuthUserListRequest {
  const m = createAuthUserListRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserListRequest: ProtoCodec<AuthUserListRequest> = {
  create: (init) => (init === undefined ? createAuthUserListRequest() : { ...createAuthUserListRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserListRequest(w, message)),
  decode: (bytes) => decodeAuthUserListRequest(new Reader(bytes)),
};

export interface AuthRoleListRequest {
}

function createAuthRoleListRequest(): AuthRoleListRequest {
  return {
  };
}

export function writeAuthRoleListRequest(_w: Writer, _m: AuthRoleListRequest): void {
}

export function decodeAuthRoleListRequest(r: Reader): AuthRoleListRequest {
  const m = createAuthRoleListRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleListRequest: ProtoCodec<AuthRoleListRequest> = {
  create: (init) => (init === undefined ? createAuthRoleListRequest() : { ...createAuthRoleListRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleListRequest(w, message)),
  decode: (bytes) => decodeAuthRoleListRequest(new Reader(bytes)),
};

export interface AuthRoleAddRequest {
  name: string;
}

function createAuthRoleAddRequest(): AuthRoleAddRequest {
  return {
    name: '',
  };
}

export function writeAuthRoleAddRequest(w: Writer, m: AuthRoleAddRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
}

export function decodeAuthRoleAddRequest(r: Reader): AuthRoleAddRequest {
  const m = createAuthRoleAddRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleAddRequest: ProtoCodec<AuthRoleAddRequest> = {
  create: (init) => (init === undefined ? createAuthRoleAddRequest() : { ...createAuthRoleAddRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleAddRequest(w, message)),
  decode: (bytes) => decodeAuthRoleAddRequest(new Reader(bytes)),
};

export interface AuthRoleGetRequest {
  role: string;
}

function createAuthRoleGetRequest(): AuthRoleGetRequest {
  return {
    role: '',
  };
}

export function writeAuthRoleGetRequest(w: Writer, m: AuthRoleGetRequest): void {
  if (!(m.role === '')) { w.uint32(10); w.string(m.role); }
}

export function decodeAuthRoleGetRequest(r: Reader): AuthRoleGetRequest {
  const m = createAuthRoleGetRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.role = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleGetRequest: ProtoCodec<AuthRoleGetRequest> = {
  create: (init) => (init === undefined ? createAuthRoleGetRequest() : { ...createAuthRoleGetRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleGetRequest(w, message)),
  decode: (bytes) => decodeAuthRoleGetRequest(new Reader(bytes)),
};

export interface AuthRoleDeleteRequest {
  role: string;
}

function createAuthRoleDeleteRequest(): AuthRoleDeleteRequest {
  return {
    role: '',
  };
}

export function writeAuthRoleDeleteRequest(w: Writer, m: AuthRoleDeleteRequest): void {
  if (!(m.role === '')) { w.uint32(10); w.string(m.role); }
}

export function decodeAuthRoleDeleteRequest(r: Reader): AuthRoleDeleteRequest {
  const m = createAuthRoleDeleteRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.role = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleDeleteRequest: ProtoCodec<AuthRoleDeleteRequest> = {
  create: (init) => (init === undefined ? createAuthRoleDeleteRequest() : { ...createAuthRoleDeleteRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleDeleteRequest(w, message)),
  decode: (bytes) => decodeAuthRoleDeleteRequest(new Reader(bytes)),
};

export interface AuthRoleGrantPermissionRequest {
  name: string;
  perm?: Permission | undefined;
}

function createAuthRoleGrantPermissionRequest(): AuthRoleGrantPermissionRequest {
  return {
    name: '',
    perm: undefined,
  };
}

export function writeAuthRoleGrantPermissionRequest(w: Writer, m: AuthRoleGrantPermissionRequest): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  if (m.perm !== undefined) { w.uint32(18); { const s = w.open(); writePermission(w, m.perm); w.close(s); } }
}

export function decodeAuthRoleGrantPermissionRequest(r: Reader): AuthRoleGrantPermissionRequest {
  const m = createAuthRoleGrantPermissionRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      case 18:
        m.perm = r.message(decodePermission);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleGrantPermissionRequest: ProtoCodec<AuthRoleGrantPermissionRequest> = {
  create: (init) => (init === undefined ? createAuthRoleGrantPermissionRequest() : { ...createAuthRoleGrantPermissionRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleGrantPermissionRequest(w, message)),
  decode: (bytes) => decodeAuthRoleGrantPermissionRequest(new Reader(bytes)),
};

export interface AuthRoleRevokePermissionRequest {
  role: string;
  key: Uint8Array;
  range_end: Uint8Array;
}

function createAuthRoleRevokePermissionRequest(): AuthRoleRevokePermissionRequest {
  return {
    role: '',
    key: empty,
    range_end: empty,
  };
}

export function writeAuthRoleRevokePermissionRequest(w: Writer, m: AuthRoleRevokePermissionRequest): void {
  if (!(m.role === '')) { w.uint32(10); w.string(m.role); }
  if (!(m.key.length === 0)) { w.uint32(18); w.bytes(m.key); }
  if (!(m.range_end.length === 0)) { w.uint32(26); w.bytes(m.range_end); }
}

export function decodeAuthRoleRevokePermissionRequest(r: Reader): AuthRoleRevokePermissionRequest {
  const m = createAuthRoleRevokePermissionRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.role = r.string();
        break;
      case 18:
        m.key = r.bytes();
        break;
      case 26:
        m.range_end = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleRevokePermissionRequest: ProtoCodec<AuthRoleRevokePermissionRequest> = {
  create: (init) => (init === undefined ? createAuthRoleRevokePermissionRequest() : { ...createAuthRoleRevokePermissionRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleRevokePermissionRequest(w, message)),
  decode: (bytes) => decodeAuthRoleRevokePermissionRequest(new Reader(bytes)),
};

export interface AuthEnableResponse {
  header?: ResponseHeader | undefined;
}

function createAuthEnableResponse(): AuthEnableResponse {
  return {
    header: undefined,
  };
}

export function writeAuthEnableResponse(w: Writer, m: AuthEnableResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthEnableResponse(r: Reader): AuthEnableResponse {
  const m = createAuthEnableResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthEnableResponse: ProtoCodec<AuthEnableResponse> = {
  create: (init) => (init === undefined ? createAuthEnableResponse() : { ...createAuthEnableResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthEnableResponse(w, message)),
  decode: (bytes) => decodeAuthEnableResponse(new Reader(bytes)),
};

export interface AuthDisableResponse {
  header?: ResponseHeader | undefined;
}

function createAuthDisableResponse(): AuthDisableResponse {
  return {
    header: undefined,
  };
}

export function writeAuthDisableResponse(w: Writer, m: AuthDisableResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthDisableResponse(r: Reader): AuthDisableResponse {
  const m = createAuthDisableResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthDisableResponse: ProtoCodec<AuthDisableResponse> = {
  create: (init) => (init === undefined ? createAuthDisableResponse() : { ...createAuthDisableResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthDisableResponse(w, message)),
  decode: (bytes) => decodeAuthDisableResponse(new Reader(bytes)),
};

export interface AuthStatusResponse {
  header?: ResponseHeader | undefined;
  enabled: boolean;
  authRevision: number;
}

function createAuthStatusResponse(): AuthStatusResponse {
  return {
    header: undefined,
    enabled: false,
    authRevision: 0,
  };
}

export function writeAuthStatusResponse(w: Writer, m: AuthStatusResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(!m.enabled)) { w.uint32(16); w.bool(m.enabled); }
  if (!(m.authRevision === 0)) { w.uint32(24); w.varintNumber(m.authRevision); }
}

export function decodeAuthStatusResponse(r: Reader): AuthStatusResponse {
  const m = createAuthStatusResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 16:
        m.enabled = r.bool();
        break;
      case 24:
        m.authRevision = r.uint64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthStatusResponse: ProtoCodec<AuthStatusResponse> = {
  create: (init) => (init === undefined ? createAuthStatusResponse() : { ...createAuthStatusResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthStatusResponse(w, message)),
  decode: (bytes) => decodeAuthStatusResponse(new Reader(bytes)),
};

export interface AuthenticateResponse {
  header?: ResponseHeader | undefined;
  token: string;
}

function createAuthenticateResponse(): AuthenticateResponse {
  return {
    header: undefined,
    token: '',
  };
}

export function writeAuthenticateResponse(w: Writer, m: AuthenticateResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.token === '')) { w.uint32(18); w.string(m.token); }
}

export function decodeAuthenticateResponse(r: Reader): AuthenticateResponse {
  const m = createAuthenticateResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.token = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthenticateResponse: ProtoCodec<AuthenticateResponse> = {
  create: (init) => (init === undefined ? createAuthenticateResponse() : { ...createAuthenticateResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthenticateResponse(w, message)),
  decode: (bytes) => decodeAuthenticateResponse(new Reader(bytes)),
};

export interface AuthUserAddResponse {
  header?: ResponseHeader | undefined;
}

function createAuthUserAddResponse(): AuthUserAddResponse {
  return {
    header: undefined,
  };
}

export function writeAuthUserAddResponse(w: Writer, m: AuthUserAddResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthUserAddResponse(r: Reader): AuthUserAddResponse {
  const m = createAuthUserAddResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserAddResponse: ProtoCodec<AuthUserAddResponse> = {
  create: (init) => (init === undefined ? createAuthUserAddResponse() : { ...createAuthUserAddResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserAddResponse(w, message)),
  decode: (bytes) => decodeAuthUserAddResponse(new Reader(bytes)),
};

export interface AuthUserGetResponse {
  header?: ResponseHeader | undefined;
  roles: string[];
}

function createAuthUserGetResponse(): AuthUserGetResponse {
  return {
    header: undefined,
    roles: [],
  };
}

export function writeAuthUserGetResponse(w: Writer, m: AuthUserGetResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.roles) { w.uint32(18); w.string(v); }
}

export function decodeAuthUserGetResponse(r: Reader): AuthUserGetResponse {
  const m = createAuthUserGetResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.roles.push(r.string());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserGetResponse: ProtoCodec<AuthUserGetResponse> = {
  create: (init) => (init === undefined ? createAuthUserGetResponse() : { ...createAuthUserGetResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserGetResponse(w, message)),
  decode: (bytes) => decodeAuthUserGetResponse(new Reader(bytes)),
};

export interface AuthUserListResponse {
  header?: ResponseHeader | undefined;
  users: string[];
}

function createAuthUserListResponse(): AuthUserListResponse {
  return {
    header: undefined,
    users: [],
  };
}

export function writeAuthUserListResponse(w: Writer, m: AuthUserListResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.users) { w.uint32(18); w.string(v); }
}

export function decodeAuthUserListResponse(r: Reader): AuthUserListResponse {
  const m = createAuthUserListResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.users.push(r.string());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserListResponse: ProtoCodec<AuthUserListResponse> = {
  create: (init) => (init === undefined ? createAuthUserListResponse() : { ...createAuthUserListResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserListResponse(w, message)),
  decode: (bytes) => decodeAuthUserListResponse(new Reader(bytes)),
};

export interface AuthUserDeleteResponse {
  header?: ResponseHeader | undefined;
}

function createAuthUserDeleteResponse(): AuthUserDeleteResponse {
  return {
    header: undefined,
  };
}

export function writeAuthUserDeleteResponse(w: Writer, m: AuthUserDeleteResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthUserDeleteResponse(r: Reader): AuthUserDeleteResponse {
  const m = createAuthUserDeleteResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserDeleteResponse: ProtoCodec<AuthUserDeleteResponse> = {
  create: (init) => (init === undefined ? createAuthUserDeleteResponse() : { ...createAuthUserDeleteResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserDeleteResponse(w, message)),
  decode: (bytes) => decodeAuthUserDeleteResponse(new Reader(bytes)),
};

export interface AuthUserChangePasswordResponse {
  header?: ResponseHeader | undefined;
}

function createAuthUserChangePasswordResponse(): AuthUserChangePasswordResponse {
  return {
    header: undefined,
  };
}

export function writeAuthUserChangePasswordResponse(w: Writer, m: AuthUserChangePasswordResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthUserChangePasswordResponse(r: Reader): AuthUserChangePasswordResponse {
  const m = createAuthUserChangePasswordResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserChangePasswordResponse: ProtoCodec<AuthUserChangePasswordResponse> = {
  create: (init) => (init === undefined ? createAuthUserChangePasswordResponse() : { ...createAuthUserChangePasswordResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserChangePasswordResponse(w, message)),
  decode: (bytes) => decodeAuthUserChangePasswordResponse(new Reader(bytes)),
};

export interface AuthUserGrantRoleResponse {
  header?: ResponseHeader | undefined;
}

function createAuthUserGrantRoleResponse(): AuthUserGrantRoleResponse {
  return {
    header: undefined,
  };
}

export function writeAuthUserGrantRoleResponse(w: Writer, m: AuthUserGrantRoleResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthUserGrantRoleResponse(r: Reader): AuthUserGrantRoleResponse {
  const m = createAuthUserGrantRoleResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserGrantRoleResponse: ProtoCodec<AuthUserGrantRoleResponse> = {
  create: (init) => (init === undefined ? createAuthUserGrantRoleResponse() : { ...createAuthUserGrantRoleResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserGrantRoleResponse(w, message)),
  decode: (bytes) => decodeAuthUserGrantRoleResponse(new Reader(bytes)),
};

export interface AuthUserRevokeRoleResponse {
  header?: ResponseHeader | undefined;
}

function createAuthUserRevokeRoleResponse(): AuthUserRevokeRoleResponse {
  return {
    header: undefined,
  };
}

export function writeAuthUserRevokeRoleResponse(w: Writer, m: AuthUserRevokeRoleResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthUserRevokeRoleResponse(r: Reader): AuthUserRevokeRoleResponse {
  const m = createAuthUserRevokeRoleResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthUserRevokeRoleResponse: ProtoCodec<AuthUserRevokeRoleResponse> = {
  create: (init) => (init === undefined ? createAuthUserRevokeRoleResponse() : { ...createAuthUserRevokeRoleResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthUserRevokeRoleResponse(w, message)),
  decode: (bytes) => decodeAuthUserRevokeRoleResponse(new Reader(bytes)),
};

export interface AuthRoleAddResponse {
  header?: ResponseHeader | undefined;
}

function createAuthRoleAddResponse(): AuthRoleAddResponse {
  return {
    header: undefined,
  };
}

export function writeAuthRoleAddResponse(w: Writer, m: AuthRoleAddResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthRoleAddResponse(r: Reader): AuthRoleAddResponse {
  const m = createAuthRoleAddResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleAddResponse: ProtoCodec<AuthRoleAddResponse> = {
  create: (init) => (init === undefined ? createAuthRoleAddResponse() : { ...createAuthRoleAddResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleAddResponse(w, message)),
  decode: (bytes) => decodeAuthRoleAddResponse(new Reader(bytes)),
};

export interface AuthRoleGetResponse {
  header?: ResponseHeader | undefined;
  perm: Permission[];
}

function createAuthRoleGetResponse(): AuthRoleGetResponse {
  return {
    header: undefined,
    perm: [],
  };
}

export function writeAuthRoleGetResponse(w: Writer, m: AuthRoleGetResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.perm) { w.uint32(18); { const s = w.open(); writePermission(w, v); w.close(s); } }
}

export function decodeAuthRoleGetResponse(r: Reader): AuthRoleGetResponse {
  const m = createAuthRoleGetResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.perm.push(r.message(decodePermission));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleGetResponse: ProtoCodec<AuthRoleGetResponse> = {
  create: (init) => (init === undefined ? createAuthRoleGetResponse() : { ...createAuthRoleGetResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleGetResponse(w, message)),
  decode: (bytes) => decodeAuthRoleGetResponse(new Reader(bytes)),
};

export interface AuthRoleListResponse {
  header?: ResponseHeader | undefined;
  roles: string[];
}

function createAuthRoleListResponse(): AuthRoleListResponse {
  return {
    header: undefined,
    roles: [],
  };
}

export function writeAuthRoleListResponse(w: Writer, m: AuthRoleListResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  for (const v of m.roles) { w.uint32(18); w.string(v); }
}

export function decodeAuthRoleListResponse(r: Reader): AuthRoleListResponse {
  const m = createAuthRoleListResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.roles.push(r.string());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleListResponse: ProtoCodec<AuthRoleListResponse> = {
  create: (init) => (init === undefined ? createAuthRoleListResponse() : { ...createAuthRoleListResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleListResponse(w, message)),
  decode: (bytes) => decodeAuthRoleListResponse(new Reader(bytes)),
};

export interface AuthRoleDeleteResponse {
  header?: ResponseHeader | undefined;
}

function createAuthRoleDeleteResponse(): AuthRoleDeleteResponse {
  return {
    header: undefined,
  };
}

export function writeAuthRoleDeleteResponse(w: Writer, m: AuthRoleDeleteResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthRoleDeleteResponse(r: Reader): AuthRoleDeleteResponse {
  const m = createAuthRoleDeleteResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleDeleteResponse: ProtoCodec<AuthRoleDeleteResponse> = {
  create: (init) => (init === undefined ? createAuthRoleDeleteResponse() : { ...createAuthRoleDeleteResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleDeleteResponse(w, message)),
  decode: (bytes) => decodeAuthRoleDeleteResponse(new Reader(bytes)),
};

export interface AuthRoleGrantPermissionResponse {
  header?: ResponseHeader | undefined;
}

function createAuthRoleGrantPermissionResponse(): AuthRoleGrantPermissionResponse {
  return {
    header: undefined,
  };
}

export function writeAuthRoleGrantPermissionResponse(w: Writer, m: AuthRoleGrantPermissionResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthRoleGrantPermissionResponse(r: Reader): AuthRoleGrantPermissionResponse {
  const m = createAuthRoleGrantPermissionResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleGrantPermissionResponse: ProtoCodec<AuthRoleGrantPermissionResponse> = {
  create: (init) => (init === undefined ? createAuthRoleGrantPermissionResponse() : { ...createAuthRoleGrantPermissionResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleGrantPermissionResponse(w, message)),
  decode: (bytes) => decodeAuthRoleGrantPermissionResponse(new Reader(bytes)),
};

export interface AuthRoleRevokePermissionResponse {
  header?: ResponseHeader | undefined;
}

function createAuthRoleRevokePermissionResponse(): AuthRoleRevokePermissionResponse {
  return {
    header: undefined,
  };
}

export function writeAuthRoleRevokePermissionResponse(w: Writer, m: AuthRoleRevokePermissionResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeAuthRoleRevokePermissionResponse(r: Reader): AuthRoleRevokePermissionResponse {
  const m = createAuthRoleRevokePermissionResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const AuthRoleRevokePermissionResponse: ProtoCodec<AuthRoleRevokePermissionResponse> = {
  create: (init) => (init === undefined ? createAuthRoleRevokePermissionResponse() : { ...createAuthRoleRevokePermissionResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeAuthRoleRevokePermissionResponse(w, message)),
  decode: (bytes) => decodeAuthRoleRevokePermissionResponse(new Reader(bytes)),
};

export const KVService = {
  Range: {
    path: '/etcdserverpb.KV/Range',
    requestStream: false,
    responseStream: false,
    request: RangeRequest,
    response: RangeResponse,
  } satisfies MethodDefinition<RangeRequest, RangeResponse>,
  Put: {
    path: '/etcdserverpb.KV/Put',
    requestStream: false,
    responseStream: false,
    request: PutRequest,
    response: PutResponse,
  } satisfies MethodDefinition<PutRequest, PutResponse>,
  DeleteRange: {
    path: '/etcdserverpb.KV/DeleteRange',
    requestStream: false,
    responseStream: false,
    request: DeleteRangeRequest,
    response: DeleteRangeResponse,
  } satisfies MethodDefinition<DeleteRangeRequest, DeleteRangeResponse>,
  Txn: {
    path: '/etcdserverpb.KV/Txn',
    requestStream: false,
    responseStream: false,
    request: TxnRequest,
    response: TxnResponse,
  } satisfies MethodDefinition<TxnRequest, TxnResponse>,
  Compact: {
    path: '/etcdserverpb.KV/Compact',
    requestStream: false,
    responseStream: false,
    request: CompactionRequest,
    response: CompactionResponse,
  } satisfies MethodDefinition<CompactionRequest, CompactionResponse>,
};

export const WatchService = {
  Watch: {
    path: '/etcdserverpb.Watch/Watch',
    requestStream: true,
    responseStream: true,
    request: WatchRequest,
    response: WatchResponse,
  } satisfies MethodDefinition<WatchRequest, WatchResponse>,
};

export const LeaseService = {
  LeaseGrant: {
    path: '/etcdserverpb.Lease/LeaseGrant',
    requestStream: false,
    responseStream: false,
    request: LeaseGrantRequest,
    response: LeaseGrantResponse,
  } satisfies MethodDefinition<LeaseGrantRequest, LeaseGrantResponse>,
  LeaseRevoke: {
    path: '/etcdserverpb.Lease/LeaseRevoke',
    requestStream: false,
    responseStream: false,
    request: LeaseRevokeRequest,
    response: LeaseRevokeResponse,
  } satisfies MethodDefinition<LeaseRevokeRequest, LeaseRevokeResponse>,
  LeaseKeepAlive: {
    path: '/etcdserverpb.Lease/LeaseKeepAlive',
    requestStream: true,
    responseStream: true,
    request: LeaseKeepAliveRequest,
    response: LeaseKeepAliveResponse,
  } satisfies MethodDefinition<LeaseKeepAliveRequest, LeaseKeepAliveResponse>,
  LeaseTimeToLive: {
    path: '/etcdserverpb.Lease/LeaseTimeToLive',
    requestStream: false,
    responseStream: false,
    request: LeaseTimeToLiveRequest,
    response: LeaseTimeToLiveResponse,
  } satisfies MethodDefinition<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>,
  LeaseLeases: {
    path: '/etcdserverpb.Lease/LeaseLeases',
    requestStream: false,
    responseStream: false,
    request: LeaseLeasesRequest,
    response: LeaseLeasesResponse,
  } satisfies MethodDefinition<LeaseLeasesRequest, LeaseLeasesResponse>,
};

export const ClusterService = {
  MemberAdd: {
    path: '/etcdserverpb.Cluster/MemberAdd',
    requestStream: false,
    responseStream: false,
    request: MemberAddRequest,
    response: MemberAddResponse,
  } satisfies MethodDefinition<MemberAddRequest, MemberAddResponse>,
  MemberRemove: {
    path: '/etcdserverpb.Cluster/MemberRemove',
    requestStream: false,
    responseStream: false,
    request: MemberRemoveRequest,
    response: MemberRemoveResponse,
  } satisfies MethodDefinition<MemberRemoveRequest, MemberRemoveResponse>,
  MemberUpdate: {
    path: '/etcdserverpb.Cluster/MemberUpdate',
    requestStream: false,
    responseStream: false,
    request: MemberUpdateRequest,
    response: MemberUpdateResponse,
  } satisfies MethodDefinition<MemberUpdateRequest, MemberUpdateResponse>,
  MemberList: {
    path: '/etcdserverpb.Cluster/MemberList',
    requestStream: false,
    responseStream: false,
    request: MemberListRequest,
    response: MemberListResponse,
  } satisfies MethodDefinition<MemberListRequest, MemberListResponse>,
  MemberPromote: {
    path: '/etcdserverpb.Cluster/MemberPromote',
    requestStream: false,
    responseStream: false,
    request: MemberPromoteRequest,
    response: MemberPromoteResponse,
  } satisfies MethodDefinition<MemberPromoteRequest, MemberPromoteResponse>,
};

export const MaintenanceService = {
  Alarm: {
    path: '/etcdserverpb.Maintenance/Alarm',
    requestStream: false,
    responseStream: false,
    request: AlarmRequest,
    response: AlarmResponse,
  } satisfies MethodDefinition<AlarmRequest, AlarmResponse>,
  Status: {
    path: '/etcdserverpb.Maintenance/Status',
    requestStream: false,
    responseStream: false,
    request: StatusRequest,
    response: StatusResponse,
  } satisfies MethodDefinition<StatusRequest, StatusResponse>,
  Defragment: {
    path: '/etcdserverpb.Maintenance/Defragment',
    requestStream: false,
    responseStream: false,
    request: DefragmentRequest,
    response: DefragmentResponse,
  } satisfies MethodDefinition<DefragmentRequest, DefragmentResponse>,
  Hash: {
    path: '/etcdserverpb.Maintenance/Hash',
    requestStream: false,
    responseStream: false,
    request: HashRequest,
    response: HashResponse,
  } satisfies MethodDefinition<HashRequest, HashResponse>,
  HashKV: {
    path: '/etcdserverpb.Maintenance/HashKV',
    requestStream: false,
    responseStream: false,
    request: HashKVRequest,
    response: HashKVResponse,
  } satisfies MethodDefinition<HashKVRequest, HashKVResponse>,
  Snapshot: {
    path: '/etcdserverpb.Maintenance/Snapshot',
    requestStream: false,
    responseStream: true,
    request: SnapshotRequest,
    response: SnapshotResponse,
  } satisfies MethodDefinition<SnapshotRequest, SnapshotResponse>,
  MoveLeader: {
    path: '/etcdserverpb.Maintenance/MoveLeader',
    requestStream: false,
    responseStream: false,
    request: MoveLeaderRequest,
    response: MoveLeaderResponse,
  } satisfies MethodDefinition<MoveLeaderRequest, MoveLeaderResponse>,
  Downgrade: {
    path: '/etcdserverpb.Maintenance/Downgrade',
    requestStream: false,
    responseStream: false,
    request: DowngradeRequest,
    response: DowngradeResponse,
  } satisfies MethodDefinition<DowngradeRequest, DowngradeResponse>,
};

export const AuthService = {
  AuthEnable: {
    path: '/etcdserverpb.Auth/AuthEnable',
    requestStream: false,
    responseStream: false,
    request: AuthEnableRequest,
    response: AuthEnableResponse,
  } satisfies MethodDefinition<AuthEnableRequest, AuthEnableResponse>,
  AuthDisable: {
    path: '/etcdserverpb.Auth/AuthDisable',
    requestStream: false,
    responseStream: false,
    request: AuthDisableRequest,
    response: AuthDisableResponse,
  } satisfies MethodDefinition<AuthDisableRequest, AuthDisableResponse>,
  AuthStatus: {
    path: '/etcdserverpb.Auth/AuthStatus',
    requestStream: false,
    responseStream: false,
    request: AuthStatusRequest,
    response: AuthStatusResponse,
  } satisfies MethodDefinition<AuthStatusRequest, AuthStatusResponse>,
  Authenticate: {
    path: '/etcdserverpb.Auth/Authenticate',
    requestStream: false,
    responseStream: false,
    request: AuthenticateRequest,
    response: AuthenticateResponse,
  } satisfies MethodDefinition<AuthenticateRequest, AuthenticateResponse>,
  UserAdd: {
    path: '/etcdserverpb.Auth/UserAdd',
    requestStream: false,
    responseStream: false,
    request: AuthUserAddRequest,
    response: AuthUserAddResponse,
  } satisfies MethodDefinition<AuthUserAddRequest, AuthUserAddResponse>,
  UserGet: {
    path: '/etcdserverpb.Auth/UserGet',
    requestStream: false,
    responseStream: false,
    request: AuthUserGetRequest,
    response: AuthUserGetResponse,
  } satisfies MethodDefinition<AuthUserGetRequest, AuthUserGetResponse>,
  UserList: {
    path: '/etcdserverpb.Auth/UserList',
    requestStream: false,
    responseStream: false,
    request: AuthUserListRequest,
    response: AuthUserListResponse,
  } satisfies MethodDefinition<AuthUserListRequest, AuthUserListResponse>,
  UserDelete: {
    path: '/etcdserverpb.Auth/UserDelete',
    requestStream: false,
    responseStream: false,
    request: AuthUserDeleteRequest,
    response: AuthUserDeleteResponse,
  } satisfies MethodDefinition<AuthUserDeleteRequest, AuthUserDeleteResponse>,
  UserChangePassword: {
    path: '/etcdserverpb.Auth/UserChangePassword',
    requestStream: false,
    responseStream: false,
    request: AuthUserChangePasswordRequest,
    response: AuthUserChangePasswordResponse,
  } satisfies MethodDefinition<AuthUserChangePasswordRequest, AuthUserChangePasswordResponse>,
  UserGrantRole: {
    path: '/etcdserverpb.Auth/UserGrantRole',
    requestStream: false,
    responseStream: false,
    request: AuthUserGrantRoleRequest,
    response: AuthUserGrantRoleResponse,
  } satisfies MethodDefinition<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>,
  UserRevokeRole: {
    path: '/etcdserverpb.Auth/UserRevokeRole',
    requestStream: false,
    responseStream: false,
    request: AuthUserRevokeRoleRequest,
    response: AuthUserRevokeRoleResponse,
  } satisfies MethodDefinition<AuthUserRevokeRoleRequest, AuthUserRevokeRoleResponse>,
  RoleAdd: {
    path: '/etcdserverpb.Auth/RoleAdd',
    requestStream: false,
    responseStream: false,
    request: AuthRoleAddRequest,
    response: AuthRoleAddResponse,
  } satisfies MethodDefinition<AuthRoleAddRequest, AuthRoleAddResponse>,
  RoleGet: {
    path: '/etcdserverpb.Auth/RoleGet',
    requestStream: false,
    responseStream: false,
    request: AuthRoleGetRequest,
    response: AuthRoleGetResponse,
  } satisfies MethodDefinition<AuthRoleGetRequest, AuthRoleGetResponse>,
  RoleList: {
    path: '/etcdserverpb.Auth/RoleList',
    requestStream: false,
    responseStream: false,
    request: AuthRoleListRequest,
    response: AuthRoleListResponse,
  } satisfies MethodDefinition<AuthRoleListRequest, AuthRoleListResponse>,
  RoleDelete: {
    path: '/etcdserverpb.Auth/RoleDelete',
    requestStream: false,
    responseStream: false,
    request: AuthRoleDeleteRequest,
    response: AuthRoleDeleteResponse,
  } satisfies MethodDefinition<AuthRoleDeleteRequest, AuthRoleDeleteResponse>,
  RoleGrantPermission: {
    path: '/etcdserverpb.Auth/RoleGrantPermission',
    requestStream: false,
    responseStream: false,
    request: AuthRoleGrantPermissionRequest,
    response: AuthRoleGrantPermissionResponse,
  } satisfies MethodDefinition<AuthRoleGrantPermissionRequest, AuthRoleGrantPermissionResponse>,
  RoleRevokePermission: {
    path: '/etcdserverpb.Auth/RoleRevokePermission',
    requestStream: false,
    responseStream: false,
    request: AuthRoleRevokePermissionRequest,
    response: AuthRoleRevokePermissionResponse,
  } satisfies MethodDefinition<AuthRoleRevokePermissionRequest, AuthRoleRevokePermissionResponse>,
};
