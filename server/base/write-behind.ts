/**
 * Writes a file from front to back in large pieces, each while the next is made. It has one write under way, and gathers
 * for another.
 */
import type { StorageFile } from './file-system.ts';

/** So much is worth a write. */
export const writeBytes = 1024 * 1024;

export class WriteBehind {
  private readonly file: StorageFile;
  private position: number;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> = Promise.resolve();

  /** @param position where to begin */
  constructor(file: StorageFile, position = 0) {
    this.file = file;
    this.position = position;
  }

  /** Whether it is time for `flush`. */
  get isFull(): boolean {
    return this.waitingBytes >= writeBytes;
  }

  /** @param bytes must not change until the `flush` after the next has resolved */
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  /** Waits for the write before, and begins to write what waits. @throws what writing throws, at the next call */
  async flush(): Promise<void> {
    await this.writing;
    if (this.waitingBytes === 0) return;
    this.writing = this.file.write(this.waiting, this.position);
    this.writing.catch(() => {});
    this.position += this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Writes all that waits. @throws what writing throws */
  async finish(): Promise<void> {
    await this.flush();
    await this.writing;
  }
}
