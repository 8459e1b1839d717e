/** Reading the end of a growing log file, without reading all of it. */
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const chunkSizeBytes = 64 * 1024;
/** Nobody reads more than this backwards, however many lines are asked for. */
const maxTailBytes = 16 * 1024 * 1024;
const followPollMs = 200;

async function openOptional(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @returns where the last `lines` lines of the first `size` bytes begin */
async function tailStart(handle: FileHandle, size: number, lines: number): Promise<number> {
  if (lines <= 0) return size;
  const floor = Math.max(0, size - maxTailBytes);
  const chunk = Buffer.alloc(chunkSizeBytes);
  let found = 0;
  for (let end = size; end > floor; ) {
    const start = Math.max(floor, end - chunkSizeBytes);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline that ends the last line does not begin another.
      if (chunk[i] === 0x0a && start + i !== size - 1 && ++found === lines) return start + i + 1;
    }
    end = start;
  }
  return floor;
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const buffer = Buffer.alloc(end - start);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

/** @returns the last `lines` lines, oldest first; none if there is no such file */
export async function lastLines(path: string, lines: number): Promise<string[]> {
  const handle = await openOptional(path);
  if (handle === undefined) return [];
  try {
    const { size } = await handle.stat();
    const text = (await readRange(handle, await tailStart(handle, size, lines), size)).toString('utf8');
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
  } finally {
    await handle.close();
  }
}

/**
 * The last `lines` lines, then each further line once it is complete, until the signal fires. A file that was replaced
 * (rotated) or is not there yet is followed under its name.
 */
export async function* followLines(path: string, lines: number, signal: AbortSignal): AsyncGenerator<string> {
  let inode: number | undefined;
  let position = 0;
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const handle = await openOptional(path);
    if (handle !== undefined) {
      try {
        const { ino, size } = await handle.stat();
        if (inode === undefined) position = await tailStart(handle, size, lines);
        else if (ino !== inode || size < position) [position, rest] = [0, Buffer.alloc(0)];
        inode = ino;
        while (position < size && !signal.aborted) {
          const chunk = await readRange(handle, position, Math.min(size, position + chunkSizeBytes));
          position += chunk.length;
          rest = Buffer.concat([rest, chunk]);
          for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
            yield rest.subarray(0, end).toString('utf8');
            rest = rest.subarray(end + 1);
          }
        }
      } finally {
        await handle.close();
      }
    } else {
      // Nothing was missed before the file was made.
      inode ??= -1;
    }
    await delay(followPollMs, undefined, { signal }).catch(() => undefined);
  }
}
