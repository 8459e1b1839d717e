import type { Backend } from '../backend/backend.ts';
import { atOnce, type Steps } from '../base/slices.ts';
import { errLeaseExists, errLeaseNotFound, errLeaseTtlTooLarge } from '../errors/etcd-error.ts';
import { keyString } from '../mvcc/mod.ts';
import type { Event } from '../proto/gen/kv.ts';
import type { LeaseCheckpoint } from '../proto/gen/rpc.ts';
import { DueHeap } from './due-heap.ts';
import { NotPrimaryError } from './errors.ts';
import { CheckpointSlot, Lease } from './lease.ts';
import { deleteRecord, readRecords, saveRecord } from './records.ts';
import { refreshAll } from './refresh-all.ts';

/** Upstream's bound, in seconds: 285 years. */
export const maxTtlSeconds = 9_000_000_000;
/** Three quarters of the leases that can be revoked in a second, so that a pile never takes the whole rate. */
const maxExpiriesPerSecond = 750;
/** An expired lease that is still there after this is reported again. */
const revokeRetryMs = 3000;

export interface LessorOptions {
  readonly backend: Backend;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Shorter times to live are raised to it, also those that are stored. */
  readonly minTtlSeconds: number;
  /** How often the remaining time of a lease is to be logged; by default never. */
  readonly checkpointIntervalMs?: number | undefined;
  /** Whether checkpoints are stored, so that they survive a restart; by default not. */
  readonly persistsCheckpoints?: () => boolean;
  readonly observer?: LessorObserver | undefined;
}

/** Told of what is counted. */
export interface LessorObserver {
  granted?(ttlSeconds: number): void;
  revoked?(): void;
  renewed?(): void;
}

/** What the leader tells of a lease. */
export interface TimeToLive {
  readonly grantedTtlSeconds: number;
  /** Whole seconds. */
  readonly remainingTtlSeconds: number;
  /** In no particular order. */
  readonly keys: ReadonlySet<string>;
}

const noKeys: ReadonlySet<string> = new Set();

/**
 * Who holds which lease on which keys (contract: api.md §2.6). Grants, revocations, checkpoints and attachments come
 * from the log and are the same on every member. Time passes on the leader alone, between `promote` and `demote`; what
 * expires is only reported, and goes when its revocation comes through the log.
 *
 * Call `restore` first, and then restore the store with `restoreKey`, which rebuilds the attachments.
 */
export class Lessor {
  private readonly options: LessorOptions;
  private readonly leases = new Map<bigint, Lease>();
  /** The lease of each key that has one. */
  private readonly leaseOf = new Map<string, Lease>();
  private readonly expiries = new DueHeap<Lease>();
  private readonly checkpoints = new DueHeap<CheckpointSlot>();
  /** Expired leases whose end somebody waits for. */
  private readonly awaited = new Set<Lease>();
  private primary = false;

  constructor(options: LessorOptions) {
    this.options = options;
  }

  get size(): number {
    return this.leases.size;
  }

  /** Whether this member's clock decides. */
  get isPrimary(): boolean {
    return this.primary;
  }

  /** Reads the stored leases. @throws Error when one is damaged */
  restore(): void {
    atOnce(this.restoreSteps());
  }

  /** As `restore`, with places to interrupt it. */
  restoreSteps(): Steps<void> {
    return readRecords(this.options.backend, ({ ID, TTL, RemainingTTL }) => {
      const lease = new Lease(ID, Math.max(TTL, this.options.minTtlSeconds));
      lease.remainingTtlSeconds = RemainingTTL;
      this.leases.set(ID, lease);
    });
  }

  /** Takes a stored pair into account, in the order of revisions. @param id 0 when the key was deleted or has no lease */
  restoreKey(key: string, id: bigint): void {
    this.attach(key, id);
  }

  exists(id: bigint): boolean {
    return this.leases.has(id);
  }

  /**
   * @returns the time to live that the lease has, in seconds
   * @throws EtcdError OutOfRange for a time to live that is too large, FailedPrecondition when the id is taken, NotFound
   *   for the id 0, which stands for no lease
   */
  grant(id: bigint, ttlSeconds: number): number {
    const { backend, minTtlSeconds, observer } = this.options;
    if (id === 0n) throw errLeaseNotFound();
    if (ttlSeconds > maxTtlSeconds) throw errLeaseTtlTooLarge();
    if (this.leases.has(id)) throw errLeaseExists();
    const lease = new Lease(id, Math.max(ttlSeconds, minTtlSeconds));
    this.leases.set(id, lease);
    saveRecord(backend, lease);
    if (this.primary) {
      this.refresh(lease);
      this.planCheckpoint(lease);
    }
    observer?.granted?.(lease.ttlSeconds);
    return lease.ttlSeconds;
  }

  /** The keys that go with a lease, sorted. @throws EtcdError NotFound */
  keysOf(id: bigint): string[] {
    return [...(this.require(id).keys ?? noKeys)].sort();
  }

  /**
   * Forgets a lease and its record. Its keys are to be deleted before, in the same turn, so that all of it is committed
   * together.
   *
   * @throws EtcdError NotFound
   */
  revoke(id: bigint): void {
    const lease = this.require(id);
    if (lease.keys !== undefined) throw new Error(`lease ${id} still has keys`);
    this.leases.delete(id);
    deleteRecord(this.options.backend, id);
    this.expiries.remove(lease);
    if (lease.checkpoint !== undefined) this.checkpoints.remove(lease.checkpoint);
    lease.end?.reject(errLeaseNotFound());
    this.awaited.delete(lease);
    this.options.observer?.revoked?.();
  }

  /** Sets what is left of a lease; 0 takes a checkpoint back. One that is gone does not matter. */
  checkpoint(id: bigint, remainingTtlSeconds: number): void {
    const { backend, persistsCheckpoints } = this.options;
    const lease = this.leases.get(id);
    if (lease === undefined) return;
    lease.remainingTtlSeconds = remainingTtlSeconds;
    if (persistsCheckpoints?.()) saveRecord(backend, lease);
    if (this.primary) this.planCheckpoint(lease);
  }

  /** Follows the changes of a write transaction: a put attaches its key to its lease, or to none; a deletion detaches. */
  keysChanged(events: readonly Event[]): void {
    for (const { kv } of events) {
      // The pair of a deletion names no lease. In a store without leases this costs nothing.
      if (kv !== undefined && (kv.lease !== 0n || this.leaseOf.size > 0)) this.attach(keyString(kv.key), kv.lease);
    }
  }

  /** The ids of all leases, on the leader those first that expire first. */
  list(): bigint[] {
    if (!this.primary) return [...this.leases.keys()];
    return [...this.leases.values()].sort((a, b) => a.expiryMs - b.expiryMs).map(({ id }) => id);
  }

  /** @throws EtcdError NotFound, NotPrimaryError */
  timeToLive(id: bigint): TimeToLive {
    const lease = this.requireHere(id);
    return {
      grantedTtlSeconds: lease.ttlSeconds,
      remainingTtlSeconds: Math.trunc((lease.expiryMs - this.options.now()) / 1000) + 0,
      keys: lease.keys ?? noKeys,
    };
  }

  /** Whether a renewal has to take back a checkpoint first, by another. @throws EtcdError NotFound, NotPrimaryError */
  isCheckpointed(id: bigint): boolean {
    return this.requireHere(id).remainingTtlSeconds > 0;
  }

  /**
   * Resolves at once for a lease that can be renewed. For one that has expired it rejects, but not before it is revoked:
   * a client that is told of the end must find the keys gone.
   *
   * @throws EtcdError NotFound, NotPrimaryError
   */
  async whenRenewable(id: bigint): Promise<void> {
    const lease = this.requireHere(id);
    if (this.options.now() < lease.expiryMs) return;
    if (lease.end === undefined) {
      lease.end = Promise.withResolvers<never>();
      this.awaited.add(lease);
      lease.end.promise.catch(() => {}); // Whoever waited may have given up.
    }
    await lease.end.promise;
  }

  /** Lets a lease live its full time again. @returns that time in seconds @throws EtcdError NotFound, NotPrimaryError */
  renew(id: bigint): number {
    const lease = this.requireHere(id);
    this.refresh(lease);
    this.options.observer?.renewed?.();
    return lease.ttlSeconds;
  }

  /**
   * This member leads now. Nobody knows what the leader before has renewed, so every lease starts again with its full
   * time, or what its checkpoint left, and `extendMs` more for the time without a leader.
   */
  promote(extendMs: number): void {
    const { now, checkpointIntervalMs } = this.options;
    this.primary = true;
    const leases = refreshAll(this.leases.values(), now() + extendMs, maxExpiriesPerSecond);
    this.expiries.fill(leases);
    if (checkpointIntervalMs !== undefined) for (const lease of leases) this.planCheckpoint(lease);
  }

  /** Another member leads: nothing expires here, and nothing is renewed here. */
  demote(): void {
    if (!this.primary) return;
    this.primary = false;
    this.expiries.clear();
    this.checkpoints.clear();
    for (const lease of this.awaited) {
      lease.end?.reject(new NotPrimaryError());
      lease.end = undefined;
    }
    this.awaited.clear();
  }

  /** Leases that have expired, at most `limit`. One is reported again when it is still there 3 s later. */
  takeExpired(limit: number): bigint[] {
    const nowMs = this.options.now();
    const expired: bigint[] = [];
    for (;;) {
      const lease = this.expiries.first();
      if (lease === undefined || nowMs < lease.dueMs || expired.length === limit) return expired;
      expired.push(lease.id);
      this.expiries.schedule(lease, nowMs + revokeRetryMs);
    }
  }

  /** The checkpoints that are to be logged, at most `limit`. */
  takeDueCheckpoints(limit: number): LeaseCheckpoint[] {
    const nowMs = this.options.now();
    const due: LeaseCheckpoint[] = [];
    for (;;) {
      const slot = this.checkpoints.first();
      if (slot === undefined || nowMs < slot.dueMs || due.length === limit) return due;
      this.checkpoints.remove(slot);
      const { id, expiryMs, ttlSeconds } = slot.lease;
      const remaining_TTL = Math.ceil((expiryMs - nowMs) / 1000);
      // What has expired is revoked instead; what was just renewed has nothing to remember, but may have later.
      if (remaining_TTL <= 0) continue;
      if (remaining_TTL < ttlSeconds) due.push({ ID: id, remaining_TTL });
      else this.planCheckpoint(slot.lease);
    }
  }

  private attach(key: string, id: bigint): void {
    // Nearly every key of most databases; hashing a million of them takes a while.
    if (id === 0n && this.leaseOf.size === 0) return;
    const before = this.leaseOf.get(key);
    const lease = id === 0n ? undefined : this.leases.get(id);
    if (before === lease) return;
    if (before?.keys?.delete(key) && before.keys.size === 0) before.keys = undefined;
    if (lease === undefined) {
      this.leaseOf.delete(key);
    } else {
      lease.keys ??= new Set();
      lease.keys.add(key);
      this.leaseOf.set(key, lease);
    }
  }

  private refresh(lease: Lease): void {
    lease.expiryMs = this.options.now() + 1000 * lease.lifeSeconds;
    this.expiries.schedule(lease, lease.expiryMs);
  }

  /** Plans the next checkpoint of a lease that will live beyond it. */
  private planCheckpoint(lease: Lease): void {
    const { checkpointIntervalMs, now } = this.options;
    if (checkpointIntervalMs === undefined || 1000 * lease.lifeSeconds <= checkpointIntervalMs) return;
    lease.checkpoint ??= new CheckpointSlot(lease);
    this.checkpoints.schedule(lease.checkpoint, now() + checkpointIntervalMs);
  }

  private require(id: bigint): Lease {
    const lease = this.leases.get(id);
    if (lease === undefined) throw errLeaseNotFound();
    return lease;
  }

  /** For what only the leader knows. */
  private requireHere(id: bigint): Lease {
    if (!this.primary) throw new NotPrimaryError();
    return this.require(id);
  }
}
