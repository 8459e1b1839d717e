/** The bucket `lease`: leases by id (contract: disk-and-peer §5). */
import type { Backend } from '../backend/backend.ts';
import type { Steps } from '../base/slices.ts';
import { Lease as LeaseRecord } from '../proto/gen/lease.ts';
import type { Lease } from './lease.ts';

/** Eight bytes, big endian; a negative id in two's complement. */
function recordKey(id: bigint): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeBigInt64BE(id);
  return key;
}

export function saveRecord(backend: Backend, { id, ttlSeconds, remainingTtlSeconds }: Lease): void {
  const record: LeaseRecord = { ID: id, TTL: ttlSeconds, RemainingTTL: remainingTtlSeconds };
  backend.put('lease', recordKey(id), LeaseRecord.encode(record));
}

export function deleteRecord(backend: Backend, id: bigint): void {
  backend.delete('lease', recordKey(id));
}

/** @throws Error naming the record that is damaged */
export function readRecords(backend: Backend, visit: (record: LeaseRecord) => void): Steps<void> {
  return backend.walk('lease', (key, value) => visit(decodeRecord(key, value)));
}

function decodeRecord(key: Uint8Array, value: Uint8Array): LeaseRecord {
  try {
    return LeaseRecord.decode(value);
  } catch (cause) {
    const name = Buffer.from(key).toString('hex');
    throw new Error(`the record of lease ${name} in the database is damaged: ${(cause as Error).message}`, { cause });
  }
}
