/** Errors of the snapshot files. Match on `code`; the message names the file and says what to do. */

export type SnapErrorCode =
  /** The bytes are not a .snap file, or were damaged. */
  | 'SNAP_CORRUPT'
  /** A .snap file's data is not a v2 store with the cluster's members in it. */
  | 'SNAP_STORE_INVALID'
  /** A database is larger than was agreed to. */
  | 'SNAP_TOO_LARGE';

export class SnapError extends Error {
  override readonly name = 'SnapError';
  readonly code: SnapErrorCode;

  constructor(code: SnapErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
