/** Locks and elections over keys and leases. */
export { type CurrentLeader, campaign, type Leadership, observeLeader, proclaim } from './election.ts';
export { acquireLock, type HeldLock } from './lock.ts';
export {
  firstOf,
  type LineStore,
  leave,
  lineOf,
  type Place,
  type SeenEvents,
  type WatchedSpan,
} from './waiting-line.ts';
