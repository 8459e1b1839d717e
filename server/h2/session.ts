/** The server's end of a connection of HTTP/2 (RFC 9113). */
import type { Duplex } from 'node:stream';
import { ChurnTable } from '../base/churn-table.ts';
import { Budget } from './budget.ts';
import { ControlFrames, type ControlOwner, noSettings } from './control-frames.ts';
import { type FrameHeader, FrameReader, readUint32 } from './frame-reader.ts';
import { HeaderBlocks } from './header-blocks.ts';
import { type HeaderBlock, HpackDecoder } from './hpack-decoder.ts';
import { Outbound } from './outbound.ts';
import { expectSize, withoutPadding } from './payload.ts';
import { ConnectionError, clientPreface, defaults, ErrorCode, Flag, FrameType, Setting } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RequestHead, requestProblem, trailersProblem } from './request-head.ts';
import { encodeSettings } from './settings.ts';
import { ServerStream, type StreamHandler, type StreamOwner } from './stream.ts';

export interface SessionOptions {
  /** Serves a request. */
  readonly accept: (stream: ServerStream) => StreamHandler;
  /** The client has asked whether somebody is there; it has got its answer already. */
  readonly onPing?: () => void;
  /** The connection is gone; all streams have been told. */
  readonly onClose?: () => void;
  readonly maxConcurrentStreams: number;
  /** What a client may send ahead on one stream, and on all together. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly maxHeaderListBytes: number;
  /** How long a client may take for its first SETTINGS. */
  readonly setupTimeoutMs: number;
  /** A steady clock in milliseconds, for what a client may do so often in so much time; `performance.now` unless given. */
  readonly now?: () => number;
}

/** Requests that a client may take back at once, and per second from then on. */
const resetBudget = { burst: 10_000, perSecond: 10_000 };
/** The same for frames that ask for work and bring nothing: PING, SETTINGS, PRIORITY, empty DATA, unknown ones. */
const idleFrameBudget = { burst: 20_000, perSecond: 20_000 };
/** A client that reads nothing is sent away when so much waits for it in the socket. */
const maxUnsentBytes = 16 * 1024 * 1024;
/** New requests are turned away while answers of so many bytes wait to be read. */
const maxQueuedBytes = 64 * 1024 * 1024;
/** Streams whose late frames are passed over, since they were under way when the stream was reset. */
const maxForgotten = 1000;
/** How long the client may take to read why it is sent away. */
const farewellMs = 1000;

export class ServerSession implements StreamOwner, ControlOwner {
  readonly socket: Duplex;
  readonly outbound: Outbound;
  /** All that the client has sent. */
  receivedBytes = 0;
  private readonly options: SessionOptions;
  private readonly reader = new FrameReader();
  private readonly decoder: HpackDecoder;
  /** Heads that were checked; the decoder gives the same block again for a request like one before. */
  private readonly heads = new WeakMap<HeaderBlock, RequestHead>();
  private readonly streams = new ChurnTable<ServerStream>();
  private readonly forgotten = new Set<number>();
  private readonly receiveWindow: ReceiveWindow;
  private readonly now: () => number;
  private readonly resets: Budget;
  private readonly idleFrames: Budget;
  private readonly setupTimer: NodeJS.Timeout;
  private readonly control: ControlFrames;
  private readonly headerBlocks: HeaderBlocks;
  /** What is missing of the preface; undefined when it was there. */
  private preface: Uint8Array | undefined = clientPreface;
  private lastStreamId = 0;
  private isDraining = false;
  /** The last request that is served, once no more are taken. */
  private lastServedId: number | undefined;
  private hasFailed = false;

  /** Takes over a socket on which nothing was read of what the client sends. */
  constructor(socket: Duplex, options: SessionOptions) {
    this.socket = socket;
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.resets = new Budget(resetBudget.burst, resetBudget.perSecond, this.now());
    this.idleFrames = new Budget(idleFrameBudget.burst, idleFrameBudget.perSecond, this.now());
    this.outbound = new Outbound(socket);
    this.decoder = new HpackDecoder(options.maxHeaderListBytes);
    this.receiveWindow = new ReceiveWindow(options.connectionWindowBytes);
    this.control = new ControlFrames(this);
    this.headerBlocks = new HeaderBlocks(options.maxHeaderListBytes, (streamId, block, isEnd) =>
      this.readHeaderBlock(streamId, block, isEnd),
    );
    this.setupTimer = setTimeout(() => this.fail(noSettings()), options.setupTimeoutMs);
    this.sendSettings();
    // Whatever goes wrong with the socket also closes it.
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    socket.once('close', () => this.close());
  }

  get openStreams(): number {
    return this.streams.size;
  }

  /** Asks whether the client is there. @param answered is called when it says so */
  ping(answered: () => void): void {
    this.control.ping(answered);
  }

  /** Lets the requests under way end and takes no new ones, then closes. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    this.lastServedId = this.lastStreamId;
    this.sendGoaway(ErrorCode.NO_ERROR, '');
    this.closeWhenIdle();
  }

  /** Sends the client away: says why, and ends the connection with all that is under way. */
  fail(error: ConnectionError): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.sendGoaway(error.code, error.message);
    this.outbound.flush();
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), farewellMs);
    this.socket.once('close', () => clearTimeout(timer));
    this.abortStreams();
  }

  destroy(): void {
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
  forget(stream: ServerStream, isComplete: boolean): void {
    this.streams.delete(stream.id);
    if (!isComplete) this.passOver(stream.id);
    if (this.isDraining) this.closeWhenIdle();
  }

  /** For the connection's own frames. */
  settled(): void {
    clearTimeout(this.setupTimer);
  }

  /** For the connection's own frames. @throws ConnectionError when a window becomes larger than windows can be */
  resizeWindows(changeBytes: number): void {
    for (const stream of this.streams.values()) {
      if (stream.openWindow(changeBytes)) continue;
      throw new ConnectionError(
        ErrorCode.FLOW_CONTROL_ERROR,
        `INITIAL_WINDOW_SIZE is ${this.outbound.streamWindowBytes}`,
      );
    }
  }

  /** For the connection's own frames. */
  pinged(): void {
    this.options.onPing?.();
  }

  private sendSettings(): void {
    const { maxConcurrentStreams, streamWindowBytes, connectionWindowBytes, maxHeaderListBytes } = this.options;
    const settings = encodeSettings([
      [Setting.MAX_CONCURRENT_STREAMS, maxConcurrentStreams],
      [Setting.INITIAL_WINDOW_SIZE, streamWindowBytes],
      [Setting.MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ]);
    const { writer } = this.outbound;
    writer.frame(FrameType.SETTINGS, 0, 0, settings);
    writer.number(FrameType.WINDOW_UPDATE, 0, connectionWindowBytes - defaults.windowBytes);
    this.outbound.schedule();
  }

  private sendGoaway(code: ErrorCode, reason: string): void {
    const text = Buffer.from(reason.slice(0, 200));
    const payload = Buffer.alloc(8 + text.length);
    // What one GOAWAY has given up, a later one does not take back (RFC 9113 §6.8).
    payload.writeUInt32BE(this.lastServedId ?? this.lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    payload.set(text, 8);
    this.outbound.writer.frame(FrameType.GOAWAY, 0, 0, payload);
    this.outbound.schedule();
  }

  private closeWhenIdle(): void {
    if (this.streams.size > 0 || this.hasFailed) return;
    this.outbound.flush();
    this.socket.end();
  }

  private close(): void {
    clearTimeout(this.setupTimer);
    this.hasFailed = true;
    this.abortStreams();
    this.options.onClose?.();
  }

  private abortStreams(): void {
    for (const stream of this.streams.values()) stream.abort();
  }

  private read(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (this.hasFailed) return;
    try {
      const rest = this.preface === undefined ? bytes : this.readPreface(this.preface, bytes);
      if (rest.length > 0) this.reader.push(rest, (header, payload) => this.frame(header, payload));
      if (this.outbound.unsentBytes > maxUnsentBytes) {
        throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too much waits to be read');
      }
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.fail(error);
    }
  }

  /** @returns what follows the preface */
  private readPreface(missing: Uint8Array, bytes: Uint8Array): Uint8Array {
    const size = Math.min(missing.length, bytes.length);
    if (Buffer.compare(missing.subarray(0, size), bytes.subarray(0, size)) !== 0) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the connection does not begin with the preface of HTTP/2');
    }
    this.preface = size === missing.length ? undefined : missing.subarray(size);
    return bytes.subarray(size);
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
    else {
      this.spend(this.idleFrames);
      this.control.read(header, payload);
    }
    return !this.hasFailed;
  }

  private readData({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    const stream = this.lookUp(streamId, 'DATA');
    if (!this.receiveWindow.take(payload.length)) {
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'more than the window of the connection');
    }
    const bytes = withoutPadding(payload, flags);
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    if (bytes.length === 0 && !isEnd) this.spend(this.idleFrames);
    if (stream === undefined) {
      this.release(payload.length);
      if (!this.forgotten.has(streamId)) this.refuse(streamId, ErrorCode.STREAM_CLOSED);
      return;
    }
    const problem = stream.receive(bytes, payload.length) ?? (isEnd ? stream.receiveEnd() : undefined);
    if (problem !== undefined) this.break(stream, problem);
  }

  private readHeaderBlock(streamId: number, bytes: Uint8Array, isEnd: boolean): void {
    // Decoded whatever comes of it: the next block may refer to it.
    const block = this.decoder.decode(bytes);
    const { fields, isTruncated } = block;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) {
      if (stream.requestEnded) this.break(stream, ErrorCode.STREAM_CLOSED);
      else if (!isEnd || trailersProblem(fields) !== undefined) this.break(stream, ErrorCode.PROTOCOL_ERROR);
      else this.endRequest(stream);
      return;
    }
    if (streamId <= this.lastStreamId) {
      if (this.forgotten.has(streamId)) return;
      // Only the last one is known to have been there.
      const code = streamId === this.lastStreamId ? ErrorCode.STREAM_CLOSED : ErrorCode.PROTOCOL_ERROR;
      throw new ConnectionError(code, `HEADERS on stream ${streamId}, which is closed`);
    }
    this.lastStreamId = streamId;
    if (this.isDraining) {
      // Not served, as GOAWAY has said: the client takes it elsewhere, and what follows of it is no mistake.
      this.passOver(streamId);
      return;
    }
    if (isTruncated) this.refuse(streamId, ErrorCode.ENHANCE_YOUR_CALM);
    else if (this.isFull) this.refuse(streamId, ErrorCode.REFUSED_STREAM);
    else this.startRequest(streamId, block, isEnd);
  }

  private startRequest(streamId: number, block: HeaderBlock, isEnd: boolean): void {
    let head = this.heads.get(block);
    if (head === undefined) {
      if (requestProblem(block.fields) !== undefined) {
        this.refuse(streamId, ErrorCode.PROTOCOL_ERROR);
        return;
      }
      head = new RequestHead(block.fields);
      this.heads.set(block, head);
    }
    this.open(new ServerStream(streamId, head, this, this.options.streamWindowBytes), isEnd);
  }

  private get isFull(): boolean {
    return this.streams.size >= this.options.maxConcurrentStreams || this.outbound.queuedBytes > maxQueuedBytes;
  }

  private open(stream: ServerStream, isEnd: boolean): void {
    this.streams.add(stream);
    stream.serve(this.options.accept(stream));
    if (isEnd) this.endRequest(stream);
  }

  private endRequest(stream: ServerStream): void {
    const problem = stream.receiveEnd();
    if (problem !== undefined) this.break(stream, problem);
  }

  private readReset({ streamId }: FrameHeader, payload: Uint8Array): void {
    expectSize('RST_STREAM', payload, 4);
    const stream = this.lookUp(streamId, 'RST_STREAM');
    this.spend(this.resets);
    stream?.abort();
  }

  private readWindowUpdate({ streamId }: FrameHeader, payload: Uint8Array): void {
    expectSize('WINDOW_UPDATE', payload, 4);
    const increment = readUint32(payload, 0) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE by nothing');
      if (this.outbound.open(increment)) return;
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'the window of the connection is too large');
    }
    const stream = this.lookUp(streamId, 'WINDOW_UPDATE');
    if (stream === undefined) {
      this.spend(this.idleFrames);
    } else if (increment === 0) {
      this.break(stream, ErrorCode.PROTOCOL_ERROR);
    } else if (stream.openWindow(increment)) {
      this.outbound.resume();
    } else {
      this.break(stream, ErrorCode.FLOW_CONTROL_ERROR);
    }
  }

  /** @returns the stream, or undefined when it is closed @throws ConnectionError when it never was */
  private lookUp(streamId: number, what: string): ServerStream | undefined {
    if (streamId === 0 || streamId % 2 === 0 || streamId > this.lastStreamId) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `${what} on stream ${streamId}, which is not open`);
    }
    return this.streams.get(streamId);
  }

  private spend(budget: Budget): void {
    if (budget.spend(this.now())) return;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'too much for nothing');
  }

  /** A stream that the client has broken: both are told. */
  private break(stream: ServerStream, code: ErrorCode): void {
    this.spend(this.resets);
    this.sendReset(stream.id, code);
    stream.abort();
    this.passOver(stream.id);
  }

  /** Turns a stream away. */
  refuse(streamId: number, code: ErrorCode): void {
    this.spend(this.resets);
    this.sendReset(streamId, code);
    this.passOver(streamId);
  }

  /** What is still under way of a stream that was reset is no mistake of the client. */
  private passOver(streamId: number): void {
    this.forgotten.add(streamId);
    if (this.forgotten.size <= maxForgotten) return;
    const [oldest] = this.forgotten;
    this.forgotten.delete(oldest as number);
  }

  private sendReset(streamId: number, code: ErrorCode): void {
    this.outbound.writer.number(FrameType.RST_STREAM, streamId, code);
    this.outbound.schedule();
  }
}
