/** The SHA-256 at the end of a snapshot file (contract: disk-and-peer §7). */
import { createHash } from 'node:crypto';

/** A snapshot file is the database, whose size is a multiple of 512, and its digest. */
const alignmentBytes = 512;
export const trailerBytes = 32;

/** Whether a file of this size ends with a digest: the only mark that there is. */
export function hasTrailer(sizeBytes: number): boolean {
  return sizeBytes % alignmentBytes === trailerBytes;
}

export interface TrailerVerdict {
  readonly trailer: 'ok' | 'missing' | 'mismatch';
  /** In hex, over all but the trailer. */
  readonly sha256: string;
  /** What the trailer says; empty when it is missing. */
  readonly expected: string;
}

/** Hashes a file or stream piece by piece, holding back what may be its trailer. */
export class TrailerCheck {
  sizeBytes = 0;
  private readonly hash = createHash('sha256');
  /** The last bytes so far, at most 32. */
  private tail: Uint8Array = new Uint8Array(0);

  add(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length;
    if (chunk.length >= trailerBytes) {
      this.hash.update(this.tail);
      this.hash.update(chunk.subarray(0, -trailerBytes));
      // A copy: the caller may reuse the chunk.
      this.tail = Buffer.from(chunk.subarray(-trailerBytes));
      return;
    }
    const held = Buffer.concat([this.tail, chunk]);
    this.hash.update(held.subarray(0, Math.max(held.length - trailerBytes, 0)));
    this.tail = held.subarray(-trailerBytes);
  }

  /** Call it once, at the end. */
  finish(): TrailerVerdict {
    if (!hasTrailer(this.sizeBytes)) {
      return { trailer: 'missing', sha256: this.hash.update(this.tail).digest('hex'), expected: '' };
    }
    const sha256 = this.hash.digest('hex');
    const expected = Buffer.from(this.tail).toString('hex');
    return { trailer: sha256 === expected ? 'ok' : 'mismatch', sha256, expected };
  }
}
