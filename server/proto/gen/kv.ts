// Generated from kv.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';

const empty = new Uint8Array(0);

export interface KeyValue {
  key: Uint8Array;
  create_revision: number;
  mod_revision: number;
  version: number;
  value: Uint8Array;
  lease: bigint;
}

function createKeyValue(): KeyValue {
  return {
    key: empty,
    create_revision: 0,
    mod_revision: 0,
    version: 0,
    value: empty,
    lease: 0n,
  };
}

export function writeKeyValue(w: Writer, m: KeyValue): void {
  if (!(m.key.length === 0)) { w.uint32(10); w.bytes(m.key); }
  if (!(m.create_revision === 0)) { w.uint32(16); w.varintNumber(m.create_revision); }
  if (!(m.mod_revision === 0)) { w.uint32(24); w.varintNumber(m.mod_revision); }
  if (!(m.version === 0)) { w.uint32(32); w.varintNumber(m.version); }
  if (!(m.value.length === 0)) { w.uint32(42); w.bytes(m.value); }
  if (!(m.lease === 0n)) { w.uint32(48); w.varint64(m.lease); }
}

export function decodeKeyValue(r: Reader): KeyValue {
  const m = createKeyValue();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 10:
        m.key = r.bytes();
        break;
      case 16:
        m.create_revision = r.int64Number();
        break;
      case 24:
        m.mod_revision = r.int64Number();
        break;
      case 32:
        m.version = r.int64Number();
        break;
      case 42:
        m.value = r.bytes();
        break;
      case 48:
        m.lease = r.int64();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const KeyValue: ProtoCodec<KeyValue> = {
  create: (init) => (init === undefined ? createKeyValue() : { ...createKeyValue(), ...init }),
  encode: (message) => encodeWith((w) => writeKeyValue(w, message)),
  decode: (bytes) => decodeKeyValue(new Reader(bytes)),
};

export const Event_EventType = {
  PUT: 0,
  DELETE: 1,
} as const;
export type Event_EventType = (typeof Event_EventType)[keyof typeof Event_EventType];

export interface Event {
  type: Event_EventType;
  kv?: KeyValue | undefined;
  prev_kv?: KeyValue | undefined;
}

function createEvent(): Event {
  return {
    type: 0,
    kv: undefined,
    prev_kv: undefined,
  };
}

export function writeEvent(w: Writer, m: Event): void {
  if (!(m.type === 0)) { w.uint32(8); w.int32(m.type); }
  if (m.kv !== undefined) { w.uint32(18); { const s = w.open(); writeKeyValue(w, m.kv); w.close(s); } }
  if (m.prev_kv !== undefined) { w.uint32(26); { const s = w.open(); writeKeyValue(w, m.prev_kv); w.close(s); } }
}

export function decodeEvent(r: Reader): Event {
  const m = createEvent();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.type = r.int32() as Event_EventType;
        break;
      case 18:
        m.kv = r.message(decodeKeyValue);
        break;
      case 26:
        m.prev_kv = r.message(decodeKeyValue);
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Event: ProtoCodec<Event> = {
  create: (init) => (init === undefined ? createEvent() : { ...createEvent(), ...init }),
  encode: (message) => encodeWith((w) => writeEvent(w, message)),
  decode: (bytes) => decodeEvent(new Reader(bytes)),
};
