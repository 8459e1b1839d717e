/**
 * The client's end of HTTP/2 for load that h2load cannot make: streams, and requests that differ. On the frames of
 * `server/h2`, so that it costs about what the server's framing costs; the same for every engine.
 */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { type FrameHeader, FrameReader, readUint32 } from '../../server/h2/frame-reader.ts';
import type { HeaderField } from '../../server/h2/header-table.ts';
import { HpackDecoder } from '../../server/h2/hpack-decoder.ts';
import { Outbound } from '../../server/h2/outbound.ts';
import { headerFragment, withoutPadding } from '../../server/h2/payload.ts';
import { clientPreface, defaults, Flag, FrameType, Setting } from '../../server/h2/protocol.ts';
import { decodeSettings, encodeSettings } from '../../server/h2/settings.ts';
import type { MethodDefinition } from '../../server/proto/wire.ts';
import { LoadCall, type Receiver } from './call.ts';
import { framed } from './message-reader.ts';

/** Where a load goes. */
export interface Address {
  /** `http://host:port`, or `https:` with `ca`. */
  readonly url: string;
  /** PEM of the authority of the server's certificate. */
  readonly ca?: string | undefined;
}

/** The header fields of a method, made once: the encoder knows them again. */
export type Head = readonly HeaderField[];

/** Large enough that the server never waits for the generator. */
const windowBytes = 2 ** 30 - 1;
const connectTimeoutMs = 10_000;
const maxHeaderListBytes = 64 * 1024;

export class LoadConnection {
  private readonly socket: net.Socket;
  private readonly outbound: Outbound;
  private readonly reader = new FrameReader();
  private readonly decoder = new HpackDecoder(maxHeaderListBytes);
  private readonly calls = new Map<number, LoadCall>();
  private nextId = 1;
  private unacknowledgedBytes = 0;
  private failure: Error | undefined;

  /** @throws Error when nobody answers within 10 s */
  static async open({ url, ca }: Address): Promise<LoadConnection> {
    const { hostname: host, port: portText } = new URL(url);
    const port = Number(portText);
    const socket =
      ca === undefined ? net.connect({ host, port }) : tls.connect({ host, port, ca, ALPNProtocols: ['h2'] });
    await once(socket, ca === undefined ? 'connect' : 'secureConnect', {
      signal: AbortSignal.timeout(connectTimeoutMs),
    }).catch((error: Error) => {
      socket.destroy();
      throw new Error(`cannot connect to ${url}: ${error.message}`);
    });
    return new LoadConnection(socket);
  }

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    this.outbound = new Outbound(socket);
    socket.write(clientPreface);
    const settings = encodeSettings([
      [Setting.ENABLE_PUSH, 0],
      [Setting.INITIAL_WINDOW_SIZE, windowBytes],
    ]);
    this.outbound.writer.frame(FrameType.SETTINGS, 0, 0, settings);
    this.outbound.writer.number(FrameType.WINDOW_UPDATE, 0, windowBytes - defaults.windowBytes);
    this.outbound.schedule();
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.once('close', () => this.fail(new Error('the server has closed the connection')));
  }

  /** The header fields of a call. @param method or anything else that has a path */
  head({ path }: { readonly path: string }): Head {
    const scheme = this.socket instanceof tls.TLSSocket ? 'https' : 'http';
    return Object.freeze([
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: scheme },
      { name: ':path', value: path },
      { name: ':authority', value: 'localhost' },
      { name: 'content-type', value: 'application/grpc' },
      { name: 'te', value: 'trailers' },
    ]);
  }

  /** Begins a call; `send` on what is returned brings it forward. */
  call(head: Head, receiver: Receiver): LoadCall {
    const call = new LoadCall(this.nextId, this.outbound, receiver);
    this.nextId += 2;
    if (this.failure !== undefined) {
      const { failure } = this;
      setImmediate(() => receiver.end(failure));
      return call;
    }
    this.calls.set(call.id, call);
    this.outbound.writer.headers(call.id, this.outbound.encoder.encode(head), false, this.outbound.maxFrameBytes);
    this.outbound.schedule();
    return call;
  }

  /** One request, one answer. @throws Error for any other status than OK */
  unary<Request, Response>(method: MethodDefinition<Request, Response>, request: Partial<Request>): Promise<Response> {
    return new Promise((resolve, reject) => {
      let answer: Response | undefined;
      const call = this.call(this.head(method), {
        message: (bytes) => {
          answer = method.response.decode(Buffer.from(bytes));
        },
        end: (failure) => {
          if (answer !== undefined && failure === undefined) resolve(answer);
          else reject(new Error(`${method.path}: ${failure?.message ?? 'no answer'}`));
        },
      });
      call.send(framed(method.request.encode(method.request.create(request))), true);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private fail(failure: Error): void {
    if (this.failure !== undefined) return;
    this.failure = failure;
    this.socket.destroy();
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const { receiver } of calls) receiver.end(failure);
  }

  private read(bytes: Buffer): void {
    try {
      this.reader.push(bytes, (header, payload) => {
        this.frame(header, payload);
        return this.failure === undefined;
      });
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private frame(header: FrameHeader, payload: Uint8Array): void {
    const { type, flags, streamId } = header;
    if (type === FrameType.DATA) this.readData(header, payload);
    else if (type === FrameType.HEADERS) this.readHeaders(header, payload);
    else if (type === FrameType.WINDOW_UPDATE) {
      const increment = readUint32(payload, 0);
      if (streamId !== 0) this.calls.get(streamId)?.openWindow(increment);
      this.outbound.open(streamId === 0 ? increment : 0);
    } else if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) this.readSettings(payload);
    else if (type === FrameType.PING && (flags & Flag.ACK) === 0) {
      this.outbound.writer.frame(FrameType.PING, Flag.ACK, 0, payload);
      this.outbound.schedule();
    } else if (type === FrameType.RST_STREAM) {
      this.end(streamId, new Error(`the server has reset the stream, code ${readUint32(payload, 0)}`));
    } else if (type === FrameType.GOAWAY) {
      this.fail(new Error(`the server sends clients away, code ${readUint32(payload, 4)}`));
    } else if (type === FrameType.CONTINUATION) throw new Error('a header block in pieces');
  }

  private readData({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    this.unacknowledgedBytes += payload.length;
    if (this.unacknowledgedBytes > windowBytes / 2) {
      this.outbound.writer.number(FrameType.WINDOW_UPDATE, 0, this.unacknowledgedBytes);
      this.outbound.schedule();
      this.unacknowledgedBytes = 0;
    }
    this.calls.get(streamId)?.receive(withoutPadding(payload, flags));
    if ((flags & Flag.END_STREAM) !== 0) this.end(streamId, new Error('an answer without trailers'));
  }

  private readHeaders({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    if ((flags & Flag.END_HEADERS) === 0) throw new Error('a header block in pieces');
    const { fields } = this.decoder.decode(headerFragment(payload, flags, streamId));
    if ((flags & Flag.END_STREAM) === 0) return;
    const status = fields.find(({ name }) => name === 'grpc-status')?.value;
    if (status === '0') this.end(streamId, undefined);
    else {
      const text = fields.find(({ name }) => name === 'grpc-message')?.value ?? '';
      this.end(streamId, new Error(`status ${status ?? 'missing'}: ${text}`));
    }
  }

  private readSettings(payload: Uint8Array): void {
    for (const [id, value] of decodeSettings(payload)) {
      if (id === Setting.HEADER_TABLE_SIZE) this.outbound.encoder.limitTable(value);
      else if (id === Setting.MAX_FRAME_SIZE) this.outbound.maxFrameBytes = value;
      else if (id === Setting.INITIAL_WINDOW_SIZE) {
        const change = value - this.outbound.streamWindowBytes;
        this.outbound.streamWindowBytes = value;
        for (const call of this.calls.values()) call.openWindow(change);
        this.outbound.resume();
      }
    }
    this.outbound.writer.frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
    this.outbound.schedule();
  }

  private end(streamId: number, failure: Error | undefined): void {
    const call = this.calls.get(streamId);
    if (call === undefined) return;
    this.calls.delete(streamId);
    this.outbound.unblock(call);
    call.receiver.end(failure);
  }
}

/** Several connections to one address. */
export async function openConnections(address: Address, count: number): Promise<LoadConnection[]> {
  const opening = await Promise.allSettled(Array.from({ length: count }, () => LoadConnection.open(address)));
  const opened = opening.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = opening.find((each) => each.status === 'rejected');
  if (failed === undefined) return opened;
  for (const connection of opened) connection.close();
  throw failed.reason;
}
