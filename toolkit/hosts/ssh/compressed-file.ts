/** A file as it is sent: compressed and measured once, however many hosts it goes to at the same time. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

export interface CompressedFile {
  readonly chunks: readonly Buffer[];
  /** Of the content, not of what is sent. */
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface Shared {
  readonly file: Promise<CompressedFile>;
  users: number;
}

/** By path, size and time of change; each is held in memory only as long as somebody sends it. */
const shared = new Map<string, Shared>();

/** @param send is given the file; others who send the same one meanwhile share it */
export async function withCompressedFile<T>(path: string, send: (file: CompressedFile) => Promise<T>): Promise<T> {
  const { size, mtimeMs } = await stat(path);
  const key = `${path} ${size} ${mtimeMs}`;
  const entry: Shared = shared.get(key) ?? { file: compress(path), users: 0 };
  shared.set(key, entry);
  entry.users += 1;
  try {
    return await send(await entry.file);
  } finally {
    entry.users -= 1;
    if (entry.users === 0) shared.delete(key);
  }
}

async function compress(path: string): Promise<CompressedFile> {
  const hash = createHash('sha256');
  // The fastest level: what is saved by more would be lost by waiting for it.
  const gzip = createGzip({ level: 1 });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const source = createReadStream(path);
  let sizeBytes = 0;
  source.on('data', (chunk) => {
    hash.update(chunk);
    sizeBytes += chunk.length;
  });
  source.on('error', (error) => gzip.destroy(error));
  source.pipe(gzip);
  await finished(gzip);
  return { chunks, sizeBytes, sha256: hash.digest('hex') };
}
