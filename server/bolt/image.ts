/** The bytes of a database file as one transaction sees it: the body of a snapshot (contract: disk-and-peer §7). */
import { BoltCode, BoltError } from './bolt-error.ts';
import { encodeMetaPage } from './format.ts';
import type { State } from './state.ts';

/** Read while the chunk before is on its way. */
export const defaultChunkBytes = 256 * 1024;

/**
 * Reads the file up to the state's last page, with meta pages that lead to this state and no other: T in page 0 and
 * T-1 in page 1. Free pages come as they are, and may change meanwhile; nothing refers to them.
 *
 * @param state must be durable, and its pages kept from reuse until the end
 * @param isOpen asked before each chunk
 */
export async function* readImage(state: State, chunkBytes: number, isOpen: () => void): AsyncGenerator<Uint8Array> {
  const { meta, pager } = state;
  const anchor = { ...meta, freeList: undefined };
  const anchors = Buffer.concat([
    encodeMetaPage(anchor, 0),
    encodeMetaPage({ ...anchor, txid: Math.max(0, meta.txid - 1) }, 1),
  ]);
  const read = async (offset: number): Promise<Buffer> => {
    const chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(chunkBytes, state.sizeBytes - offset)));
    const found = await pager.file.read(chunk, offset);
    if (found === chunk.length) return chunk;
    throw new BoltError(BoltCode.Truncated, pager.path, `the file ends at byte ${offset + found}`);
  };
  isOpen();
  let reading = read(0);
  for (let offset = 0; offset < state.sizeBytes; offset += chunkBytes) {
    const chunk = await reading;
    isOpen();
    reading = read(offset + chunkBytes);
    // Nobody may ask for it any more.
    reading.catch(() => {});
    if (offset < anchors.length) anchors.copy(chunk, 0, offset);
    yield chunk;
  }
}
