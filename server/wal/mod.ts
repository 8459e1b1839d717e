/** The write-ahead log, in upstream's format. */
export type { LogPosition, WalContents, WalMetadata } from './replay.ts';
export { type SavedSnapshot, Wal, type WalOptions } from './wal.ts';
export { WalError, type WalErrorCode } from './wal-error.ts';
