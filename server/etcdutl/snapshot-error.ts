/** Why a snapshot file is not accepted, or a restore refused. Match on `code`; the message is for people. */

export type SnapshotErrorCode =
  /** There is no such file, or it cannot be read. */
  | 'SNAPSHOT_NOT_FOUND'
  /** Shorter than any database. */
  | 'SNAPSHOT_TOO_SMALL'
  /** The file does not end with a SHA-256, and that was not waived. */
  | 'SNAPSHOT_NO_HASH'
  /** The SHA-256 at the end is not that of the file. */
  | 'SNAPSHOT_HASH_MISMATCH'
  /** The database in it is damaged, or is not etcd's. */
  | 'SNAPSHOT_DAMAGED'
  /** The target directory holds something already. */
  | 'RESTORE_TARGET_NOT_EMPTY';

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
