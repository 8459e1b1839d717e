/** Errors of the log. Match on `code`; the message says what happened, in which file, and what to do about it. */

export type WalErrorCode =
  /** There is a log already where one was to be created. */
  | 'WAL_EXISTS'
  /** No log, or none that reaches back to the index asked for. */
  | 'WAL_NOT_FOUND'
  /** A record that is damaged, other than by a write that was cut short. */
  | 'WAL_CORRUPT'
  /** A segment or an entry is missing in between. */
  | 'WAL_GAP'
  /** The log has no record of the snapshot that it was to be opened at. */
  | 'WAL_NO_SNAPSHOT'
  /** Segments of two members, or of two clusters, lie in one directory. */
  | 'WAL_METADATA_MISMATCH'
  /** Entries that the log must not take: their indexes do not follow on. */
  | 'WAL_BAD_INPUT'
  /** A write or a sync failed earlier. What is on the disk is unknown, so nothing more is written. */
  | 'WAL_FAILED'
  /** The log was closed. */
  | 'WAL_CLOSED';

export class WalError extends Error {
  override readonly name = 'WalError';
  readonly code: WalErrorCode;
  /** The file or directory concerned. */
  readonly path: string;
  /** Where in the file, in bytes, if it is about one place. */
  readonly offset: number | undefined;

  constructor(code: WalErrorCode, message: string, where: { path: string; offset?: number; cause?: unknown }) {
    const place = where.offset === undefined ? where.path : `${where.path} at byte ${where.offset}`;
    super(`${place}: ${message}`, where.cause === undefined ? undefined : { cause: where.cause });
    this.code = code;
    this.path = where.path;
    this.offset = where.offset;
  }
}

/** What to do about a damaged log: the one advice that is safe. */
export const restoreAdvice =
  'Do not delete or edit the file. Remove this member from its cluster and add it again with an empty data directory, ' +
  'or restore it from a snapshot';

/** A damaged record, and what is wrong with it. */
export function corrupt(path: string, offset: number, what: string, cause?: unknown): WalError {
  return new WalError('WAL_CORRUPT', `${what}. ${restoreAdvice}`, { path, offset, cause });
}
