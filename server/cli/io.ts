/** What a command may touch of its process. Tests give it memory instead. */
import type { Readable } from 'node:stream';

export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly stdout: { write(chunk: string | Uint8Array): unknown };
  readonly stderr: { write(chunk: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A key's value or a transaction is far smaller; without a bound, `put` would read an endless pipe into memory. */
const maxInputBytes = 64 * 1024 * 1024;

/**
 * All of standard input.
 *
 * @throws Error when it is longer than 64 MiB
 */
export async function readAll(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    length += bytes.length;
    if (length > maxInputBytes) throw new Error(`standard input is larger than ${maxInputBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Reads standard input line by line, as far as it is asked to. */
export class LineReader {
  private readonly stdin: Readable;
  private readonly chunks: AsyncIterator<unknown>;
  private buffered = Buffer.alloc(0);

  constructor(stdin: Readable) {
    this.stdin = stdin;
    this.chunks = stdin[Symbol.asyncIterator]();
  }

  /**
   * @returns the next line without its line feed; undefined when the input ends, even within a line
   * @throws Error when a line is longer than 64 MiB
   */
  async next(): Promise<string | undefined> {
    for (let searched = 0; ; ) {
      const end = this.buffered.indexOf(0x0a, searched);
      if (end >= 0) {
        const line = this.buffered.toString('utf8', 0, end);
        this.buffered = this.buffered.subarray(end + 1);
        return line;
      }
      searched = this.buffered.length;
      const { value, done } = await this.chunks.next();
      if (done === true) return undefined;
      this.buffered = Buffer.concat([this.buffered, Buffer.from(value as Uint8Array | string)]);
      if (this.buffered.length > maxInputBytes) throw new Error(`a line is longer than ${maxInputBytes} bytes`);
    }
  }

  /** Stops reading, so that the process can end while a terminal or a pipe is still open. A line waited for is lost. */
  async close(): Promise<void> {
    // Else the iterator would wait for the next piece before it ends.
    this.stdin.destroy();
    await this.chunks.return?.();
  }
}
