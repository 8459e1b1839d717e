/** Saves a member's backend to a file that is either complete and verified, or not there at all. */
import path from 'node:path';
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import { WriteBehind } from '../base/write-behind.ts';
import type { EtcdClient } from './etcd-client.ts';
import { TrailerCheck } from './trailer-check.ts';

export interface SaveSnapshotOptions {
  /** Called after each piece. `totalBytes` is what the member announced. */
  readonly onProgress?: ((progress: { receivedBytes: number; totalBytes: number }) => void) | undefined;
  /** Replace an existing file, as upstream's etcdctl does. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Ask exactly this one of the client's endpoints. */
  readonly endpoint?: string | undefined;
  /** Longest time for the whole transfer. Default: none but the connection's own keepalive. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly fs?: FileSystem | undefined;
}

/** Where a snapshot comes from: a client, as far as this needs one. */
export type SnapshotSource = Pick<EtcdClient, 'snapshot'>;

/**
 * Streams to `<file>.part` (mode 0600), checks the SHA-256 that ends the stream over the bytes received, syncs, renames
 * and syncs the directory. On failure nothing is left behind. Two saves to the same file at once are not supported.
 *
 * @returns the size of the file and the digest of the database in it
 * @throws RpcError when the member fails; Error when the stream is incomplete or damaged, or the file cannot be written
 */
export async function saveSnapshot(
  client: SnapshotSource,
  file: string,
  options: SaveSnapshotOptions = {},
): Promise<{ sizeBytes: number; sha256: string }> {
  const fs = options.fs ?? nodeFileSystem;
  if (options.overwrite !== true && (await fs.exists(file))) {
    throw new Error(`${file} exists already; name another file, or remove it first`);
  }
  const part = `${file}.part`;
  if (await fs.exists(part)) await fs.remove(part);
  const target = await fs.open(part, 'create-new', 0o600);
  try {
    const saved = await receive(client, target, options).finally(() => target.close());
    await fs.rename(part, file);
    await fs.syncDirectory(path.dirname(file));
    return saved;
  } catch (error) {
    // A disk that refuses this as well must not hide why the save failed; the next one removes what is left.
    await fs.remove(part).catch(() => undefined);
    throw error;
  }
}

async function receive(
  client: SnapshotSource,
  target: StorageFile,
  options: SaveSnapshotOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const { endpoint, timeoutMs, signal } = options;
  const check = new TrailerCheck();
  const writer = new WriteBehind(target);
  for await (const { blob, remaining_bytes } of client.snapshot({ endpoint, timeoutMs, signal })) {
    writer.add(blob);
    if (writer.isFull) await writer.flush();
    check.add(blob);
    options.onProgress?.({ receivedBytes: check.sizeBytes, totalBytes: check.sizeBytes + remaining_bytes });
  }
  const { trailer, sha256, expected } = check.finish();
  if (trailer === 'missing') {
    throw new Error(`sha256 checksum not found [bytes: ${check.sizeBytes}]: the stream ended early; nothing is saved`);
  }
  if (trailer === 'mismatch') {
    throw new Error(`damaged on its way: the SHA-256 is ${sha256}, the member sent ${expected}; nothing is saved`);
  }
  await writer.finish();
  await target.datasync();
  return { sizeBytes: check.sizeBytes, sha256 };
}
