/**
 * Frames in a byte stream. A parser is a generator that yields how many bytes it needs next and is given exactly
 * those, so that it reads like the format's description although the bytes come in any pieces.
 */
import { WireError } from '../proto/wire.ts';
import { ByteQueue } from './byte-queue.ts';

/**
 * No frame may be larger. Upstream allows 512 MiB; the largest that a member sends is one MsgApp of 1 MiB of entries,
 * or of a single larger entry, and entries are bounded by `--max-request-bytes`.
 */
export const maxFrameBytes = 64 * 1024 * 1024;

/** Thrown when a peer's bytes are not what the protocol says; the connection they came on is of no use any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export type FrameParser = Generator<number, void, Buffer>;

/** Feeds a parser with whatever arrives. */
export class FrameReader {
  private readonly queue = new ByteQueue();
  private readonly parser: FrameParser;
  private need: number;

  constructor(parser: FrameParser) {
    this.parser = parser;
    this.need = this.parser.next().value ?? 0;
  }

  /** @throws FrameError when the bytes are damaged; the reader is of no use then */
  push(chunk: Buffer): void {
    this.queue.push(chunk);
    while (this.queue.length >= this.need) {
      const step = this.parser.next(this.queue.take(this.need));
      if (step.done === true) throw new FrameError('data after the end of the stream');
      this.need = step.value;
    }
  }
}

/**
 * The length in front of a frame: eight bytes, big endian.
 *
 * @param limit the largest length that is believed, in bytes
 * @throws FrameError when it is larger
 */
export function frameLength(bytes: Buffer, limit = maxFrameBytes): number {
  const length = bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4);
  if (length > limit) throw new FrameError(`frame of ${length} bytes is larger than the limit of ${limit} bytes`);
  return length;
}

/** Decodes a frame's content. @throws FrameError naming `what` when it is no such message */
export function decodeFrame<T>(what: string, codec: { decode(bytes: Uint8Array): T }, bytes: Buffer): T {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (error instanceof WireError) throw new FrameError(`damaged ${what}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Larger values are not copied, but sent from where they are. */
export const copyLimitBytes = 32 * 1024;

/** Builds what one flush sends, as one HTTP chunk. Reused from flush to flush. */
export class ChunkBuilder {
  private buf = Buffer.allocUnsafeSlow(16 * 1024);
  private pos = 0;
  /** All before what is in `buf`: large values, and copies of what lies between them. */
  private pieces: Uint8Array[] = [];
  private piecesBytes = 0;

  uint8(value: number): void {
    this.reserve(1);
    this.buf[this.pos++] = value;
  }

  /** @param value a non-negative safe integer */
  uint64(value: number): void {
    this.reserve(8);
    this.buf.writeUInt32BE(Math.floor(value / 2 ** 32), this.pos);
    this.pos = this.buf.writeUInt32BE(value % 2 ** 32, this.pos + 4);
  }

  /** @param value must not change until the chunk is sent */
  bytes(value: Uint8Array): void {
    if (value.length > copyLimitBytes) {
      this.piece(Buffer.from(this.buf.subarray(0, this.pos)));
      this.piece(value);
      this.pos = 0;
      return;
    }
    this.reserve(value.length);
    this.buf.set(value, this.pos);
    this.pos += value.length;
  }

  /** @returns the chunk in pieces, size line and final CRLF included; the builder is empty then */
  finish(): Uint8Array[] {
    const { pieces } = this;
    const head = `${(this.piecesBytes + this.pos).toString(16)}\r\n`;
    const before = pieces.length === 0 ? head : '';
    const last = Buffer.allocUnsafe(before.length + this.pos + 2);
    last.write(before, 'latin1');
    this.buf.copy(last, before.length, 0, this.pos);
    last.write('\r\n', last.length - 2, 'latin1');
    this.reset();
    return pieces.length === 0 ? [last] : [Buffer.from(head, 'latin1'), ...pieces, last];
  }

  /** Forgets what was written. */
  reset(): void {
    this.pos = 0;
    this.pieces = [];
    this.piecesBytes = 0;
    // One huge flush must not keep its buffer for ever.
    if (this.buf.length > 4 * 1024 * 1024) this.buf = Buffer.allocUnsafeSlow(16 * 1024);
  }

  private piece(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.piecesBytes += bytes.length;
  }

  private reserve(count: number): void {
    if (this.pos + count <= this.buf.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.buf.length * 2, this.pos + count));
    this.buf.copy(grown, 0, 0, this.pos);
    this.buf = grown;
  }
}
