/** The etcd v3 client that toolkit, drills, etcdctl and the benchmarks use. */
export * from './calls.ts';
export { explainConnectFailure } from './explain-connect-failure.ts';
export { LeaseSession } from './lease-session.ts';
export { clientLineStore } from './line-store.ts';
export { type MirrorOptions, mirror } from './mirror.ts';
export { ResumingWatch, type ResumingWatchOptions } from './resuming-watch.ts';
export { type SaveSnapshotOptions, saveSnapshot } from './save-snapshot.ts';
export { hasTrailer, TrailerCheck, type TrailerVerdict, trailerBytes } from './trailer-check.ts';
