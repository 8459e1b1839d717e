/** A process's streams in memory. */
import { Readable } from 'node:stream';
import type { CliIo } from '../io.ts';

export interface MemoryIo extends CliIo {
  readonly out: () => string;
  readonly err: () => string;
}

export function memoryIo(input = '', env: Record<string, string> = {}): MemoryIo {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const sink = (chunks: Buffer[]) => ({ write: (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk)) });
  return {
    stdin: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    stdout: sink(stdout),
    stderr: sink(stderr),
    env,
    out: () => Buffer.concat(stdout).toString(),
    err: () => Buffer.concat(stderr).toString(),
  };
}
