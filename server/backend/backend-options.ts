/** How a BoltBackend commits, and what it takes from outside: files, timer, clock. */
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';

/** Starts a one-shot timer. @returns what stops it */
export type SetTimer = (callback: () => void, delayMs: number) => () => void;

export interface BoltBackendOptions {
  fs?: FileSystem;
  /** The longest time that a change stays uncommitted. */
  batchIntervalMs?: number;
  /** So many puts and deletes are committed at once, before the interval is over. */
  batchLimit?: number;
  pageCacheBytes?: number;
  /** False: never sync. A crash of the machine may then lose the file. */
  sync?: boolean;
  setTimer?: SetTimer;
  /** Monotonic, for durations only. */
  now?: () => number;
  /** Gets each commit's duration, from sealing to durable. */
  onCommit?: (seconds: number) => void;
  /** Gets for how long each snapshot was open. */
  onSnapshot?: (seconds: number) => void;
  /** Gets each defragmentation's duration. */
  onDefragment?: (seconds: number) => void;
  /**
   * A commit that nobody waits for has failed. The backend is of no use from then on: every call throws or rejects.
   * The member must stop; it continues from the last durable transaction and the WAL when it is started again.
   */
  onFailure?: (error: unknown) => void;
  /**
   * Puts a new file in the database's place; `rename` gives it the name. Whoever holds a lock on the file takes it on
   * the new one first.
   */
  replaceFile?: (file: string, rename: () => Promise<void>) => Promise<void>;
}

const systemTimer: SetTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};

export function withDefaults(options: BoltBackendOptions): Required<BoltBackendOptions> {
  return {
    fs: nodeFileSystem,
    batchIntervalMs: 100,
    batchLimit: 10_000,
    pageCacheBytes: 64 * 1024 * 1024,
    sync: true,
    setTimer: systemTimer,
    now: () => performance.now(),
    onCommit: () => {},
    onSnapshot: () => {},
    onDefragment: () => {},
    onFailure: () => {},
    replaceFile: (_file, rename) => rename(),
    ...options,
  };
}
