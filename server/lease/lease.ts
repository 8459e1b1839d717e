import { nowhere, type Slot } from './due-heap.ts';

/** A lease as the lessor keeps it. Due, as a slot, when it is to be looked at: at its expiry, or when a revocation of it is to be tried again. */
export class Lease implements Slot {
  readonly id: bigint;
  /** What was granted. */
  readonly ttlSeconds: number;
  /** What the last checkpoint left of it; 0 when there was none since it was granted or renewed. */
  remainingTtlSeconds = 0;
  /** Of no meaning on a member that is not the leader: there, nothing expires. */
  expiryMs = Number.POSITIVE_INFINITY;
  /** The attached keys in mvcc's form; most leases of a large store have few. */
  keys: Set<string> | undefined;
  dueMs = Number.POSITIVE_INFINITY;
  position = nowhere;
  /** Its next checkpoint, once one was planned. */
  checkpoint: CheckpointSlot | undefined;
  /** Rejects when the lease is gone or this member no longer leads: renewals of an expired lease wait for it. */
  end: PromiseWithResolvers<never> | undefined;

  constructor(id: bigint, ttlSeconds: number) {
    this.id = id;
    this.ttlSeconds = ttlSeconds;
  }

  /** The time that a refresh gives it. */
  get lifeSeconds(): number {
    return this.remainingTtlSeconds > 0 ? this.remainingTtlSeconds : this.ttlSeconds;
  }
}

/** When a lease's remaining time is to be logged next. */
export class CheckpointSlot implements Slot {
  readonly lease: Lease;
  dueMs = 0;
  position = nowhere;

  constructor(lease: Lease) {
    this.lease = lease;
  }
}
