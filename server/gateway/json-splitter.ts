/** Finds where one JSON value ends and the next begins in a body that arrives in pieces. */
import { Code, EtcdError } from '../errors/etcd-error.ts';

const byte = { quote: 0x22, backslash: 0x5c, openBrace: 0x7b, closeBrace: 0x7d, openBracket: 0x5b, closeBracket: 0x5d };

/** One long value must not keep its buffer for as long as the body lasts. */
const keptBytes = 64 * 1024;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/**
 * Cuts at brackets, without a look at what is between them: what it hands out is as much as a parser needs to accept
 * or refuse one value.
 */
export class JsonSplitter {
  private readonly maxValueBytes: number;
  /** The value under way: the first `sizeBytes` of it. */
  private buffer = Buffer.alloc(0);
  private sizeBytes = 0;
  private readonly values: Buffer[] = [];
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** Whether the value under way is a scalar, which ends where something else begins. */
  private scalar = false;

  /** @param maxValueBytes the longest value taken */
  constructor(maxValueBytes: number) {
    this.maxValueBytes = maxValueBytes;
  }

  /**
   * Takes the next piece of the body.
   *
   * @throws EtcdError ResourceExhausted when a value becomes too long
   */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const code = chunk[i] as number;
      if (this.sizeBytes === 0 && i === start && isSpace(code)) {
        start = i + 1;
      } else if (this.endsBefore(code)) {
        this.take(chunk.subarray(start, i));
        this.cut();
        start = i--;
      } else if (this.endsWith(code)) {
        this.take(chunk.subarray(start, i + 1));
        this.cut();
        start = i + 1;
      }
    }
    this.take(chunk.subarray(start));
  }

  /** The next complete value, if there is one. */
  next(): Buffer | undefined {
    return this.values.shift();
  }

  get hasValue(): boolean {
    return this.values.length > 0;
  }

  /** What came after the last complete value: empty, a scalar, or something cut off. */
  rest(): Buffer {
    const rest = Buffer.from(this.buffer.subarray(0, this.sizeBytes));
    this.sizeBytes = 0;
    if (this.buffer.length > keptBytes) this.buffer = Buffer.alloc(0);
    return rest;
  }

  /** Whether a scalar is over because of what follows it. */
  private endsBefore(code: number): boolean {
    const starts = code === byte.openBrace || code === byte.openBracket || code === byte.quote;
    return this.scalar && (isSpace(code) || starts);
  }

  private endsWith(code: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (code === byte.backslash) this.escaped = true;
      else if (code === byte.quote) {
        this.inString = false;
        return this.depth === 0;
      }
      return false;
    }
    if (code === byte.quote) this.inString = true;
    else if (code === byte.openBrace || code === byte.openBracket) this.depth++;
    else if (code === byte.closeBrace || code === byte.closeBracket) return --this.depth <= 0;
    else if (this.depth === 0) this.scalar = true;
    return false;
  }

  private take(piece: Uint8Array): void {
    if (piece.length === 0) return;
    const size = this.sizeBytes + piece.length;
    if (size > this.maxValueBytes) {
      const text = `grpc: received message larger than max (${size} vs. ${this.maxValueBytes})`;
      throw new EtcdError(Code.ResourceExhausted, text);
    }
    if (size > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.maxValueBytes, Math.max(1024, 2 * size)));
      this.buffer.copy(grown, 0, 0, this.sizeBytes);
      this.buffer = grown;
    }
    this.buffer.set(piece, this.sizeBytes);
    this.sizeBytes = size;
  }

  private cut(): void {
    this.values.push(this.rest());
    this.depth = 0;
    this.scalar = false;
  }
}
