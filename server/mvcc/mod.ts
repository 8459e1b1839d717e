export type { CompactionObserver } from './compaction.ts';
export type { KvHash } from './hash.ts';
export { keyBytes, keyString } from './key-range.ts';
export type { HashKvResult } from './kv-hashes.ts';
export type { RangeExtent, RangeOptions, RangeResult, ReadView, VisitRecord } from './read.ts';
export { lowerBound } from './sorted.ts';
export type { MvccStoreOptions, Restored } from './store.ts';
export { MvccStore } from './store.ts';
export type { WriteTxn } from './write-txn.ts';
