/**
 * Moves times apart so that no second, wherever it begins, holds more than `perSecond` of them: a new leader refreshes
 * all leases at once, and their expiries must not pile up (contract: api.md §2.6). None comes earlier than it was, and
 * their order stays.
 *
 * @param timesMs ascending; changed in place
 */
export function spread(timesMs: Float64Array, perSecond: number): void {
  for (let i = perSecond; i < timesMs.length; i++) {
    timesMs[i] = Math.max(timesMs[i] as number, (timesMs[i - perSecond] as number) + 1000);
  }
}
