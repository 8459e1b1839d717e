/** Makes the last segment ready to be appended to (contract: disk-and-peer §1.6). */
import type { FileSystem, StorageFile } from '../base/file-system.ts';

const copyBytes = 1024 * 1024;

/**
 * Cuts a torn record off the end of a segment, keeping a copy of what was there as `PATH.broken`.
 *
 * @param end where the good part ends, in bytes
 * @param directory the segment's
 */
export async function cutTornTail(fs: FileSystem, directory: string, path: string, end: number): Promise<void> {
  const file = await fs.open(path, 'write');
  try {
    const copy = await fs.open(`${path}.broken`, 'create');
    try {
      await copyAll(file, copy);
      await copy.datasync();
    } finally {
      await copy.close();
    }
    await fs.syncDirectory(directory);
    await file.truncate(end);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Zeroes what lies behind the good part. A write of several records that was lost at its beginning may have left
 * later ones there; appending over some of them would leave the rest to be found by the next reader.
 */
export async function zeroTail(file: StorageFile, end: number): Promise<void> {
  const size = await file.size();
  await file.truncate(end);
  if (size > end) await file.truncate(size);
  // Durable now: were it lost together with a later torn write, old and new bytes would mix in one record.
  await file.datasync();
}

async function copyAll(from: StorageFile, to: StorageFile): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(copyBytes);
  const zeros = Buffer.alloc(copyBytes);
  for (let position = 0; ; ) {
    const length = await from.read(buffer, position);
    if (length === 0) break;
    const chunk = buffer.subarray(0, length);
    // A segment is mostly room for later: the copy need not take it, on a disk that may have been full just now.
    if (!chunk.equals(zeros.subarray(0, length))) await to.write([chunk], position);
    position += length;
  }
  await to.truncate(await from.size());
}
