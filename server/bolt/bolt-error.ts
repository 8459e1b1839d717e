/** What is wrong with a database file, or with what was asked of it. Match on `code`; the message is for people. */

/** Stable codes of a BoltError. */
export const BoltCode = {
  /** There is no such file. */
  NotFound: 'BOLT_NOT_FOUND',
  /** Neither meta page is one of a bolt database. */
  NotADatabase: 'BOLT_NOT_A_DATABASE',
  /** The file is shorter than its meta page says. */
  Truncated: 'BOLT_TRUNCATED',
  /** A page contradicts its place, its parent or itself. */
  Corrupt: 'BOLT_CORRUPT',
  /** A valid file that uses what etcd never does (buckets within buckets). */
  Unsupported: 'BOLT_UNSUPPORTED',
  /** The operating system refused a read, write or sync. */
  InputOutput: 'BOLT_IO',
  /** An earlier write or sync failed: what is in the file is not known any more. */
  Failed: 'BOLT_FAILED',
  ReadOnly: 'BOLT_READ_ONLY',
  Closed: 'BOLT_CLOSED',
  TransactionOpen: 'BOLT_TX_OPEN',
  TransactionClosed: 'BOLT_TX_CLOSED',
  NoBucket: 'BOLT_NO_BUCKET',
  KeySize: 'BOLT_KEY_SIZE',
  ValueSize: 'BOLT_VALUE_SIZE',
  /** Pairs given to the bulk writer do not ascend. */
  Order: 'BOLT_ORDER',
} as const;
export type BoltCode = (typeof BoltCode)[keyof typeof BoltCode];

const advice: Partial<Record<BoltCode, string>> = {
  BOLT_NOT_A_DATABASE: 'Check the path; if it is right, restore the member from a snapshot.',
  BOLT_TRUNCATED: 'Part of the file is missing: copy it again, or restore the member from a snapshot.',
  BOLT_CORRUPT:
    'The file is damaged: restore the member from a snapshot, or remove it from the cluster and add it anew.',
  BOLT_IO: 'Check the disk for errors, permissions and free space, then try again.',
  BOLT_FAILED: 'Restart the process: it continues from the last durable transaction.',
};

export class BoltError extends Error {
  override readonly name = 'BoltError';
  readonly code: BoltCode;
  /** The database file. */
  readonly path: string;
  /** The page it showed on, when it showed on one. */
  readonly page: number | undefined;
  readonly reason: string;

  constructor(code: BoltCode, path: string, reason: string, options: { page?: number; cause?: unknown } = {}) {
    const where = options.page === undefined ? path : `${path}, page ${options.page}`;
    const what = advice[code];
    const message = `${where}: ${reason}`;
    super(what === undefined ? message : `${message}. ${what}`, { cause: options.cause });
    this.code = code;
    this.path = path;
    this.page = options.page;
    this.reason = reason;
  }
}
