/** Watches over an MvccStore (contract: api.md §2.5): who is told what, in which order, and what waits. */
export { noWatchId, type WatchFrame } from './watch-frame.ts';
export { WatchHub, type WatchHubOptions, type WatchStats } from './watch-hub.ts';
export { WatchStream } from './watch-stream.ts';
export type { WatchSpec } from './watcher.ts';
