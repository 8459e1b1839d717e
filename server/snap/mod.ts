/** Raft's snapshots on disk, in upstream's format. */
export { SnapError, type SnapErrorCode } from './snap-error.ts';
export { decodeSnapFile, encodeSnapFile } from './snap-file.ts';
export { type SnapObserver, Snapshotter, type SnapshotterOptions } from './snapshotter.ts';
export { decodeV2Store, encodeV2Store, hasV2Keys, type V2Member, type V2Membership } from './v2-store.ts';
