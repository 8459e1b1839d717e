/**
 * The protobuf wire format, as far as etcd uses it: varints, length-delimited fields and skipping of the rest.
 * The code in `gen/` is generated on top of these two classes by `npm run generate`.
 *
 * Integers that fit 53 bits in practice (revisions, indexes, terms) are JavaScript numbers and saturate at
 * ±MAX_SAFE_INTEGER when a client sends more; ids are bigints.
 */

/** Thrown when bytes are not a well-formed protobuf message. `offset` is where in the input it showed. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.offset = offset;
  }
}

/** Deeper nesting than this is refused (a Txn may nest in a Txn); the limit upstream's decoder has, too. */
const maxDepth = 100;

/** Reads the fields of one message after another from a byte range. Byte fields are views into the input, not copies. */
export class Reader {
  readonly buf: Buffer;
  pos: number;
  end: number;
  private depth = 0;

  constructor(bytes: Uint8Array) {
    this.buf = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.end = this.buf.length;
  }

  /** The low 32 bits of the next varint, unsigned. */
  uint32(): number {
    const { buf } = this;
    let byte = this.nextByte();
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 63) throw new WireError('varint too long', this.pos);
      if (this.pos >= this.end) throw new WireError('truncated varint', this.pos);
      byte = buf[this.pos++] as number;
      if (shift < 32) value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.uint64Number() !== 0;
  }

  /** The next varint as a number; at most MAX_SAFE_INTEGER. */
  uint64Number(): number {
    const start = this.pos;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.nextByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Math.min(value, Number.MAX_SAFE_INTEGER);
      scale *= 128;
    }
    this.pos = start;
    const exact = this.uint64();
    return exact > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(exact);
  }

  /** The next varint as a signed number; within ±MAX_SAFE_INTEGER. */
  int64Number(): number {
    const start = this.pos;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 7; i++) {
      const byte = this.nextByte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    this.pos = start;
    const exact = this.int64();
    if (exact > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
    if (exact < -BigInt(Number.MAX_SAFE_INTEGER)) return -Number.MAX_SAFE_INTEGER;
    return Number(exact);
  }

  uint64(): bigint {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.nextByte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        scratch.setInt32(0, high);
        scratch.setInt32(4, low);
        return scratch.getBigUint64(0);
      }
    }
    throw new WireError('varint too long', this.pos);
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** A view of the next length-delimited field. */
  bytes(): Uint8Array {
    const start = this.lengthDelimited();
    return this.buf.subarray(start, this.pos);
  }

  string(): string {
    const start = this.lengthDelimited();
    return this.buf.toString('utf8', start, this.pos);
  }

  /** The next length-delimited field as a string of one character a byte. */
  latin1(): string {
    const start = this.lengthDelimited();
    return this.buf.toString('latin1', start, this.pos);
  }

  /** Decodes a nested message with `decode`, which is confined to that message's bytes. */
  message<T>(decode: (reader: Reader) => T): T {
    const length = this.uint32();
    const outerEnd = this.end;
    if (length > outerEnd - this.pos) throw new WireError('truncated message', this.pos);
    if (++this.depth > maxDepth) throw new WireError('message nested too deeply', this.pos);
    this.end = this.pos + length;
    const value = decode(this);
    this.end = outerEnd;
    this.depth--;
    return value;
  }

  /** Calls `read` for each element of a repeated scalar, packed or not. */
  repeated(tag: number, read: () => void): void {
    if ((tag & 7) !== 2) {
      read();
      return;
    }
    const length = this.uint32();
    if (length > this.end - this.pos) throw new WireError('truncated packed field', this.pos);
    const packedEnd = this.pos + length;
    while (this.pos < packedEnd) read();
    if (this.pos !== packedEnd) throw new WireError('packed field overruns its length', this.pos);
  }

  /** Skips a field that the schema does not know. */
  skip(tag: number): void {
    if (tag >>> 3 === 0) throw new WireError('field number 0', this.pos);
    switch (tag & 7) {
      case 0:
        this.uint32();
        return;
      case 1:
        this.advance(8);
        return;
      case 2:
        this.lengthDelimited();
        return;
      case 5:
        this.advance(4);
        return;
      default:
        throw new WireError(`unsupported wire type ${tag & 7}`, this.pos);
    }
  }

  private nextByte(): number {
    if (this.pos >= this.end) throw new WireError('truncated varint', this.pos);
    return this.buf[this.pos++] as number;
  }

  private lengthDelimited(): number {
    const length = this.uint32();
    const start = this.pos;
    this.advance(length);
    return start;
  }

  private advance(length: number): void {
    if (length > this.end - this.pos) throw new WireError('truncated field', this.pos);
    this.pos += length;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

/** Larger values are copied once, to where they end up. */
const largeBytes = 16 * 1024;

/** Builds messages in one growing buffer; `finish` copies the result out and makes the writer ready for the next. */
export class Writer {
  private buf = Buffer.allocUnsafeSlow(64 * 1024);
  private pos = 0;
  /** Large values, and which place in `buf` each comes before. */
  private readonly large: { at: number; readonly value: Uint8Array }[] = [];

  /** Everything written since the last `finish`, as a buffer of its own. */
  finish(): Uint8Array {
    const result = Buffer.allocUnsafe(this.pos + this.largeSince(0));
    let done = 0;
    let end = 0;
    for (const { at, value } of this.large) {
      end += this.buf.copy(result, end, done, at);
      result.set(value, end);
      end += value.length;
      done = at;
    }
    this.buf.copy(result, end, done, this.pos);
    this.reset();
    return result;
  }

  /** Forgets what was written, so that a failed encoding does not leak into the next. */
  reset(): void {
    this.pos = 0;
    this.large.length = 0;
    // One huge message must not keep its buffer for ever.
    if (this.buf.length > 16 * 1024 * 1024) this.buf = Buffer.allocUnsafeSlow(64 * 1024);
  }

  /** A varint of at most 32 bits: tags, lengths, bools, enums. */
  uint32(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.buf[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buf[this.pos++] = rest;
  }

  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.varint64(BigInt(value));
  }

  bool(value: boolean): void {
    this.reserve(1);
    this.buf[this.pos++] = value ? 1 : 0;
  }

  /** A signed or unsigned 64-bit varint from a number. */
  varintNumber(value: number): void {
    if (value < 0) {
      this.varint64(BigInt(value));
      return;
    }
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80000000) {
      this.buf[this.pos++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.buf[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buf[this.pos++] = rest;
  }

  /** A signed or unsigned 64-bit varint from a bigint. */
  varint64(value: bigint): void {
    this.reserve(10);
    // Through memory: arithmetic on bigints makes a new one at each step.
    scratch.setBigInt64(0, value);
    let low = scratch.getUint32(4);
    let high = scratch.getUint32(0);
    while (high !== 0) {
      this.buf[this.pos++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    while (low >= 0x80) {
      this.buf[this.pos++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.buf[this.pos++] = low;
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  /** Bytes as they are, with no length before them. They must not change until `finish`. */
  raw(value: Uint8Array): void {
    if (value.length > largeBytes) {
      this.large.push({ at: this.pos, value });
      return;
    }
    this.reserve(value.length);
    this.buf.set(value, this.pos);
    this.pos += value.length;
  }

  /** `length` of `from` from `start` on, behind their length. */
  slice(from: Buffer, start: number, length: number): void {
    this.uint32(length);
    this.reserve(length);
    from.copy(this.buf, this.pos, start, start + length);
    this.pos += length;
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.uint32(length);
    this.reserve(length);
    this.pos += this.buf.write(value, this.pos, 'utf8');
  }

  /** Starts a nested message; hand the result to `close`. */
  open(): number {
    this.reserve(1);
    return ++this.pos;
  }

  /** Ends a nested message: fills in its length, making room when that takes more than one byte. */
  close(start: number): void {
    const length = this.pos - start + this.largeSince(start);
    if (length < 0x80) {
      this.buf[start - 1] = length;
      return;
    }
    const extra = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.reserve(extra);
    this.buf.copyWithin(start + extra, start, this.pos);
    const end = this.pos + extra;
    this.pos = start - 1;
    this.uint32(length);
    this.pos = end;
    for (let i = this.large.length - 1; i >= 0; i--) {
      const large = this.large[i] as { at: number };
      if (large.at < start) break;
      large.at += extra;
    }
  }

  /** @returns the size of the large values behind a place */
  private largeSince(start: number): number {
    let sizeBytes = 0;
    for (let i = this.large.length - 1; i >= 0; i--) {
      const { at, value } = this.large[i] as { at: number; value: Uint8Array };
      if (at < start) break;
      sizeBytes += value.length;
    }
    return sizeBytes;
  }

  private reserve(length: number): void {
    if (this.pos + length <= this.buf.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, this.pos + length));
    this.buf.copy(grown, 0, 0, this.pos);
    this.buf = grown;
  }
}

const shared = new Writer();

/** Runs `write` over the shared writer and returns what it wrote. */
export function encodeWith(write: (writer: Writer) => void): Uint8Array {
  try {
    write(shared);
    return shared.finish();
  } finally {
    shared.reset();
  }
}

/** What the generated code offers for each message type. */
export interface ProtoCodec<T> {
  /** A message with every field at its default but those of `init`. */
  create(init?: Partial<T>): T;
  encode(message: T): Uint8Array;
  /** @throws WireError when `bytes` is not such a message */
  decode(bytes: Uint8Array): T;
}

/** What the generated code offers for each method of a service. */
export interface MethodDefinition<Request, Response> {
  /** As it stands in the HTTP/2 `:path`, such as `/etcdserverpb.KV/Put`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: ProtoCodec<Request>;
  readonly response: ProtoCodec<Response>;
}
