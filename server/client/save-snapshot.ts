/** Saves a member's backend to a file that is either complete and verified, or not there at all. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { type FileSystem, nodeFileSystem, type StorageFile } from '../base/file-system.ts';
import type { EtcdClient } from './etcd-client.ts';

/** A snapshot file is the database, whose size is a multiple of this, and the SHA-256 over it (disk-and-peer §7). */
const alignmentBytes = 512;
const digestBytes = 32;

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

/**
 * Streams to `<file>.part` (mode 0600), checks the SHA-256 that ends the stream over the bytes received, syncs, renames
 * and syncs the directory. On failure nothing is left behind. Two saves to the same file at once are not supported.
 *
 * @returns the size of the file and the digest of the database in it
 * @throws RpcError when the member fails; Error when the stream is incomplete or damaged, or the file cannot be written
 */
export async function saveSnapshot(
  client: EtcdClient,
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
    if (await fs.exists(part)) await fs.remove(part);
    throw error;
  }
}

async function receive(
  client: EtcdClient,
  target: StorageFile,
  options: SaveSnapshotOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const { endpoint, timeoutMs, signal } = options;
  const check = new TrailerCheck();
  for await (const { blob, remaining_bytes } of client.snapshot({ endpoint, timeoutMs, signal })) {
    await target.write([blob], check.sizeBytes);
    check.add(blob);
    options.onProgress?.({ receivedBytes: check.sizeBytes, totalBytes: check.sizeBytes + remaining_bytes });
  }
  const sha256 = check.finish();
  await target.datasync();
  return { sizeBytes: check.sizeBytes, sha256 };
}

/** Hashes a stream whose last 32 bytes are the digest of all before them. */
export class TrailerCheck {
  sizeBytes = 0;
  private readonly hash = createHash('sha256');
  /** The last bytes so far, at most 32: they may turn out to be the digest. */
  private tail: Uint8Array = new Uint8Array(0);

  add(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length;
    if (chunk.length >= digestBytes) {
      this.hash.update(this.tail);
      this.hash.update(chunk.subarray(0, -digestBytes));
      this.tail = Buffer.from(chunk.subarray(-digestBytes));
      return;
    }
    const held = Buffer.concat([this.tail, chunk]);
    this.hash.update(held.subarray(0, Math.max(held.length - digestBytes, 0)));
    this.tail = held.subarray(-digestBytes);
  }

  /**
   * @returns the digest, in hex
   * @throws Error when the stream did not end with it
   */
  finish(): string {
    if (this.sizeBytes % alignmentBytes !== digestBytes) {
      throw new Error(
        `sha256 checksum not found [bytes: ${this.sizeBytes}]: the snapshot ended early; nothing has been saved`,
      );
    }
    const expected = Buffer.from(this.tail).toString('hex');
    const actual = this.hash.digest('hex');
    if (actual !== expected) {
      throw new Error(`the snapshot was damaged on its way: its SHA-256 is ${actual}, the member sent ${expected}`);
    }
    return actual;
  }
}
