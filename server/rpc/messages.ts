/**
 * gRPC's framing (PROTOCOL-HTTP2): a byte that says whether the message is compressed, four of length, the message.
 * Frames of HTTP/2 and of gRPC have nothing to do with each other, so messages are put together and cut apart here.
 */
import { promisify } from 'node:util';
import { Code, EtcdError } from '../errors/etcd-error.ts';

const prefixBytes = 5;
const nothing = new Uint8Array(0);

export interface RawMessage {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
}

/** What a message that waits takes besides its bytes, at least. */
const messageOverheadBytes = 192;
/** A message that comes in pieces begins with so much room, and gets so many times as much whenever that is used up. */
const firstRoomBytes = 512;
const roomGrowth = 4;

/** Puts messages together from whatever pieces they come in. */
export class MessageAssembler {
  private readonly maxBytes: number;
  private readonly complete: RawMessage[] = [];
  /** The message under way, copied: a piece of few bytes would hold on to the whole read that it came with. */
  private partial: Uint8Array = nothing;
  private pendingBytes = 0;
  /** Size of the message under way with its prefix; unknown until the prefix is there. */
  private wantedBytes = prefixBytes;

  /** @param maxBytes the largest message that is taken */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The next complete message, if there is one. */
  take(): RawMessage | undefined {
    return this.complete.shift();
  }

  /** Whether a complete message waits to be taken. */
  get hasMessage(): boolean {
    return this.complete.length > 0;
  }

  /** Whether a message has begun and is not complete. */
  get hasPartial(): boolean {
    return this.pendingBytes > 0;
  }

  /** Memory that is taken by the message under way, and by what surrounds the complete ones. */
  get heldBytes(): number {
    return this.partial.length + this.complete.length * messageOverheadBytes;
  }

  /**
   * Adds what has come in.
   *
   * @throws EtcdError ResourceExhausted as soon as a prefix announces more than the limit
   */
  push(piece: Uint8Array): void {
    let rest = this.pendingBytes === 0 ? this.takeWhole(piece) : piece;
    while (rest.length > 0) {
      const part = rest.subarray(0, this.wantedBytes - this.pendingBytes);
      this.keep(part);
      rest = rest.subarray(part.length);
      if (this.pendingBytes === this.wantedBytes) this.finishPiece();
      if (this.pendingBytes === 0) rest = this.takeWhole(rest);
    }
  }

  /** The usual case without copying: messages that lie in one piece. @returns what is left */
  private takeWhole(piece: Uint8Array): Uint8Array {
    let start = 0;
    while (piece.length - start >= prefixBytes) {
      const end = start + prefixBytes + this.readLength(piece, start);
      if (end > piece.length) break;
      this.complete.push({ compressed: piece[start] === 1, bytes: piece.subarray(start + prefixBytes, end) });
      start = end;
    }
    return start === 0 ? piece : piece.subarray(start);
  }

  private keep(part: Uint8Array): void {
    const neededBytes = this.pendingBytes + part.length;
    if (neededBytes > this.partial.length) {
      const roomBytes = Math.max(neededBytes, this.partial.length * roomGrowth, firstRoomBytes);
      const larger = Buffer.allocUnsafeSlow(Math.min(roomBytes, this.wantedBytes));
      larger.set(this.partial.subarray(0, this.pendingBytes));
      this.partial = larger;
    }
    this.partial.set(part, this.pendingBytes);
    this.pendingBytes = neededBytes;
  }

  private finishPiece(): void {
    if (this.wantedBytes === prefixBytes) {
      this.wantedBytes = prefixBytes + this.readLength(this.partial, 0);
      if (this.wantedBytes > prefixBytes) return;
    }
    const bytes = this.partial.subarray(prefixBytes, this.wantedBytes);
    this.complete.push({ compressed: this.partial[0] === 1, bytes });
    this.partial = nothing;
    this.pendingBytes = 0;
    this.wantedBytes = prefixBytes;
  }

  private readLength(bytes: Uint8Array, at: number): number {
    const flag = bytes[at] as number;
    if (flag > 1) throw new EtcdError(Code.Internal, `grpc: received unexpected payload format ${flag}`);
    const length =
      (bytes[at + 1] as number) * 0x1000000 +
      (((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number));
    if (length > this.maxBytes) {
      throw new EtcdError(
        Code.ResourceExhausted,
        `grpc: received message larger than max (${length} vs. ${this.maxBytes})`,
      );
    }
    return length;
  }
}

/**
 * Undoes a message's compression.
 *
 * @param encoding the request's `grpc-encoding`
 * @throws EtcdError in the words of upstream's gRPC library
 */
export async function decompress(bytes: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  if (encoding === 'identity') {
    throw new EtcdError(Code.Internal, 'grpc: compressed flag set with identity or empty encoding');
  }
  // Hardly any client compresses, and a tool that only needs the framing must not wait for this to load.
  const { gunzip } = await import('node:zlib');
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new EtcdError(
        Code.ResourceExhausted,
        `grpc: received message after decompression larger than max (${maxBytes + 1} vs. ${maxBytes})`,
      );
    }
    throw new EtcdError(Code.Internal, `grpc: failed to decompress the message: ${(error as Error).message}`);
  }
}

/** A message with its prefix, ready for DATA frames; never compressed. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

const timeoutUnits: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Reads a `grpc-timeout`: at most eight digits and a unit.
 *
 * @returns milliseconds
 * @throws EtcdError Internal, as upstream's library answers a malformed one
 */
export function parseTimeout(text: string): number {
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  const unit = match === null ? undefined : timeoutUnits[match[2] as string];
  if (match === null || unit === undefined) {
    throw new EtcdError(Code.Internal, `malformed grpc-timeout: transport: timeout unit is not recognized: "${text}"`);
  }
  return Number(match[1]) * unit;
}

/** The `grpc-message` trailer: UTF-8, percent-encoded outside printable ASCII. */
export function encodeStatusMessage(message: string): string {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(message)) return message;
  return Buffer.from(message).reduce((text, byte) => {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    return text + (plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  }, '');
}
