/** Puts revisions of a delta log into the database of a snapshot, as the members once did. */
import type { WriteTx } from '../../../server/bolt/mod.ts';
import { encodeRevision, encodeTombstone } from '../../../server/mvcc/revision.ts';
import { Event, Event_EventType, KeyValue } from '../../../server/proto/gen/kv.ts';
import { Lease } from '../../../server/proto/gen/lease.ts';
import { LabError } from '../../../toolkit/errors.ts';
import { fork } from './continuity.ts';
import type { RevisionEntry } from './entry.ts';

/**
 * Writes the records of one revision: the same keys and bytes that a member has (contract: disk-and-peer §5.1).
 *
 * @throws LabError LAB_DELTA_DAMAGED when an event is not of that revision
 */
export function applyRevision(database: Pick<WriteTx, 'put'>, entry: RevisionEntry): void {
  for (const { key, value } of records(entry)) database.put('key', key, value);
}

/**
 * Compares a revision that the snapshot holds already with the log's: both must tell of the same history.
 *
 * @param compactRevision up to it, records may be gone from the snapshot
 * @throws LabError LAB_DELTA_FORK naming the revision
 */
export function compareRevision(database: Pick<WriteTx, 'get'>, entry: RevisionEntry, compactRevision: number): void {
  for (const { key, value } of records(entry)) {
    const stored = database.get('key', key);
    const mayBeGone = stored === undefined && entry.revision <= compactRevision;
    if (mayBeGone || stored?.equals(value)) continue;
    throw fork(entry.revision, 'is not the same in the backup and in the delta log');
  }
}

/** Adds a lease as it was granted, unless the snapshot has it. A member that leads gives it its whole time. */
export function applyLease(database: Pick<WriteTx, 'get' | 'put'>, id: bigint, ttlSeconds: number): boolean {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(id);
  if (database.get('lease', key) !== undefined) return false;
  database.put('lease', key, Lease.encode({ ID: id, TTL: ttlSeconds, RemainingTTL: 0 }));
  return true;
}

export function hasLease(database: Pick<WriteTx, 'get'>, id: bigint): boolean {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(id);
  return database.get('lease', key) !== undefined;
}

function* records({ revision, events }: RevisionEntry): Generator<{ key: Buffer; value: Uint8Array }> {
  for (const [sub, bytes] of events.entries()) {
    const { type, kv } = Event.decode(bytes);
    if (kv === undefined || kv.mod_revision !== revision) {
      throw new LabError('LAB_DELTA_DAMAGED', `revision ${revision} of the delta log holds an event of another one`);
    }
    if (type === Event_EventType.DELETE) {
      yield { key: encodeTombstone(revision, sub), value: KeyValue.encode(KeyValue.create({ key: kv.key })) };
    } else {
      yield { key: encodeRevision(revision, sub), value: KeyValue.encode(kv) };
    }
  }
}
