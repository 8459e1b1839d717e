// Generated from v2request.proto by scripts/generate-proto.ts. Edit that, then run "npm run generate".
import { Reader, encodeWith, type ProtoCodec, type Writer } from '../wire.ts';

export interface Request {
  ID: bigint;
  Method: string;
  Path: string;
  Val: string;
  Dir: boolean;
  PrevValue: string;
  PrevIndex: number;
  PrevExist?: boolean | undefined;
  Expiration: bigint;
  Wait: boolean;
  Since: number;
  Recursive: boolean;
  Sorted: boolean;
  Quorum: boolean;
  Time: bigint;
  Stream: boolean;
  Refresh?: boolean | undefined;
}

function createRequest(): Request {
  return {
    ID: 0n,
    Method: '',
    Path: '',
    Val: '',
    Dir: false,
    PrevValue: '',
    PrevIndex: 0,
    PrevExist: undefined,
    Expiration: 0n,
    Wait: false,
    Since: 0,
    Recursive: false,
    Sorted: false,
    Quorum: false,
    Time: 0n,
    Stream: false,
    Refresh: undefined,
  };
}

export function writeRequest(w: Writer, m: Request): void {
  w.uint32(8); w.varint64(m.ID);
  w.uint32(18); w.string(m.Method);
  w.uint32(26); w.string(m.Path);
  w.uint32(34); w.string(m.Val);
  w.uint32(40); w.bool(m.Dir);
  w.uint32(50); w.string(m.PrevValue);
  w.uint32(56); w.varintNumber(m.PrevIndex);
  if (m.PrevExist !== undefined) { w.uint32(64); w.bool(m.PrevExist); }
  w.uint32(72); w.varint64(m.Expiration);
  w.uint32(80); w.bool(m.Wait);
  w.uint32(88); w.varintNumber(m.Since);
  w.uint32(96); w.bool(m.Recursive);
  w.uint32(104); w.bool(m.Sorted);
  w.uint32(112); w.bool(m.Quorum);
  w.uint32(120); w.varint64(m.Time);
  w.uint32(128); w.bool(m.Stream);
  if (m.Refresh !== undefined) { w.uint32(136); w.bool(m.Refresh); }
}

export function decodeRequest(r: Reader): Request {
  const m = createRequest();
  while (r.pos < r.end) {
    const tag = r.uint32();
    switch (tag) {
      case 8:
        m.ID = r.uint64();
        break;
      case 18:
        m.Method = r.string();
        break;
      case 26:
        m.Path = r.string();
        break;
      case 34:
        m.Val = r.string();
        break;
      case 40:
        m.Dir = r.bool();
        break;
      case 50:
        m.PrevValue = r.string();
        break;
      case 56:
        m.PrevIndex = r.uint64Number();
        break;
      case 64:
        m.PrevExist = r.bool();
        break;
      case 72:
        m.Expiration = r.int64();
        break;
      case 80:
        m.Wait = r.bool();
        break;
      case 88:
        m.Since = r.uint64Number();
        break;
      case 96:
        m.Recursive = r.bool();
        break;
      case 104:
        m.Sorted = r.bool();
        break;
      case 112:
        m.Quorum = r.bool();
        break;
      case 120:
        m.Time = r.int64();
        break;
      case 128:
        m.Stream = r.bool();
        break;
      case 136:
        m.Refresh = r.bool();
        break;
      default:
        r.skip(tag);
    }
  }
  return m;
}

export const Request: ProtoCodec<Request> = {
  create: (init) => (init === undefined ? createRequest() : { ...createRequest(), ...init }),
  encode: (message) => encodeWith((w) => writeRequest(w, message)),
  decode: (bytes) => decodeRequest(new Reader(bytes)),
};
