/** Frames about the connection itself: SETTINGS, PING, GOAWAY, PRIORITY (RFC 9113 §6.3, §6.5 to §6.8). */
import { type FrameHeader, readUint32 } from './frame-reader.ts';
import type { Outbound } from './outbound.ts';
import { checkDependency, expectSize } from './payload.ts';
import { ConnectionError, ErrorCode, Flag, FrameType, Setting } from './protocol.ts';
import { decodeSettings } from './settings.ts';

/** What these frames need of their connection. */
export interface ControlOwner {
  readonly outbound: Outbound;
  /** The other side's SETTINGS have come, for the first time or again. */
  settled(): void;
  /** By a new SETTINGS_INITIAL_WINDOW_SIZE, every stream may send so much more, or less. */
  resizeWindows(changeBytes: number): void;
  pinged(): void;
  /** The other side has said GOAWAY: it has looked at no request after this one, and will not. */
  drain(lastStreamId: number, code: number): void;
  refuse(streamId: number, code: ErrorCode): void;
}

export class ControlFrames {
  /** Whether the other side has begun as it must. */
  hasSettings = false;
  private readonly owner: ControlOwner;
  /** By their payload, in hexadecimal. */
  private readonly pings = new Map<string, () => void>();
  private sentPings = 0;

  constructor(owner: ControlOwner) {
    this.owner = owner;
  }

  /** Asks whether the other side is there. @param answered is called when it says so */
  ping(answered: () => void): void {
    const { outbound } = this.owner;
    const payload = Buffer.alloc(8);
    payload.writeBigUInt64BE(BigInt(this.sentPings++));
    this.pings.set(payload.toString('hex'), answered);
    outbound.writer.frame(FrameType.PING, 0, 0, payload);
    outbound.schedule();
  }

  /** Frames of a type that nobody knows are passed over. @throws ConnectionError for one that is wrong */
  read(header: FrameHeader, payload: Uint8Array): void {
    const { type } = header;
    if (type === FrameType.SETTINGS) this.readSettings(header, payload);
    else if (type === FrameType.PING) this.readPing(header, payload);
    else if (type === FrameType.GOAWAY) this.readGoaway(header, payload);
    else if (type === FrameType.PRIORITY) this.readPriority(header, payload);
    else if (type === FrameType.PUSH_PROMISE) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'a push, which nobody has allowed');
    }
  }

  private readSettings({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `SETTINGS on stream ${streamId}`);
    if ((flags & Flag.ACK) !== 0) {
      if (!this.hasSettings) throw noSettings();
      expectSize('an acknowledgement of SETTINGS', payload, 0);
      return;
    }
    for (const [id, value] of decodeSettings(payload)) this.apply(id, value);
    this.hasSettings = true;
    const { outbound } = this.owner;
    this.owner.settled();
    outbound.writer.frame(FrameType.SETTINGS, Flag.ACK, 0, payload.subarray(0, 0));
    outbound.schedule();
    outbound.resume();
  }

  private apply(id: number, value: number): void {
    const { outbound } = this.owner;
    if (id === Setting.HEADER_TABLE_SIZE) outbound.encoder.limitTable(value);
    if (id === Setting.MAX_FRAME_SIZE) outbound.maxFrameBytes = value;
    if (id === Setting.MAX_CONCURRENT_STREAMS) outbound.maxOpenStreams = value;
    if (id !== Setting.INITIAL_WINDOW_SIZE) return;
    const changeBytes = value - outbound.streamWindowBytes;
    outbound.streamWindowBytes = value;
    this.owner.resizeWindows(changeBytes);
  }

  private readPing({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `PING on stream ${streamId}`);
    expectSize('PING', payload, 8);
    if ((flags & Flag.ACK) !== 0) {
      const key = Buffer.from(payload).toString('hex');
      const answered = this.pings.get(key);
      this.pings.delete(key);
      answered?.();
      return;
    }
    const { outbound } = this.owner;
    outbound.writer.frame(FrameType.PING, Flag.ACK, 0, payload);
    outbound.schedule();
    this.owner.pinged();
  }

  private readGoaway({ streamId }: FrameHeader, payload: Uint8Array): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `GOAWAY on stream ${streamId}`);
    if (payload.length < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'GOAWAY that is too short');
    this.owner.drain(readUint32(payload, 0) & 0x7fffffff, readUint32(payload, 4));
  }

  private readPriority({ streamId }: FrameHeader, payload: Uint8Array): void {
    if (streamId === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'PRIORITY on stream 0');
    if (payload.length !== 5) this.owner.refuse(streamId, ErrorCode.FRAME_SIZE_ERROR);
    else checkDependency(payload, streamId);
  }
}

/** For one that does something else first. */
export function noSettings(): ConnectionError {
  return new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'the connection does not begin with SETTINGS');
}
