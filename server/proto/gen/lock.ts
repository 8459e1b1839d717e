// Generated from lock.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type MethodDefinition, type Writer } from '../wire.ts';
import { ResponseHeader, decodeResponseHeader, writeResponseHeader } from './rpc.ts';

const empty = new Uint8Array(0);

export interface LockRequest {
  name: Uint8Array;
  lease: bigint;
}

function createLockRequest(): LockRequest {
  return {
    name: empty,
    lease: 0n,
  };
}

export function writeLockRequest(w: Writer, m: LockRequest): void {
  if (!(m.name.length === 0)) { w.uint32(10); w.bytes(m.name); }
  if (!(m.lease === 0n)) { w.uint32(16); w.varint64(m.lease); }
}

export function decodeLockRequest(r: Reader): LockRequest {
  const m = createLockRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.bytes();
        break;
      case 16:
        m.lease = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LockRequest: ProtoCodec<LockRequest> = {
  create: (init) => (init === undefined ? createLockRequest() : { ...createLockRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeLockRequest(w, message)),
  decode: (bytes) => decodeLockRequest(new Reader(bytes)),
};

export interface LockResponse {
  header?: ResponseHeader | undefined;
  key: Uint8Array;
}

function createLockResponse(): LockResponse {
  return {
    header: undefined,
    key: empty,
  };
}

export function writeLockResponse(w: Writer, m: LockResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
  if (!(m.key.length === 0)) { w.uint32(18); w.bytes(m.key); }
}

export function decodeLockResponse(r: Reader): LockResponse {
  const m = createLockResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.header = r.message(decodeResponseHeader);
        break;
      case 18:
        m.key = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const LockResponse: ProtoCodec<LockResponse> = {
  create: (init) => (init === undefined ? createLockResponse() : { ...createLockResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeLockResponse(w, message)),
  decode: (bytes) => decodeLockResponse(new Reader(bytes)),
};

export interface UnlockRequest {
  key: Uint8Array;
}

function createUnlockRequest(): UnlockRequest {
  return {
    key: empty,
  };
}

export function writeUnlockRequest(w: Writer, m: UnlockRequest): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
}

export function decodeUnlockRequest(r: Reader): UnlockRequest {
  const m = createUnlockRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const UnlockRequest: ProtoCodec<UnlockRequest> = {
  create: (init) => (init === undefined ? createUnlockRequest() : { ...createUnlockRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeUnlockRequest(w, message)),
  decode: (bytes) => decodeUnlockRequest(new Reader(bytes)),
};

export interface UnlockResponse {
  header?: ResponseHeader | undefined;
}

function createUnlockResponse(): UnlockResponse {
  return {
    header: undefined,
  };
}

export function writeUnlockResponse(w: Writer, m: UnlockResponse): void {
  if (m.header !== undefined) { w.uint32(10); { const s = w.open(); writeResponseHeader(w, m.header); w.close(s); } }
}

export function decodeUnlockResponse(r: Reader): UnlockResponse {
  const m = createUnlockResponse();
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

export const UnlockResponse: ProtoCodec<UnlockResponse> = {
  create: (init) => (init === undefined ? createUnlockResponse() : { ...createUnlockResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeUnlockResponse(w, message)),
  decode: (bytes) => decodeUnlockResponse(new Reader(bytes)),
};

export const LockService = {
  Lock: {
    path: '/v3lockpb.Lock/Lock',
    requestStream: false,
    responseStream: false,
    request: LockRequest,
    response: LockResponse,
  } satisfies MethodDefinition<LockRequest, LockResponse>,
  Unlock: {
    path: '/v3lockpb.Lock/Unlock',
    requestStream: false,
    responseStream: false,
    request: UnlockRequest,
    response: UnlockResponse,
  } satisfies MethodDefinition<UnlockRequest, UnlockResponse>,
};
