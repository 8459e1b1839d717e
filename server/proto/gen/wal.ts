// Generated from wal.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';
import { ConfState, decodeConfState, writeConfState } from './raft.ts';

export interface Record {
  type: number;
  crc: number;
  data?: Uint8Array | undefined;
}

function createRecord(): Record {
  return {
    type: 0,
    crc: 0,
    data: undefined,
  };
}

export function writeRecord(w: Writer, m: Record): void {
  w.uint32(8); w.varintNumber(m.type);
  w.uint32(16); w.uint32(m.crc);
  if (m.data !== undefined) { w.uint32(26); w.bytes(m.data); }
}

export function decodeRecord(r: Reader): Record {
  const m = createRecord();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.type = r.int64Number();
        break;
      case 16:
        m.crc = r.uint32();
        break;
      case 26:
        m.data = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Record: ProtoCodec<Record> = {
  create: (init) => (init === undefined ? createRecord() : { ...createRecord(), ...init }),
  encode: (message) => encodeWith((w) => writeRecord(w, message)),
  decode: (bytes) => decodeRecord(new Reader(bytes)),
};

export interface Metadata {
  NodeID: bigint;
  ClusterID: bigint;
}

function createMetadata(): Metadata {
  return {
    NodeID: 0n,
    ClusterID: 0n,
  };
}

export function writeMetadata(w: Writer, m: Metadata): void {
  w.uint32(8); w.varint64(m.NodeID);
  w.uint32(16); w.varint64(m.ClusterID);
}

export function decodeMetadata(r: Reader): Metadata {
  const m = createMetadata();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.NodeID = r.uint64();
        break;
      case 16:
        m.ClusterID = r.uint64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Metadata: ProtoCodec<Metadata> = {
  create: (init) => (init === undefined ? createMetadata() : { ...createMetadata(), ...init }),
  encode: (message) => encodeWith((w) => writeMetadata(w, message)),
  decode: (bytes) => decodeMetadata(new Reader(bytes)),
};

export interface SnapshotRecord {
  index: number;
  term: number;
  conf_state?: ConfState | undefined;
}

function createSnapshotRecord(): SnapshotRecord {
  return {
    index: 0,
    term: 0,
    conf_state: undefined,
  };
}

export function writeSnapshotRecord(w: Writer, m: SnapshotRecord): void {
  w.uint32(8); w.varintNumber(m.index);
  w.uint32(16); w.varintNumber(m.term);
  if (m.conf_state !== undefined) { w.uint32(26); { const s = w.open(); writeConfState(w, m.conf_state); w.close(s); } }
}

export function decodeSnapshotRecord(r: Reader): SnapshotRecord {
  const m = createSnapshotRecord();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.index = r.uint64Number();
        break;
      case 16:
        m.term = r.uint64Number();
        break;
      case 26:
        m.conf_state = r.message(decodeConfState);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const SnapshotRecord: ProtoCodec<SnapshotRecord> = {
  create: (init) => (init === undefined ? createSnapshotRecord() : { ...createSnapshotRecord(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapshotRecord(w, message)),
  decode: (bytes) => decodeSnapshotRecord(new Reader(bytes)),
};

export interface SnapFile {
  crc: number;
  data?: Uint8Array | undefined;
}

function createSnapFile(): SnapFile {
  return {
    crc: 0,
    data: undefined,
  };
}

export function writeSnapFile(w: Writer, m: SnapFile): void {
  w.uint32(8); w.uint32(m.crc);
  if (m.data !== undefined) { w.uint32(18); w.bytes(m.data); }
}

export function decodeSnapFile(r: Reader): SnapFile {
  const m = createSnapFile();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.crc = r.uint32();
        break;
      case 18:
        m.data = r.bytes();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const SnapFile: ProtoCodec<SnapFile> = {
  create: (init) => (init === undefined ? createSnapFile() : { ...createSnapFile(), ...init }),
  encode: (message) => encodeWith((w) => writeSnapFile(w, message)),
  decode: (bytes) => decodeSnapFile(new Reader(bytes)),
};
