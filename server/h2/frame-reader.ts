/** Bytes to frames (RFC 9113 §4.1). */
import { ConnectionError, defaults, ErrorCode, frameHeaderBytes } from './protocol.ts';

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** @returns false to stop: the connection has ended */
type OnFrame = (header: FrameHeader, payload: Uint8Array) => boolean;

/** Takes what a socket reads, whole frames as well as pieces, and never holds more than one frame and one read. */
export class FrameReader {
  private pieces: Uint8Array[] = [];
  private heldBytes = 0;
  /** What has to be there before there is something to do. */
  private wantedBytes = frameHeaderBytes;

  /**
   * Hands over each frame that is complete. Payloads are views of what was read.
   *
   * @throws ConnectionError FRAME_SIZE_ERROR for a frame larger than was offered, and what `onFrame` throws
   */
  push(read: Uint8Array, onFrame: OnFrame): void {
    let rest = read;
    while (this.heldBytes > 0) {
      const missingBytes = this.wantedBytes - this.heldBytes;
      this.hold(rest.subarray(0, missingBytes));
      if (rest.length < missingBytes) return;
      rest = rest.subarray(missingBytes);
      if (!this.handOver(this.release(), onFrame)) return;
    }
    this.handOver(rest, onFrame);
  }

  /** Holds what is not a whole frame. @returns whether the connection goes on */
  private handOver(bytes: Uint8Array, onFrame: OnFrame): boolean {
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      const payloadBytes = left < frameHeaderBytes ? 0 : readLength(bytes, at);
      this.wantedBytes = frameHeaderBytes + payloadBytes;
      if (left < this.wantedBytes) break;
      const header = readHeader(bytes, at);
      const payload = bytes.subarray(at + frameHeaderBytes, at + this.wantedBytes);
      at += this.wantedBytes;
      if (!onFrame(header, payload)) return false;
    }
    if (at < bytes.length) this.hold(bytes.subarray(at));
    return true;
  }

  private hold(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.heldBytes += bytes.length;
  }

  /** A frame that comes in pieces is copied once, when it is complete, and nothing behind it. */
  private release(): Uint8Array {
    const bytes = Buffer.concat(this.pieces, this.heldBytes);
    this.pieces = [];
    this.heldBytes = 0;
    return bytes;
  }
}

function readLength(bytes: Uint8Array, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (length <= defaults.maxFrameBytes) return length;
  throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
}

function readHeader(bytes: Uint8Array, at: number): FrameHeader {
  return {
    type: bytes[at + 3] as number,
    flags: bytes[at + 4] as number,
    streamId: readUint32(bytes, at + 5) & 0x7fffffff,
  };
}

export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  return high * 256 + (bytes[at + 3] as number);
}
