/** The bytes of a .snap file: raft's snapshot in an envelope with its CRC-32C (contract: disk-and-peer §3.1). */
import { crc32c } from '../base/crc32c.ts';
import { Snapshot } from '../proto/gen/raft.ts';
import { SnapFile } from '../proto/gen/wal.ts';
import { WireError } from '../proto/wire.ts';
import { SnapError } from './snap-error.ts';

/** @returns the bytes of the file that holds this snapshot */
export function encodeSnapFile(snapshot: Snapshot): Uint8Array {
  const data = Snapshot.encode(snapshot);
  return SnapFile.encode({ crc: crc32c(data), data });
}

/**
 * @param name of the file, for the message
 * @returns the snapshot, its data a view into `bytes`
 * @throws SnapError SNAP_CORRUPT
 */
export function decodeSnapFile(bytes: Uint8Array, name = 'the snapshot file'): Snapshot {
  try {
    const { crc, data } = SnapFile.decode(bytes);
    // As upstream: a file of zeros is no snapshot, even though the CRC of nothing is 0.
    if (crc === 0 || data === undefined || data.length === 0) throw damaged(name, 'it is empty');
    if (crc32c(data) !== crc) throw damaged(name, 'its CRC does not match its data');
    return Snapshot.decode(data);
  } catch (error) {
    if (error instanceof WireError) throw damaged(name, error.message, error);
    throw error;
  }
}

function damaged(name: string, what: string, cause?: unknown): SnapError {
  return new SnapError('SNAP_CORRUPT', `${name} is damaged: ${what}. An older snapshot may still be good`, cause);
}
