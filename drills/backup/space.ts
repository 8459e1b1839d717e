/** Room on a disk, asked for before it is used. */
import { statfs } from 'node:fs/promises';
import { LabError } from '../../toolkit/errors.ts';

const mebibyte = 1024 ** 2;
/** A disk is not filled to its last block: members write to it as well. */
const reserveBytes = 64 * mebibyte;

/**
 * @param folder of this machine; must be there
 * @param what needs it, for the message
 * @throws LabError LAB_PREFLIGHT when there is less
 */
export async function requireSpace(folder: string, neededBytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes + reserveBytes) return;
  throw noSpace(folder, freeBytes, neededBytes + reserveBytes, what);
}

export function noSpace(place: string, freeBytes: number, neededBytes: number, what: string): LabError {
  const found = `${Math.floor(freeBytes / mebibyte)} MiB free, ${Math.ceil(neededBytes / mebibyte)} MiB needed`;
  return new LabError('LAB_PREFLIGHT', `there is no room for ${what} in ${place}: ${found}; nothing was touched`, {
    advice: 'make room there (etcdlab backup prune shows what may go)',
  });
}
