// Generated from health.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type MethodDefinition, type Writer } from '../wire.ts';

export interface HealthCheckRequest {
  service: string;
}

function createHealthCheckRequest(): HealthCheckRequest {
  return {
    service: '',
  };
}

export function writeHealthCheckRequest(w: Writer, m: HealthCheckRequest): void {
  if (!(m.service === '')) { w.uint32(10); w.string(m.service); }
}

export function decodeHealthCheckRequest(r: Reader): HealthCheckRequest {
  const m = createHealthCheckRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.service = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HealthCheckRequest: ProtoCodec<HealthCheckRequest> = {
  create: (init) => (init === undefined ? createHealthCheckRequest() : { ...createHealthCheckRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeHealthCheckRequest(w, message)),
  decode: (bytes) => decodeHealthCheckRequest(new Reader(bytes)),
};

export const HealthCheckResponse_ServingStatus = {
  UNKNOWN: 0,
  SERVING: 1,
  NOT_SERVING: 2,
  SERVICE_UNKNOWN: 3,
} as const;
export type HealthCheckResponse_ServingStatus = (typeof HealthCheckResponse_ServingStatus)[keyof typeof HealthCheckResponse_ServingStatus];

export interface HealthCheckResponse {
  status: HealthCheckResponse_ServingStatus;
}

function createHealthCheckResponse(): HealthCheckResponse {
  return {
    status: 0,
  };
}

export function writeHealthCheckResponse(w: Writer, m: HealthCheckResponse): void {
  if (!(m.status === 0)) { w.uint32(8); w.int32(m.status); }
}

export function decodeHealthCheckResponse(r: Reader): HealthCheckResponse {
  const m = createHealthCheckResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.status = r.int32() as HealthCheckResponse_ServingStatus;
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HealthCheckResponse: ProtoCodec<HealthCheckResponse> = {
  create: (init) => (init === undefined ? createHealthCheckResponse() : { ...createHealthCheckResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeHealthCheckResponse(w, message)),
  decode: (bytes) => decodeHealthCheckResponse(new Reader(bytes)),
};

export interface HealthListRequest {
}

function createHealthListRequest(): HealthListRequest {
  return {
  };
}

export function writeHealthListRequest(_w: Writer, _m: HealthListRequest): void {
}

export function decodeHealthListRequest(r: Reader): HealthListRequest {
  const m = createHealthListRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HealthListRequest: ProtoCodec<HealthListRequest> = {
  create: (init) => (init === undefined ? createHealthListRequest() : { ...createHealthListRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeHealthListRequest(w, message)),
  decode: (bytes) => decodeHealthListRequest(new Reader(bytes)),
};

export interface HealthListEntry {
  key: string;
  value?: HealthCheckResponse | undefined;
}

function createHealthListEntry(): HealthListEntry {
  return {
    key: '',
    value: undefined,
  };
}

export function writeHealthListEntry(w: Writer, m: HealthListEntry): void {
  if (!(m.key === '')) { w.uint32(10); w.string(m.key); }
  if (m.value !== undefined) { w.uint32(18); { const s = w.open(); writeHealthCheckResponse(w, m.value); w.close(s); } }
}

export function decodeHealthListEntry(r: Reader): HealthListEntry {
  const m = createHealthListEntry();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.string();
        break;
      case 18:
        m.value = r.message(decodeHealthCheckResponse);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HealthListEntry: ProtoCodec<HealthListEntry> = {
  create: (init) => (init === undefined ? createHealthListEntry() : { ...createHealthListEntry(), ...init }),
  encode: (message) => encodeWith((w) => writeHealthListEntry(w, message)),
  decode: (bytes) => decodeHealthListEntry(new Reader(bytes)),
};

export interface HealthListResponse {
  statuses: HealthListEntry[];
}

function createHealthListResponse(): HealthListResponse {
  return {
    statuses: [],
  };
}

export function writeHealthListResponse(w: Writer, m: HealthListResponse): void {
  for (const v of m.statuses) { w.uint32(10); { const s = w.open(); writeHealthListEntry(w, v); w.close(s); } }
}

export function decodeHealthListResponse(r: Reader): HealthListResponse {
  const m = createHealthListResponse();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.statuses.push(r.message(decodeHealthListEntry));
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const HealthListResponse: ProtoCodec<HealthListResponse> = {
  create: (init) => (init === undefined ? createHealthListResponse() : { ...createHealthListResponse(), ...init }),
  encode: (message) => encodeWith((w) => writeHealthListResponse(w, message)),
  decode: (bytes) => decodeHealthListResponse(new Reader(bytes)),
};

export const HealthService = {
  Check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    request: HealthCheckRequest,
    response: HealthCheckResponse,
  } satisfies MethodDefinition<HealthCheckRequest, HealthCheckResponse>,
  List: {
    path: '/grpc.health.v1.Health/List',
    requestStream: false,
    responseStream: false,
    request: HealthListRequest,
    response: HealthListResponse,
  } satisfies MethodDefinition<HealthListRequest, HealthListResponse>,
  Watch: {
    path: '/grpc.health.v1.Health/Watch',
    requestStream: false,
    responseStream: true,
    request: HealthCheckRequest,
    response: HealthCheckResponse,
  } satisfies MethodDefinition<HealthCheckRequest, HealthCheckResponse>,
};
