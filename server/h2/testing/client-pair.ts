/** A client's session and what it is connected to: a server's session, or frames that may break every rule. */
import { type Duplex, duplexPair } from 'node:stream';
import { ClientSession, type ClientSessionOptions } from '../client-session.ts';
import type { AnswerHandler, ClientStream, StreamFailure } from '../client-stream.ts';
import { type FrameHeader, FrameReader } from '../frame-reader.ts';
import { FrameWriter } from '../frame-writer.ts';
import type { HeaderField } from '../header-table.ts';
import { HpackEncoder } from '../hpack-encoder.ts';
import { clientPreface, Flag, FrameType } from '../protocol.ts';
import { ServerSession, type SessionOptions } from '../session.ts';
import type { ServerStream, StreamHandler } from '../stream.ts';
import { type Behaviour, postFields } from './raw-client.ts';

export const windowBytes = 65_536;
export const sizes = {
  streamWindowBytes: windowBytes,
  connectionWindowBytes: 2 * windowBytes,
  maxHeaderListBytes: 16_384,
};

/** What has come back for one request. */
export class Answer implements AnswerHandler {
  readonly fieldLists: string[][] = [];
  readonly pieces: Buffer[] = [];
  /** Undefined until it is over. */
  outcome: StreamFailure | 'complete' | undefined;
  stream!: ClientStream;
  /** Whether what comes is acknowledged at once. */
  isReading = true;

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  fields(fields: readonly HeaderField[]): void {
    this.fieldLists.push(fields.map(({ name, value }) => `${name}: ${value}`));
  }

  data(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
    if (this.isReading) this.stream.consumed(bytes.length);
  }

  end(failure: StreamFailure | undefined): void {
    this.outcome = failure ?? 'complete';
  }
}

export function ask(session: ClientSession, body?: Uint8Array): Answer {
  const answer = new Answer();
  answer.stream = session.request(postFields, answer);
  if (body !== undefined) answer.stream.send(body, true);
  return answer;
}

/** Both ends as they are. */
export function pair(behaviour: Behaviour, options: Partial<SessionOptions> = {}) {
  const [near, far] = duplexPair({ allowHalfOpen: false });
  const requests: ServerStream[] = [];
  const server = new ServerSession(far, {
    accept: (stream): StreamHandler => {
      requests.push(stream);
      const given = behaviour(stream);
      return {
        data: (bytes) => (given.data === undefined ? stream.consumed(bytes.length) : given.data(bytes)),
        end: () => given.end?.(),
        reset: () => given.reset?.(),
        drain: () => given.drain?.(),
      };
    },
    ...{ ...sizes, maxConcurrentStreams: 100, setupTimeoutMs: 60_000, ...options },
  });
  return { client: new ClientSession(near, sizes), server, requests };
}

/** The client's end, before frames that a test writes itself. */
export class FramesForClient {
  readonly client: ClientSession;
  readonly received: (FrameHeader & { readonly payload: Buffer })[] = [];
  readonly writer = new FrameWriter();
  isClosed = false;
  private readonly encoder = new HpackEncoder();
  private readonly far: Duplex;

  constructor(options: Partial<ClientSessionOptions> = {}) {
    const [near, far] = duplexPair({ allowHalfOpen: false });
    this.far = far;
    this.client = new ClientSession(near, { ...sizes, ...options });
    const reader = new FrameReader();
    let skipBytes = clientPreface.length;
    far.on('data', (bytes: Buffer) => {
      const skipped = Math.min(skipBytes, bytes.length);
      skipBytes -= skipped;
      reader.push(bytes.subarray(skipped), (header, payload) => {
        this.received.push({ ...header, payload: Buffer.from(payload) });
        return true;
      });
    });
    near.on('close', () => {
      this.isClosed = true;
    });
    far.on('error', () => {});
  }

  headers(streamId: number, fields: readonly HeaderField[], isEnd = false): this {
    this.writer.headers(streamId, this.encoder.encode(fields), isEnd, 16_384);
    return this;
  }

  data(streamId: number, payload: Uint8Array, isEnd = false): this {
    this.writer.frame(FrameType.DATA, isEnd ? Flag.END_STREAM : 0, streamId, payload);
    return this;
  }

  /** Sends what was written, and lets the client do what it has to do. */
  async flush(): Promise<this> {
    for (const piece of this.writer.take()) this.far.write(piece);
    await settle();
    return this;
  }

  write(bytes: Uint8Array): void {
    this.far.write(bytes);
  }

  close(): void {
    this.far.end();
  }

  /** The code of RST_STREAM on a stream, or of GOAWAY. */
  errorOf(streamId: number): number | undefined {
    const type = streamId === 0 ? FrameType.GOAWAY : FrameType.RST_STREAM;
    const frame = this.received.find((each) => each.type === type && each.streamId === streamId);
    return frame?.payload.readUInt32BE(streamId === 0 ? 4 : 0);
  }
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}
