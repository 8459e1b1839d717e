/**
 * Reads a file for a walk over all of it. Leaves lie mostly one behind another, in the order of a walk: a page that
 * follows on the last piece is read with as many behind it as have followed so far.
 */
import type { StorageFile } from '../base/file-system.ts';

/** Pieces double up to this size. */
const maxPieceBytes = 256 * 1024;

export class ReadAhead {
  private readonly file: StorageFile;
  /** Used again and again: memory outside of the heap makes V8 collect all of it. */
  private memory = Buffer.alloc(0);
  private piece = this.memory;
  /** Where the piece lies in the file. */
  private start = 0;

  /** @param file nothing that is asked for may change in it as long as this is used */
  constructor(file: StorageFile) {
    this.file = file;
  }

  /**
   * @returns a view of the bytes, good until the next call, or of fewer at the end of the file
   * @throws what reading throws
   */
  read(position: number, sizeBytes: number): Buffer {
    const at = position - this.start;
    if (at >= 0 && at + sizeBytes <= this.piece.length) return this.piece.subarray(at, at + sizeBytes);
    this.load(position, sizeBytes);
    return this.piece.subarray(0, sizeBytes);
  }

  private load(position: number, sizeBytes: number): void {
    const passedBytes = position - this.start;
    // Pages of branches, and free ones, lie in between.
    const follows = passedBytes > 0 && passedBytes <= 2 * this.piece.length;
    const aheadBytes = follows ? Math.min(2 * this.piece.length, maxPieceBytes) : 0;
    const wantedBytes = Math.max(sizeBytes, aheadBytes);
    if (wantedBytes > this.memory.length) this.memory = Buffer.allocUnsafeSlow(wantedBytes);
    this.piece = this.memory.subarray(0, 0);
    const found = this.file.readSync(this.memory.subarray(0, wantedBytes), position);
    this.piece = this.memory.subarray(0, found);
    this.start = position;
  }
}
