/** Header blocks from the HEADERS and CONTINUATION frames that carry them (RFC 9113 §4.3). */
import type { FrameHeader } from './frame-reader.ts';
import { headerFragment } from './payload.ts';
import { ConnectionError, ErrorCode, Flag } from './protocol.ts';

/** Header blocks in pieces: so many, until the other side is left. */
const maxContinuations = 32;

/** Takes a block that is complete. @param isEnd whether the stream ends with it */
type OnBlock = (streamId: number, block: Uint8Array, isEnd: boolean) => void;

interface BlockUnderWay {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly pieces: Uint8Array[];
  sizeBytes: number;
}

export class HeaderBlocks {
  private readonly maxBytes: number;
  private readonly onBlock: OnBlock;
  private underWay: BlockUnderWay | undefined;

  /** @param maxBytes of a block in pieces */
  constructor(maxBytes: number, onBlock: OnBlock) {
    this.maxBytes = maxBytes;
    this.onBlock = onBlock;
  }

  /** Whether nothing may come but the block's next piece. */
  get isUnderWay(): boolean {
    return this.underWay !== undefined;
  }

  /** @throws ConnectionError for a frame that is damaged, or on a stream that no client begins */
  headers({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    if (streamId % 2 === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `HEADERS on stream ${streamId}`);
    const fragment = headerFragment(payload, flags, streamId);
    const isEnd = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) this.onBlock(streamId, fragment, isEnd);
    else this.underWay = { streamId, isEnd, pieces: [fragment], sizeBytes: fragment.length };
  }

  /** @throws ConnectionError when it continues nothing, or the block becomes too large */
  continuation({ flags, streamId }: FrameHeader, payload: Uint8Array): void {
    const block = this.underWay;
    if (block?.streamId !== streamId) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, `CONTINUATION on stream ${streamId} continues nothing`);
    }
    block.pieces.push(payload);
    block.sizeBytes += payload.length;
    if (block.pieces.length > maxContinuations || block.sizeBytes > this.maxBytes) {
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'a header block without end');
    }
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.underWay = undefined;
    this.onBlock(streamId, Buffer.concat(block.pieces, block.sizeBytes), block.isEnd);
  }
}
