// Generated from membership.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';

export interface Attributes {
  name: string;
  client_urls: string[];
}

function createAttributes(): Attributes {
  return {
    name: '',
    client_urls: [],
  };
}

export function writeAttributes(w: Writer, m: Attributes): void {
  if (!(m.name === '')) { w.uint32(10); w.string(m.name); }
  for (const v of m.client_urls) { w.uint32(18); w.string(v); }
}

export function decodeAttributes(r: Reader): Attributes {
  const m = createAttributes();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.name = r.string();
        break;
      case 18:
        m.client_urls.push(r.string());
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Attributes: ProtoCodec<Attributes> = {
  create: (init) => (init === undefined ? createAttributes() : { ...createAttributes(), ...init }),
  encode: (message) => encodeWith((w) => writeAttributes(w, message)),
  decode: (bytes) => decodeAttributes(new Reader(bytes)),
};

export interface ClusterVersionSetRequest {
  ver: string;
}

function createClusterVersionSetRequest(): ClusterVersionSetRequest {
  return {
    ver: '',
  };
}

export function writeClusterVersionSetRequest(w: Writer, m: ClusterVersionSetRequest): void {
  if (!(m.ver === '')) { w.uint32(10); w.string(m.ver); }
}

export function decodeClusterVersionSetRequest(r: Reader): ClusterVersionSetRequest {
  const m = createClusterVersionSetRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.ver = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ClusterVersionSetRequest: ProtoCodec<ClusterVersionSetRequest> = {
  create: (init) => (init === undefined ? createClusterVersionSetRequest() : { ...createClusterVersionSetRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeClusterVersionSetRequest(w, message)),
  decode: (bytes) => decodeClusterVersionSetRequest(new Reader(bytes)),
};

export interface ClusterMemberAttrSetRequest {
  member_ID: bigint;
  member_attributes?: Attributes | undefined;
}

function createClusterMemberAttrSetRequest(): ClusterMemberAttrSetRequest {
  return {
    member_ID: 0n,
    member_attributes: undefined,
  };
}

export function writeClusterMemberAttrSetRequest(w: Writer, m: ClusterMemberAttrSetRequest): void {
  if (!(m.member_ID === 0n)) { w.uint32(8); w.varint64(m.member_ID); }
  if (m.member_attributes !== undefined) { w.uint32(18); { const s = w.open(); writeAttributes(w, m.member_attributes); w.close(s); } }
}

export function decodeClusterMemberAttrSetRequest(r: Reader): ClusterMemberAttrSetRequest {
  const m = createClusterMemberAttrSetRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.member_ID = r.uint64();
        break;
      case 18:
        m.member_attributes = r.message(decodeAttributes);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const ClusterMemberAttrSetRequest: ProtoCodec<ClusterMemberAttrSetRequest> = {
  create: (init) => (init === undefined ? createClusterMemberAttrSetRequest() : { ...createClusterMemberAttrSetRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeClusterMemberAttrSetRequest(w, message)),
  decode: (bytes) => decodeClusterMemberAttrSetRequest(new Reader(bytes)),
};

export interface DowngradeInfoSetRequest {
  enabled: boolean;
  ver: string;
}

function createDowngradeInfoSetRequest(): DowngradeInfoSetRequest {
  return {
    enabled: false,
    ver: '',
  };
}

export function writeDowngradeInfoSetRequest(w: Writer, m: DowngradeInfoSetRequest): void {
  if (!(!m.enabled)) { w.uint32(8); w.bool(m.enabled); }
  if (!(m.ver === '')) { w.uint32(18); w.string(m.ver); }
}

export function decodeDowngradeInfoSetRequest(r: Reader): DowngradeInfoSetRequest {
  const m = createDowngradeInfoSetRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.enabled = r.bool();
        break;
      case 18:
        m.ver = r.string();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const DowngradeInfoSetRequest: ProtoCodec<DowngradeInfoSetRequest> = {
  create: (init) => (init === undefined ? createDowngradeInfoSetRequest() : { ...createDowngradeInfoSetRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeDowngradeInfoSetRequest(w, message)),
  decode: (bytes) => decodeDowngradeInfoSetRequest(new Reader(bytes)),
};
