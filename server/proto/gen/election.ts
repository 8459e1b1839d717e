// Generated from election.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type MethodDefinition, type Writer } from '../wire.ts';
import { ResponseHeader, decodeResponseHeader, writeResponseHeader } from './rpc.ts';
import { KeyValue, decodeKeyValue, writeKeyValue } from './kv.ts';

const empty = new Uint8Array(0);

export interface CampaignRequest {
  name: Uint8Array;
  lease: bigint;
  value: Uint8Array;
}

function createCampaignRequest(): CampaignRequest {
  return {
    name: empty,
    lease: 0n,
    value: empty,
  };
}

export function writeCampaignRequest(w: Writer, m: CampaignRequest): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
  if (!(m.lease === 0n)) { w.uint32(16); w.varint64(m.lease); }
  if (!(m.value.length === 0)) { w.uint32(26); w.bytes(m.value); }
}

export function decodeCampaignRequest(r: Reader): CampaignRequest {
  const m = createCampaignRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      case 16:
        m.lease = r.int64();
        break;
      case 26:
        m.value = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const CampaignRequest: ProtoCodec<CampaignRequest> = {
  create: (init) => (init === undefined ? createCampaignRequest() : { ...createCampaignRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeCampaignRequest(w, message)),
  decode: (bytes) => decodeCampaignRequest(new Reader(bytes)),
};

export interface CampaignResponse {
  header?: ResponseHeader | undefined;
  leader?: LeaderKey | undefined;
}

function createCampaignResponse(): CampaignResponse {
  return {
    header: undefined,
    leader: undefined,
  };
}

export function writeCampaignResponse(w: Writer, m: CampaignResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (m.leader !== undefined) { w.uint32(18); { const s = w.open(); writeLeaderKey(w, m.leader); w.close(s); } }
}

export function decodeCampaignResponse(r: Reader): CampaignResponse {
  const m = createCampaignResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.leader = r.message(decodeLeaderKey);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const CampaignResponse: ProtoCodec<CampaignResponse> = {
  create: (init) => (init === undefined ? createCampaignResponse() : { ...createCampaignResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeCampaignResponse(w, message)),
  decode: (bytes) => decodeCampaignResponse(new Reader(bytes)),
};

export interface LeaderKey {
  name: Uint8Array;
  key: Uint8Array;
  rev: number;
  lease: bigint;
}

function createLeaderKey(): LeaderKey {
  return {
    name: empty,
    key: empty,
    rev: 0,
    lease: 0n,
  };
}

export function writeLeaderKey(w: Writer, m: LeaderKey): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
  if (!(m.key.length === 0)) { w.uint32(18); w.bytes(m.key); }
  if (!(m.rev === 0)) { w.uint32(24); w.varintNumber(m.rev); }
  if (!(m.lease === 0n)) { w.uint32(32); w.varint64(m.lease); }
}

export function decodeLeaderKey(r: Reader): LeaderKey {
  const m = createLeaderKey();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      case 18:
        m.key = r.bytes();
        break;
      case 24:
        m.rev = r.int64Number();
        break;
      case 32:
        m.lease = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaderKey: ProtoCodec<LeaderKey> = {
  create: (init) => (init === undefined ? createLeaderKey() : { ...createLeaderKey(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaderKey(w, message)),
  decode: (bytes) => decodeLeaderKey(new Reader(bytes)),
};

export interface LeaderRequest {
  name: Uint8Array;
}

function createLeaderRequest(): LeaderRequest {
  return {
    name: empty,
  };
}

export function writeLeaderRequest(w: Writer, m: LeaderRequest): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
}

export function decodeLeaderRequest(r: Reader): LeaderRequest {
  const m = createLeaderRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaderRequest: ProtoCodec<LeaderRequest> = {
  create: (init) => (init === undefined ? createLeaderRequest() : { ...createLeaderRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaderRequest(w, message)),
  decode: (bytes) => decodeLeaderRequest(new Reader(bytes)),
};

export interface LeaderResponse {
  header?: ResponseHeader | undefined;
  kv?: KeyValue | undefined;
}

function createLeaderResponse(): LeaderResponse {
  return {
    header: undefined,
    kv: undefined,
  };
}

export function writeLeaderResponse(w: Writer, m: LeaderResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (m.kv !== undefined) { w.uint32(18); { const s = w.open(); writeKeyValue(w, m.kv); w.close(s); } }
}

export function decodeLeaderResponse(r: Reader): LeaderResponse {
  const m = createLeaderResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.kv = r.message(decodeKeyValue);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaderResponse: ProtoCodec<LeaderResponse> = {
  create: (init) => (init === undefined ? createLeaderResponse() : { ...createLeaderResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaderResponse(w, message)),
  decode: (bytes) => decodeLeaderResponse(new Reader(bytes)),
};

export interface ResignRequest {
  leader?: LeaderKey | undefined;
}

function createResignRequest(): ResignRequest {
  return {
    leader: undefined,
  };
}

export function writeResignRequest(w: Writer, m: ResignRequest): void {
  if (m.leader !== undefined) { w.uint32(10); { const s = w.open(); writeLeaderKey(w, m.leader); w.close(s); } }
}

export function decodeResignRequest(r: Reader): ResignRequest {
  const m = createResignRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.leader = r.message(decodeLeaderKey);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ResignRequest: ProtoCodec<ResignRequest> = {
  create: (init) => (init === undefined ? createResignRequest() : { ...createResignRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeResignRequest(w, message)),
  decode: (bytes) => decodeResignRequest(new Reader(bytes)),
};

export interface ResignResponse {
  header?: ResponseHeader | undefined;
}

function createResignResponse(): ResignResponse {
  return {
    header: undefined,
  };
}

export function writeResignResponse(w: Writer, m: ResignResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeResignResponse(r: Reader): ResignResponse {
  const m = createResignResponse();
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

export const ResignResponse: ProtoCodec<ResignResponse> = {
  create: (init) => (init === undefined ? createResignResponse() : { ...createResignResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeResignResponse(w, message)),
  decode: (bytes) => decodeResignResponse(new Reader(bytes)),
};

export interface ProclaimRequest {
  leader?: LeaderKey | undefined;
  value: Uint8Array;
}

function createProclaimRequest(): ProclaimRequest {
  return {
    leader: undefined,
    value: empty,
  };
}

export function writeProclaimRequest(w: Writer, m: ProclaimRequest): void {
  if (m.leader !== undefined) { w.uint32(10); { const s = w.open(); writeLeaderKey(w, m.leader); w.close(s); } }
  if (!(m.value.length === 0)) { w.uint32(18); w.bytes(m.value); }
}

export function decodeProclaimRequest(r: Reader): ProclaimRequest {
  const m = createProclaimRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.leader = r.message(decodeLeaderKey);
        break;
      case 18:
        m.value = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ProclaimRequest: ProtoCodec<ProclaimRequest> = {
  create: (init) => (init === undefined ? createProclaimRequest() : { ...createProclaimRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeProclaimRequest(w, message)),
  decode: (bytes) => decodeProclaimRequest(new Reader(bytes)),
};

export interface ProclaimResponse {
  header?: ResponseHeader | undefined;
}

function createProclaimResponse(): ProclaimResponse {
  return {
    header: undefined,
  };
}

export function writeProclaimResponse(w: Writer, m: ProclaimResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeProclaimResponse(r: Reader): ProclaimResponse {
  const m = createProclaimResponse();
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

export const ProclaimResponse: ProtoCodec<ProclaimResponse> = {
  create: (init) => (init === undefined ? createProclaimResponse() : { ...createProclaimResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeProclaimResponse(w, message)),
  decode: (bytes) => decodeProclaimResponse(new Reader(bytes)),
};

export const ElectionService = {
  Campaign: {
    path: '/v3electionpb.Election/Campaign',
    requestStream: false,
    responseStream: false,
    request: CampaignRequest,
    response: CampaignResponse,
  } satisfies MethodDefinition<CampaignRequest, CampaignResponse>,
  Proclaim: {
    path: '/v3electionpb.Election/Proclaim',
    requestStream: false,
    responseStream: false,
    request: ProclaimRequest,
    response: ProclaimResponse,
  } satisfies MethodDefinition<ProclaimRequest, ProclaimResponse>,
  Leader: {
    path: '/v3electionpb.Election/Leader',
    requestStream: false,
    responseStream: false,
    request: LeaderRequest,
    response: LeaderResponse,
  } satisfies MethodDefinition<LeaderRequest, LeaderResponse>,
  Observe: {
    path: '/v3electionpb.Election/Observe',
    requestStream: false,
    responseStream: true,
    request: LeaderRequest,
    response: LeaderResponse,
  } satisfies MethodDefinition<LeaderRequest, LeaderResponse>,
  Resign: {
    path: '/v3electionpb.Election/Resign',
    requestStream: false,
    responseStream: false,
    request: ResignRequest,
    response: ResignResponse,
  } satisfies MethodDefinition<ResignRequest, ResignResponse>,
};
