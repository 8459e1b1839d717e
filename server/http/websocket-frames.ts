/** The frames of RFC 6455, as a server reads and writes them. Without extensions: nothing is compressed. */
import { isUtf8 } from 'node:buffer';

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** Why a connection is closed (RFC 6455 §7.4.1). */
export const CloseCode = { normal: 1000, protocolError: 1002, invalidText: 1007, tooBig: 1009 } as const;

export interface WebSocketEvent {
  readonly kind: 'message' | 'ping' | 'pong' | 'close';
  readonly payload: Buffer;
}

/** What a client sent that it must not; the connection has to be closed with `code`. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Header {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: Buffer;
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

const maxControlBytes = 125;
/** Each piece that is held costs more than its bytes. */
const maxFragments = 1024;
const controlKinds: Record<number, WebSocketEvent['kind']> = {
  [Opcode.close]: 'close',
  [Opcode.ping]: 'ping',
  [Opcode.pong]: 'pong',
};

/** Puts messages together from what a client sends. */
export class WebSocketReader {
  private readonly maxMessageBytes: number;
  private pieces: Uint8Array[] = [];
  private heldBytes = 0;
  /** What has to be there before there is something to do. */
  private wantedBytes = 2;
  private fragments: Buffer[] = [];
  private fragmentBytes = 0;
  private messageOpcode: number | undefined;

  constructor(maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** @throws WebSocketError; nothing may be pushed after it */
  push(bytes: Uint8Array, onEvent: (event: WebSocketEvent) => void): void {
    this.pieces.push(bytes);
    this.heldBytes += bytes.length;
    if (this.heldBytes < this.wantedBytes) return;
    let rest = Buffer.concat(this.pieces, this.heldBytes);
    for (;;) {
      const header = this.readHeader(rest);
      this.wantedBytes = typeof header === 'number' ? header : header.headerBytes + header.payloadBytes;
      if (typeof header === 'number' || rest.length < this.wantedBytes) break;
      const event = this.take(header, unmask(rest.subarray(header.headerBytes, this.wantedBytes), header.mask));
      if (event !== undefined) onEvent(event);
      rest = rest.subarray(this.wantedBytes);
    }
    this.pieces = rest.length > 0 ? [rest] : [];
    this.heldBytes = rest.length;
  }

  /** @returns the bytes that it takes to know more, if there are too few */
  private readHeader(bytes: Buffer): Header | number {
    if (bytes.length < 2) return 2;
    const [first, second] = bytes as unknown as [number, number];
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw protocolError('a reserved bit is set');
    if ((second & 0x80) === 0) throw protocolError('a frame of a client is not masked');
    const short = second & 0x7f;
    const headerBytes = short === 127 ? 14 : short === 126 ? 8 : 6;
    if (bytes.length < headerBytes) return headerBytes;
    const payloadBytes =
      short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    this.check(opcode, isFinal, payloadBytes);
    return { opcode, isFinal, mask: bytes.subarray(headerBytes - 4, headerBytes), headerBytes, payloadBytes };
  }

  /** Before the payload is waited for: what is too big is not held. */
  private check(opcode: number, isFinal: boolean, payloadBytes: number): void {
    if (opcode in controlKinds) {
      if (!isFinal || payloadBytes > maxControlBytes) throw protocolError('a control frame is too long or in pieces');
      return;
    }
    if (opcode > Opcode.binary) throw protocolError(`opcode ${opcode} is unknown`);
    const isContinuation = opcode === Opcode.continuation;
    if (isContinuation !== (this.messageOpcode !== undefined))
      throw protocolError('a message is interrupted by another');
    if (this.fragments.length >= maxFragments) {
      throw new WebSocketError(CloseCode.tooBig, `a message is in more than ${maxFragments} pieces`);
    }
    if (this.fragmentBytes + payloadBytes > this.maxMessageBytes) {
      throw new WebSocketError(CloseCode.tooBig, `a message is longer than ${this.maxMessageBytes} bytes`);
    }
  }

  private take({ opcode, isFinal }: Header, payload: Buffer): WebSocketEvent | undefined {
    const control = controlKinds[opcode];
    if (control !== undefined) return { kind: control, payload };
    this.messageOpcode ??= opcode;
    if (payload.length > 0) this.fragments.push(payload);
    this.fragmentBytes += payload.length;
    if (!isFinal) return undefined;
    const message = Buffer.concat(this.fragments, this.fragmentBytes);
    const isText = this.messageOpcode === Opcode.text;
    this.fragments = [];
    this.fragmentBytes = 0;
    this.messageOpcode = undefined;
    if (isText && !isUtf8(message)) throw new WebSocketError(CloseCode.invalidText, 'a text is not UTF-8');
    return { kind: 'message', payload: message };
  }
}

/** One whole message or control frame of a server. */
export function webSocketFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = 0x80 | opcode;
  if (header.length === 2) header[1] = length;
  else if (header.length === 4) {
    header[1] = 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([header, payload]);
}

export function closeFrame(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return webSocketFrame(Opcode.close, payload.subarray(0, maxControlBytes));
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) plain[i] = (payload[i] as number) ^ (mask[i & 3] as number);
  return plain;
}

function protocolError(message: string): WebSocketError {
  return new WebSocketError(CloseCode.protocolError, message);
}
