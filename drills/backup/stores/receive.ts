/** Downloads: a file is whole and as it should be, or it is not there. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { throwIfInterrupted } from '../../../toolkit/errors.ts';
import type { Digest, GetOptions } from './object-store.ts';
import { isAnother, localError, persistently } from './store-error.ts';

/** A source that says nothing for so long is given up. */
export const silenceMs = 30_000;

export interface Source {
  /** For messages. */
  readonly location: string;
  readonly name: string;
  /** @param offset where to begin @throws TransientError where it is worth another try */
  open(offset: number): Promise<Readable>;
  /** What an error of the stream means: as `open`. */
  explain(error: unknown): unknown | Promise<unknown>;
}

/**
 * Writes a source into a file, under another name first. One that breaks off is opened again where it has ended.
 *
 * @throws LabError as `ObjectStore`; nothing is left then
 */
export async function receiveFile(source: Source, file: string, { signal, expected }: GetOptions): Promise<Digest> {
  const part = `${file}.part`;
  await rm(part, { force: true });
  const handle = await open(part, 'wx', 0o600);
  try {
    const digest = await receive(source, handle, part, signal);
    if (expected !== undefined && digest.sizeBytes !== expected.sizeBytes) {
      throw isAnother(source.location, source.name, `it has ${digest.sizeBytes} bytes, not ${expected.sizeBytes}`);
    }
    if (expected !== undefined && digest.sha256 !== expected.sha256) {
      throw isAnother(source.location, source.name, `its SHA-256 is ${digest.sha256}, not ${expected.sha256}`);
    }
    await handle.sync();
    await handle.close();
    await rename(part, file);
    return digest;
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(part, { force: true });
    throw localError(error, part);
  }
}

async function receive(source: Source, handle: FileHandle, part: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const take = async (chunk: Buffer): Promise<void> => {
    await handle.writeFile(chunk).catch((error: unknown) => {
      throw localError(error, part);
    });
    hash.update(chunk);
    sizeBytes += chunk.length;
  };
  await persistently(signal, async () => {
    const stream = await source.open(sizeBytes);
    await pour(stream, take, signal, (error) => source.explain(error));
  });
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** Errors of `take` are thrown as they are, those of the stream as they are explained. */
async function pour(
  stream: Readable,
  take: (chunk: Buffer) => Promise<void>,
  signal: AbortSignal,
  explain: Source['explain'],
): Promise<void> {
  const silence = setTimeout(() => stream.destroy(new Error(`nothing came for ${silenceMs / 1000} s`)), silenceMs);
  const abort = (): void => void stream.destroy(new Error('interrupted'));
  signal.addEventListener('abort', abort, { once: true });
  let refused: { error: unknown } | undefined;
  try {
    for await (const chunk of stream) {
      silence.refresh();
      await take(chunk as Buffer).catch((error: unknown) => {
        refused = { error };
        throw error;
      });
    }
  } catch (error) {
    throwIfInterrupted(signal);
    throw refused === undefined ? await explain(error) : refused.error;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
}

/** @returns all of a stream @param tooLarge thrown beyond so many bytes */
export async function receiveBytes(
  stream: Readable,
  maxBytes: number,
  signal: AbortSignal,
  { explain, tooLarge }: Pick<Source, 'explain'> & { tooLarge: Error },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  await pour(
    stream,
    async (chunk) => {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooLarge;
      chunks.push(chunk);
    },
    signal,
    explain,
  );
  return Buffer.concat(chunks);
}
