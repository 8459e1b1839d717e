import type { Lease } from './lease.ts';

/**
 * Lets leases live their full times from `startMs` on, but moves their expiries apart so that no second, wherever it
 * begins, holds more than `perSecond` of them: a new leader refreshes all leases at once, and they must not all expire
 * at once (contract: api.md §2.6). None expires earlier than it would alone, and their order stays.
 *
 * @param leases in the order of their times
 */
export function refreshAll(leases: readonly Lease[], startMs: number, perSecond: number): void {
  // No iterators here: with a million leases this is what a new leader does before its first heartbeat.
  for (let i = 0; i < leases.length; i++) {
    const lease = leases[i] as Lease;
    lease.expiryMs = startMs + 1000 * lease.lifeSeconds;
    if (i >= perSecond) lease.expiryMs = Math.max(lease.expiryMs, (leases[i - perSecond] as Lease).expiryMs + 1000);
    lease.dueMs = lease.expiryMs;
  }
}
