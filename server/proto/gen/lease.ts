// Generated from lease.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';
import { LeaseTimeToLiveRequest, LeaseTimeToLiveResponse, decodeLeaseTimeToLiveRequest, decodeLeaseTimeToLiveResponse, writeLeaseTimeToLiveRequest, writeLeaseTimeToLiveResponse } from './rpc.ts';

export interface Lease {
  ID: bigint;
  TTL: number;
  RemainingTTL: number;
}

function createLease(): Lease {
  return {
    ID: 0n,
    TTL: 0,
    RemainingTTL: 0,
  };
}

export function writeLease(w: Writer, m: Lease): void {
  if (!(m.ID === 0n)) { w.uint32(8); w.varint64(m.ID); }
  if (!(m.TTL === 0)) { w.uint32(16); w.varintNumber(m.TTL); }
  if (!(m.RemainingTTL === 0)) { w.uint32(24); w.varintNumber(m.RemainingTTL); }
}

export function decodeLease(r: Reader): Lease {
  const m = createLease();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.int64();
        break;
      case 16:
        m.TTL = r.int64Number();
        break;
      case 24:
        m.RemainingTTL = r.int64Number();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Lease: ProtoCodec<Lease> = {
  create: (init) => (init === undefined ? createLease() : { ...createLease(), ...init }),
  encode: (message) => encodeWith((w) => writeLease(w, message)),
  decode: (bytes) => decodeLease(new Reader(bytes)),
};

export interface LeaseInternalRequest {
  LeaseTimeToLiveRequest?: LeaseTimeToLiveRequest | undefined;
}

function createLeaseInternalRequest(): LeaseInternalRequest {
  return {
    LeaseTimeToLiveRequest: undefined,
  };
}

export function writeLeaseInternalRequest(w: Writer, m: LeaseInternalRequest): void {
  if (m.LeaseTimeToLiveRequest !== undefined) { w.uint32(10); { const s = w.open(); writeLeaseTimeToLiveRequest(w, m.LeaseTimeToLiveRequest); w.close(s); } }
}

export function decodeLeaseInternalRequest(r: Reader): LeaseInternalRequest {
  const m = createLeaseInternalRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.LeaseTimeToLiveRequest = r.message(decodeLeaseTimeToLiveRequest);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseInternalRequest: ProtoCodec<LeaseInternalRequest> = {
  create: (init) => (init === undefined ? createLeaseInternalRequest() : { ...createLeaseInternalRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseInternalRequest(w, message)),
  decode: (bytes) => decodeLeaseInternalRequest(new Reader(bytes)),
};

export interface LeaseInternalResponse {
  LeaseTimeToLiveResponse?: LeaseTimeToLiveResponse | undefined;
}

function createLeaseInternalResponse(): LeaseInternalResponse {
  return {
    LeaseTimeToLiveResponse: undefined,
  };
}

export function writeLeaseInternalResponse(w: Writer, m: LeaseInternalResponse): void {
  if (m.LeaseTimeToLiveResponse !== undefined) { w.uint32(10); { const s = w.open(); writeLeaseTimeToLiveResponse(w, m.LeaseTimeToLiveResponse); w.close(s); } }
}

export function decodeLeaseInternalResponse(r: Reader): LeaseInternalResponse {
  const m = createLeaseInternalResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.LeaseTimeToLiveResponse = r.message(decodeLeaseTimeToLiveResponse);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LeaseInternalResponse: ProtoCodec<LeaseInternalResponse> = {
  create: (init) => (init === undefined ? createLeaseInternalResponse() : { ...createLeaseInternalResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLeaseInternalResponse(w, message)),
  decode: (bytes) => decodeLeaseInternalResponse(new Reader(bytes)),
};
