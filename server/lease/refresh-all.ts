import type { Lease } from './lease.ts';

/**
 * Lets leases live their full times from `startMs` on, but moves their expiries apart so that no second, wherever it
 * begins, holds more than `perSecond` of them: a new leader refreshes all leases at once, and they must not all expire
 * at once (contract: api.md §2.6). None expires earlier than it would alone, and their order stays.
 *
 * @returns the leases in the order of their expiries
 */
export function refreshAll(leases: Iterable<Lease>, startMs: number, perSecond: number): Lease[] {
  const ordered = byLife(leases);
  // No iterators here: with a million leases this is what a new leader does before its first heartbeat.
  for (let i = 0; i < ordered.length; i++) {
    const lease = ordered[i] as Lease;
    lease.expiryMs = startMs + 1000 * lease.lifeSeconds;
    if (i >= perSecond) lease.expiryMs = Math.max(lease.expiryMs, (ordered[i - perSecond] as Lease).expiryMs + 1000);
    lease.dueMs = lease.expiryMs;
  }
  return ordered;
}

/** Orders leases by the time that a refresh gives them: few different times, and possibly very many leases. */
function byLife(leases: Iterable<Lease>): Lease[] {
  const groups = new Map<number, Lease[]>();
  for (const lease of leases) {
    const group = groups.get(lease.lifeSeconds);
    if (group === undefined) groups.set(lease.lifeSeconds, [lease]);
    else group.push(lease);
  }
  const ordered = [...groups.entries()].sort(([a], [b]) => a - b);
  return ordered.flatMap(([, group]) => group);
}
