/** Offline work on snapshots, for the tools and for the drills. */
export { type FileHashKv, fileHashKv } from './hash-kv.ts';
export { type Restored, type RestoreOptions, restoreSnapshot } from './restore.ts';
export { SnapshotError, type SnapshotErrorCode } from './snapshot-error.ts';
export { type SnapshotStatus, snapshotStatus } from './snapshot-status.ts';
