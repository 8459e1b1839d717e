/** A client that speaks HTTP/2 frame by frame, and may break every rule. */
import { type Duplex, duplexPair } from 'node:stream';
import { type FrameHeader, FrameReader } from '../frame-reader.ts';
import type { HeaderField } from '../header-table.ts';
import { HpackDecoder } from '../hpack-decoder.ts';
import { HpackEncoder } from '../hpack-encoder.ts';
import { clientPreface, Flag, FrameType } from '../protocol.ts';
import { ServerSession, type SessionOptions } from '../session.ts';
import { encodeSettings } from '../settings.ts';
import type { ServerStream, StreamHandler } from '../stream.ts';

export interface Frame extends FrameHeader {
  readonly payload: Buffer;
}

/** What a test wants to happen on a stream; what it leaves out does nothing. */
export type Behaviour = (stream: ServerStream) => Partial<StreamHandler>;

export const postFields: readonly HeaderField[] = [
  { name: ':method', value: 'POST' },
  { name: ':scheme', value: 'http' },
  { name: ':path', value: '/echo' },
  { name: ':authority', value: 'localhost' },
];

export class RawClient {
  readonly session: ServerSession;
  readonly frames: Frame[] = [];
  readonly streams: ServerStream[] = [];
  isClosed = false;
  private readonly socket: Duplex;
  private readonly encoder = new HpackEncoder();
  private readonly decoder = new HpackDecoder(1 << 20);

  constructor(behaviour: Behaviour = () => ({}), options: Partial<SessionOptions> = {}) {
    const [client, server] = duplexPair();
    this.socket = client;
    this.session = new ServerSession(server, {
      accept: (stream) => {
        this.streams.push(stream);
        const given = behaviour(stream);
        return {
          data: (bytes) => (given.data === undefined ? stream.consumed(bytes.length) : given.data(bytes)),
          end: () => given.end?.(),
          reset: () => given.reset?.(),
          drain: () => given.drain?.(),
        };
      },
      maxConcurrentStreams: 100,
      streamWindowBytes: 65_536,
      connectionWindowBytes: 131_072,
      maxHeaderListBytes: 16_384,
      setupTimeoutMs: 60_000,
      ...options,
    });
    const reader = new FrameReader();
    client.on('data', (bytes: Buffer) => {
      reader.push(bytes, (header, payload) => {
        this.frames.push({ ...header, payload: Buffer.from(payload) });
        return true;
      });
    });
    client.on('close', () => {
      this.isClosed = true;
    });
    client.on('end', () => {
      this.isClosed = true;
    });
    client.on('error', () => {});
  }

  /** Preface and SETTINGS. */
  begin(settings: readonly (readonly [number, number])[] = []): this {
    this.write(clientPreface);
    return this.frame(FrameType.SETTINGS, 0, 0, encodeSettings(settings));
  }

  write(bytes: Uint8Array): this {
    this.socket.write(bytes);
    return this;
  }

  frame(type: number, flags: number, streamId: number, payload: Uint8Array = Buffer.alloc(0)): this {
    const header = Buffer.alloc(9);
    header.writeUIntBE(payload.length, 0, 3);
    header[3] = type;
    header[4] = flags;
    header.writeUInt32BE(streamId, 5);
    return this.write(Buffer.concat([header, payload]));
  }

  number(type: number, streamId: number, value: number): this {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(value);
    return this.frame(type, 0, streamId, payload);
  }

  block(fields: readonly HeaderField[]): Uint8Array {
    return this.encoder.encode(fields);
  }

  request(streamId: number, more: readonly HeaderField[] = [], isEnd = true): this {
    const flags = Flag.END_HEADERS | (isEnd ? Flag.END_STREAM : 0);
    return this.frame(FrameType.HEADERS, flags, streamId, this.block([...postFields, ...more]));
  }

  data(streamId: number, payload: Uint8Array | string, isEnd = false): this {
    return this.frame(FrameType.DATA, isEnd ? Flag.END_STREAM : 0, streamId, Buffer.from(payload));
  }

  /** Lets both ends do what they have to do. */
  async settle(): Promise<this> {
    for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
    return this;
  }

  /** All frames of a type so far, of one stream or of all. */
  received(type: number, streamId?: number): Frame[] {
    return this.frames.filter((frame) => frame.type === type && (streamId ?? frame.streamId) === frame.streamId);
  }

  /** The body of an answer so far. */
  body(streamId: number): Buffer {
    return Buffer.concat(this.received(FrameType.DATA, streamId).map(({ payload }) => payload));
  }

  /** The header fields of all answers, in the order of the wire: each block can be read once. */
  answers(): { streamId: number; fields: string[]; isEnd: boolean }[] {
    return this.received(FrameType.HEADERS).map(({ streamId, flags, payload }) => ({
      streamId,
      fields: this.decoder.decode(payload).fields.map(({ name, value }) => `${name}: ${value}`),
      isEnd: (flags & Flag.END_STREAM) !== 0,
    }));
  }

  /** Whether the answer on a stream is complete. */
  hasEnded(streamId: number): boolean {
    return this.frames.some(
      ({ type, flags, ...frame }) =>
        frame.streamId === streamId && type <= FrameType.HEADERS && (flags & Flag.END_STREAM) !== 0,
    );
  }

  /** The code of RST_STREAM on a stream, or of GOAWAY. */
  errorOf(streamId: number): number | undefined {
    const frame =
      streamId === 0 ? this.received(FrameType.GOAWAY).at(-1) : this.received(FrameType.RST_STREAM, streamId)[0];
    return frame?.payload.readUInt32BE(streamId === 0 ? 4 : 0);
  }

  close(): void {
    this.socket.destroy();
    this.session.destroy();
  }
}
