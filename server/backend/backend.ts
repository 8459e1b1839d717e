/**
 * The key-value file under the state machine: a bolt database with etcd's ten buckets, written in batches.
 *
 * Reads see every put and delete at once, committed or not. A commit makes all of them durable together, in one
 * transaction (contract: disk-and-peer §4.7, §5).
 */
import type { Steps } from '../base/slices.ts';

/** The buckets of an etcd database, in the order in which they lie in the file. */
export const bucketNames = [
  'alarm',
  'auth',
  'authRoles',
  'authUsers',
  'cluster',
  'key',
  'lease',
  'members',
  'members_removed',
  'meta',
] as const;
export type BucketName = (typeof bucketNames)[number];

/** A frozen copy of the database, byte for byte what `etcdctl snapshot save` writes before its SHA-256. */
export interface BackendSnapshot {
  readonly sizeBytes: number;
  /** The file's bytes from first to last. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Lets the pages that the snapshot holds be reused. Call it exactly once, read to the end or not. */
  close(): void;
}

/** The database as it was at one moment, for a reader that takes its time. */
export interface BackendView {
  /** The pairs of a bucket from `start` on, in key order. Neither key nor value may be changed. */
  pairs(bucket: BucketName, start: Uint8Array): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Lets the pages that the view holds be reused. Call it exactly once. */
  close(): void;
}

/** A view, and what was seen besides when it was taken. */
export interface Frozen<T> {
  readonly view: BackendView;
  readonly seen: T;
}

/** Looks up keys of one bucket. */
export interface ValueFinder {
  /** Where the value found last lies: `sizeBytes` of `bytes` from `start` on. Not to be changed; valid as that of `get`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly sizeBytes: number;
  /** @returns whether the key is there */
  find(key: Uint8Array): boolean;
}

export interface Backend {
  /** @returns the value, or undefined; valid until the next put or delete */
  get(bucket: BucketName, key: Uint8Array): Uint8Array | undefined;

  /** For many keys in the same turn, cheaper than `get` if they are near each other. Of no use after a put or delete. */
  finder(bucket: BucketName): ValueFinder;

  /**
   * Visits the pairs with `start <= key < end` in key order (`end` undefined: to the end of the bucket). Stops when
   * `visit` returns false. Neither key nor value may be changed, or kept past the next put or delete without a copy.
   */
  scan(
    bucket: BucketName,
    start: Uint8Array,
    end: Uint8Array | undefined,
    visit: (key: Uint8Array, value: Uint8Array) => unknown,
  ): void;

  /**
   * Visits all pairs of a bucket in key order, with places to interrupt it. Keys and values are valid within the call of
   * `visit`. The bucket must not be changed before the end.
   */
  walk(bucket: BucketName, visit: (key: Uint8Array, value: Uint8Array) => void): Steps<void>;

  put(bucket: BucketName, key: Uint8Array, value: Uint8Array): void;
  /** As `put`, without a copy: a key, and the value behind it. The bytes must never change. */
  putPair(bucket: BucketName, pair: Uint8Array, keySize: number): void;
  delete(bucket: BucketName, key: Uint8Array): void;

  /**
   * Runs before each commit, whatever starts it, and may put into the same transaction: that is how
   * `meta/consistent_index` is always in the same transaction as the effect that it stands for.
   */
  onBeforeCommit(hook: () => void): void;

  /** Commits what has been put so far. @returns when it is durable */
  commit(): Promise<void>;

  /**
   * Freezes what has been put so far, committed or not.
   *
   * @param look runs in the very moment, so that it sees everything else as of the same moment; if it throws, there is
   *   no view
   */
  freeze<T>(look: () => T): Promise<Frozen<T>>;

  /**
   * Commits, then freezes the result.
   *
   * @param look as of `freeze`
   */
  snapshot(look?: () => void): Promise<BackendSnapshot>;

  /** Bytes of the file, and bytes of it that hold live pages. */
  sizeBytes(): number;
  sizeInUseBytes(): number;

  /** Commits what is left and closes the file. */
  close(): Promise<void>;
}
