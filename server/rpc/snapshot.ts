/** The stream behind `etcdctl snapshot save` (contract: api.md §2.8): the database in blobs, then its SHA-256. */
import { createHash } from 'node:crypto';
import type { EtcdMember } from '../member/etcd-member.ts';
import { type SnapshotRequest, SnapshotResponse } from '../proto/gen/rpc.ts';
import type { CallStream } from './method.ts';

const blobBytes = 32 * 1024;

/** Sends a snapshot of now. It is closed however the call ends, so that its pages can be used again. */
export async function sendSnapshot(
  member: Pick<EtcdMember, 'snapshot'>,
  stream: CallStream<SnapshotRequest, SnapshotResponse>,
): Promise<void> {
  const snapshot = await member.snapshot(stream);
  try {
    const hash = createHash('sha256');
    let remaining = snapshot.sizeBytes;
    for await (const blob of inBlobs(snapshot.chunks())) {
      stream.signal.throwIfAborted();
      remaining -= blob.length;
      hash.update(blob);
      await stream.send(SnapshotResponse.create({ remaining_bytes: remaining, blob }));
    }
    if (remaining !== 0) throw new Error(`snapshot ended ${remaining} bytes before its size of ${snapshot.sizeBytes}`);
    await stream.send(SnapshotResponse.create({ remaining_bytes: 0, blob: hash.digest() }));
  } finally {
    snapshot.close();
  }
}

/** Cuts and joins chunks, so that all blobs but the last are of one size. A blob is only valid until the next. */
async function* inBlobs(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const blob = Buffer.allocUnsafe(blobBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      if (filled === 0 && chunk.length - at >= blobBytes) {
        yield chunk.subarray(at, at + blobBytes);
        at += blobBytes;
        continue;
      }
      const part = chunk.subarray(at, at + blobBytes - filled);
      blob.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < blobBytes) continue;
      yield blob;
      filled = 0;
    }
  }
  if (filled > 0) yield blob.subarray(0, filled);
}
