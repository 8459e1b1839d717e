/** The client's end of a connection of HTTP/2 (RFC 9113). */
import type { Duplex } from 'node:stream';
import { ChurnTable } from '../base/churn-table.ts';
import { type AnswerHandler, ClientStream, type ClientStreamOwner, type StreamFailure } from './client-stream.ts';
import { ControlFrames, type ControlOwner, noSettings } from './control-frames.ts';
import { type FrameHeader, FrameReader, readUint32 } from './frame-reader.ts';
import { HeaderBlocks } from './header-blocks.ts';
import type { HeaderField } from './header-table.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { Outbound } from './outbound.ts';
import { expectSize, withoutPadding } from './payload.ts';
import { ConnectionError, clientPreface, defaults, ErrorCode, Flag, FrameType, Setting } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { encodeSettings } from './settings.ts';

export interface ClientSessionOptions {
  /** The server has answered; called again whenever it changes its settings. */
  readonly onSettled?: () => void;
  /** The last stream has ended. */
  readonly onIdle?: () => void;
  /** What the server may send ahead on one stream, and on all together. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxHeaderListBytes: number;
}

const maxStreamId = 0x7fffffff;
/** A server that asks for more and more, and reads nothing of the answers, is left. */
const maxUnsentBytes = 16 * 1024 * 1024;
/** For the server to read the last frames of a connection. */
const farewellMs = 1000;

/**
 * Takes over a connected socket on which nothing was sent. Requests beyond what the server takes at a time wait for their
 * turn.
 */
export class ClientSession implements ClientStreamOwner, ControlOwner {
  readonly outbound: Outbound;
  private readonly socket: Duplex;
  private readonly options: ClientSessionOptions;
  private readonly reader = new FrameReader();
  private readonly decoder: HpackDecoder;
  private readonly control: ControlFrames;
  private readonly headerBlocks: HeaderBlocks;
  private readonly receiveWindow: ReceiveWindow;
  private readonly streams = new ChurnTable<ClientStream>();
  /** Requests that the server does not take yet. */
  private readonly waiting = new Set<ClientStream>();
  private nextId = 1;
  private isDraining = false;
  /** Why the connection is of no use any more, once that is so. */
  private failure: StreamFailure | undefined;

  constructor(socket: Duplex, options: ClientSessionOptions) {
    this.socket = socket;
    this.options = options;
    this.outbound = new Outbound(socket);
    this.decoder = new HpackDecoder(options.maxHeaderListBytes);
    this.receiveWindow = new ReceiveWindow(options.connectionWindowBytes);
    this.control = new ControlFrames(this);
    this.headerBlocks = new HeaderBlocks(options.maxHeaderListBytes, (streamId, block, isEnd) =>
      this.readHeaderBlock(streamId, block, isEnd),
    );
    socket.on('error', (error) => this.end(error.message));
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.once('close', () => this.end('EOF'));
    this.sendPreface();
  }

  /** Whether `request` may be called: neither side has ended the connection. */
  get isOpen(): boolean {
    return this.failure === undefined && !this.isDraining && this.nextId + 2 * this.waiting.size <= maxStreamId;
  }

  /** Requests that have no complete answer. */
  get openStreams(): number {
    return this.streams.size + this.waiting.size;
  }

  /** Begins a request. @param head pseudo-header fields first; the block of a frozen array is made once */
  request(head: readonly HeaderField[], handler: AnswerHandler): ClientStream {
    if (!this.isOpen) throw new Error('no request can begin on a connection that ends');
    const stream = new ClientStream(head, handler, this, this.options.streamWindowBytes);
    this.waiting.add(stream);
    this.beginWaiting();
    return stream;
  }

  /** Asks whether the server is there. @param answered is called when it says so */
  ping(answered: () => void): void {
    this.control.ping(answered);
  }

  /** Begins nothing more, and closes the connection when the requests under way have their answers. */
  close(): void {
    this.isDraining = true;
    this.closeWhenIdle();
  }

  /** Ends the connection at once. @param reason for the requests under way */
  destroy(reason: string): void {
    this.end(reason);
    this.socket.destroy();
  }

  /** For streams: bytes are out of the way. */
  release(bytes: number): void {
    const increment = this.receiveWindow.give(bytes);
    if (increment === 0) return;
    this.outbound.writer.number(FrameType.WINDOW_UPDATE, 0, increment);
    this.outbound.schedule();
  }

  /** For streams: one has ended. */
  forget(stream: ClientStream): void {
    if (stream.id === 0) this.waiting.delete(stream);
    else this.streams.delete(stream.id);
    this.beginWaiting();
    if (this.openStreams === 0) this.options.onIdle?.();
    this.closeWhenIdle();
  }

  /** For the connection's own frames. */
  settled(): void {
    this.options.onSettled?.();
    this.beginWaiting();
  }

  /** For the connection's own frames. @throws ConnectionError when a window becomes larger than windows can be */
  resizeWindows(changeBytes: number): void {
    for (const stream of this.streams.values()) {
      if (!stream.openWindow(changeBytes)) throw tooLarge();
    }
  }

  /** For the connection's own frames. */
  pinged(): void {}

  /** For the connection's own frames: the server takes no request after this one. */
  drain(lastStreamId: number, code: number): void {
    this.isDraining = true;
    const message = `the server takes no more requests, code ${code}`;
    const unseen = this.streams.values().filter(({ id }) => id > lastStreamId);
    // Those that wait first: the end of another would be their turn.
    for (const stream of [...this.waiting, ...unseen]) stream.abort({ code: undefined, message, isUnprocessed: true });
    this.closeWhenIdle();
  }

  /** For the connection's own frames. */
  refuse(streamId: number, code: ErrorCode): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.break(stream, code, 'a frame of the wrong size');
  }

  private sendPreface(): void {
    const { streamWindowBytes, connectionWindowBytes, maxHeaderListBytes } = this.options;
    const settings = encodeSettings([
      [Setting.ENABLE_PUSH, 0],
      [Setting.INITIAL_WINDOW_SIZE, streamWindowBytes],
      [Setting.MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ]);
    const { writer } = this.outbound;
    writer.frame(FrameType.SETTINGS, 0, 0, settings);
    writer.number(FrameType.WINDOW_UPDATE, 0, connectionWindowBytes - defaults.windowBytes);
    this.socket.cork();
    this.socket.write(clientPreface);
    this.outbound.flush();
    this.socket.uncork();
  }

  private beginWaiting(): void {
    for (const stream of this.waiting) {
      if (this.streams.size >= this.outbound.maxOpenStreams) return;
      this.waiting.delete(stream);
      const id = this.nextId;
      this.nextId += 2;
      stream.begin(id);
      this.streams.add(stream);
    }
  }

  private closeWhenIdle(): void {
    if (!this.isDraining || this.openStreams > 0 || this.failure !== undefined) return;
    this.failure = { code: undefined, message: 'the connection is closed', isUnprocessed: true };
    this.outbound.flush();
    this.hangUp();
  }

  /** The first reason is the one that counts. */
  private end(message: string): void {
    if (this.failure !== undefined) return;
    this.failure = { code: undefined, message, isUnprocessed: false };
    for (const stream of this.waiting) stream.abort({ ...this.failure, isUnprocessed: true });
    for (const stream of this.streams.values()) stream.abort(this.failure);
  }

  /** The server has broken the protocol: tells it so, and ends. */
  private fail({ code, message }: ConnectionError): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(code, 4);
    this.outbound.writer.frame(FrameType.GOAWAY, 0, 0, payload);
    this.outbound.flush();
    this.end(message);
    this.hangUp();
  }

  /** A server that reads nothing would keep the socket, and what waits in it, for ever. */
  private hangUp(): void {
    const timer = setTimeout(() => this.socket.destroy(), farewellMs).unref();
    this.socket.once('close', () => clearTimeout(timer));
    this.socket.end(() => this.socket.destroy());
  }

  private read(bytes: Uint8Array): void {
    if (this.failure !== undefined) return;
    try {
      this.reader.push(bytes, (header, payload) => this.frame(header, payload));
      if (this.outbound.unsentBytes > maxUnsentBytes) {
        throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too much waits to be read');
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error);
    }
  }

  /** @returns whether the connection goes on */
  private frame(header: FrameHeader, payload: Uint8Array): boolean {
    const { type } = header;
    if (!this.control.hasSettings && type !== FrameType.SETTINGS) throw noSettings();
    if (this.headerBlocks.isUnderWay && type !== FrameType.CONTINUATION) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a header block is interrupted');
    }
    if (type === FrameType.DATA) this.readData(header, payload);
    else if (type === FrameType.HEADERS) this.headerBlocks.headers(header, payload);
    else if (type === FrameType.CONTINUATION) this.headerBlocks.continuation(header, payload);
    else if (type === FrameType.RST_STREAM) this.readReset(header, payload);
    else if (type === FrameType.WINDOW_UPDATE) this.readWindowUpdate(header, payload);
    else this.control.read(header, payload);
    return this.failure === undefined;
  }

  private readData({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    const stream = this.lookUp(streamId, 'DATA');
    const isWithin = this.receiveWindow.take(payload.length);
    if (stream === undefined) this.release(payload.length);
    if (!isWithin || stream?.receive(withoutPadding(payload, flags), payload.length) === false) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'more than the window allows');
    }
    if ((flags & Flag.END_STREAM) !== 0) stream?.receiveEnd();
  }

  private readHeaderBlock(streamId: number, bytes: Uint8Array, isEnd: boolean): void {
    // Decoded whatever comes of it: the next block may refer to it.
    const { fields, isTruncated } = this.decoder.decode(bytes);
    const stream = this.lookUp(streamId, 'HEADERS');
    if (stream === undefined) return;
    if (isTruncated) {
      const limitBytes = this.options.maxHeaderListBytes;
      this.break(stream, ErrorCode.ENHANCE_YOUR_CALM, `more than ${limitBytes} bytes of header fields`);
      return;
    }
    if (!isInterim(fields) && !stream.receiveFields(fields, isEnd)) {
      this.break(stream, ErrorCode.PROTOCOL_ERROR, 'header fields in the middle of an answer');
      return;
    }
    if (isEnd) stream.receiveEnd();
  }

  private readReset({ streamId }: FrameHeader, payload: Uint8Array): void {
    expectSize('RST_STREAM', payload, 4);
    const code = readUint32(payload, 0) as ErrorCode;
    const name = Object.entries(ErrorCode).find(([, each]) => each === code)?.[0] ?? `${code}`;
    const message = `stream terminated by RST_STREAM with error code: ${name}`;
    this.lookUp(streamId, 'RST_STREAM')?.abort({ code, message, isUnprocessed: code === ErrorCode.REFUSED_STREAM });
  }

  private readWindowUpdate({ streamId }: FrameHeader, payload: Uint8Array): void {
    expectSize('WINDOW_UPDATE', payload, 4);
    const increment = readUint32(payload, 0) & maxStreamId;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE by nothing');
      if (!this.outbound.open(increment)) throw tooLarge();
      return;
    }
    const stream = this.lookUp(streamId, 'WINDOW_UPDATE');
    if (stream === undefined) return;
    if (increment === 0) this.break(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE by nothing');
    else if (!stream.openWindow(increment)) throw tooLarge();
    else this.outbound.resume();
  }

  /** A stream that the server has broken: both are told. */
  private break(stream: ClientStream, code: ErrorCode, message: string): void {
    this.outbound.writer.number(FrameType.RST_STREAM, stream.id, code);
    this.outbound.schedule();
    stream.abort({ code, message, isUnprocessed: false });
  }

  /** @returns the stream, or undefined when it has ended @throws ConnectionError when it never was */
  private lookUp(streamId: number, what: string): ClientStream | undefined {
    if (streamId % 2 === 0 || streamId >= this.nextId) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${streamId}, which is not open`);
    }
    return this.streams.get(streamId);
  }
}

/** Header fields of an answer that is still to come (RFC 9110 §15.2). */
function isInterim(fields: readonly HeaderField[]): boolean {
  const [first] = fields;
  return first?.name === ':status' && first.value.startsWith('1');
}

function tooLarge(): ConnectionError {
  return new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'a window larger than windows can be');
}
