/** Finds the meta page that a file is opened by. */
import type { StorageFile } from '../base/file-system.ts';
import { BoltCode, BoltError } from './bolt-error.ts';
import { decodeMetaPage, type Meta } from './format.ts';

export interface FoundMeta {
  /** The valid one with the higher transaction. */
  readonly meta: Meta;
  /** What is wrong with the other one, if anything: after a crash while it was written, a valid file has one. */
  readonly other: { readonly page: number; readonly reason: string } | undefined;
}

const metaPrefixBytes = 80;

/**
 * @param sizeBytes how much of the file counts
 * @throws BoltError BOLT_NOT_A_DATABASE, BOLT_TRUNCATED, BOLT_IO
 */
export async function readMeta(path: string, file: StorageFile, sizeBytes: number): Promise<FoundMeta> {
  const first = await metaAt(path, file, 0, sizeBytes);
  const second = await secondMeta(path, file, first, sizeBytes);
  const [one, two] = [first, second].map((meta) => (typeof meta === 'string' ? undefined : meta));
  const meta = one && two ? (one.txid > two.txid ? one : two) : (one ?? two);
  if (meta === undefined) {
    throw new BoltError(BoltCode.NotADatabase, path, `neither meta page is valid: ${first}; ${second}`);
  }
  if (meta.highWater * meta.pageSize > sizeBytes) {
    const reason = `${sizeBytes} bytes, but transaction ${meta.txid} has ${meta.highWater} pages of ${meta.pageSize}`;
    throw new BoltError(BoltCode.Truncated, path, reason);
  }
  const failed = [first, second].findIndex((found) => typeof found === 'string');
  return { meta, other: failed < 0 ? undefined : { page: failed, reason: [first, second][failed] as string } };
}

/** Looks at all page sizes when the first meta page does not say which it is. */
async function secondMeta(path: string, file: StorageFile, first: Meta | string, sizeBytes: number) {
  if (typeof first !== 'string') return metaAt(path, file, first.pageSize, sizeBytes);
  let reason = 'the file ends before it';
  for (let pageSize = 1024; pageSize <= 65_536; pageSize *= 2) {
    const found = await metaAt(path, file, pageSize, sizeBytes);
    if (typeof found === 'string') reason = found;
    else if (found.pageSize === pageSize) return found;
  }
  return reason;
}

async function metaAt(path: string, file: StorageFile, position: number, sizeBytes: number): Promise<Meta | string> {
  const bytes = Buffer.alloc(Math.max(0, Math.min(metaPrefixBytes, sizeBytes - position)));
  try {
    return decodeMetaPage(bytes.subarray(0, await file.read(bytes, position)));
  } catch (cause) {
    throw new BoltError(BoltCode.InputOutput, path, `reading the meta page at byte ${position} failed`, { cause });
  }
}
