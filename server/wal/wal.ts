/**
 * The write-ahead log: entries, hard states and snapshot records in upstream's files (contract: disk-and-peer §1).
 *
 * A short save is written and synced at once while the disk is quick; saves that wait while a write is under way go out
 * together. When a write or sync fails, nobody knows what is on the disk, and asking again may hide it: the log then
 * refuses everything from there on.
 */
import path from 'node:path';
import { type FileSystem, nodeFileSystem } from '../base/file-system.ts';
import type { ConfState, Entry, HardState } from '../proto/gen/raft.ts';
import type { SnapshotRecord } from '../proto/gen/wal.ts';
import { createLog } from './create.ts';
import { type LogEnd, LogWriter, type LogWriterOptions } from './log-writer.ts';
import { cutTornTail, zeroTail } from './repair.ts';
import { type LogPosition, replay, type WalContents, type WalMetadata } from './replay.ts';
import { listSegments, type SegmentName, segmentsFrom } from './segment-name.ts';
import { readSnapshotRecords } from './snapshot-records.ts';
import { WalError } from './wal-error.ts';

export interface WalOptions {
  fs?: FileSystem;
  /** A segment that has grown to this is the last one no longer. Default: 64,000,000, upstream's. */
  segmentSizeBytes?: number;
  /** Up to so many bytes are written and synced on the calling thread while the disk is quick; 0: none. Default: 64 KiB. */
  maxDirectBytes?: number;
  /** False: nothing waits for the disk, and a crash of the machine loses data (`--unsafe-no-fsync`). Default: true. */
  sync?: boolean;
  /** Told the seconds that each fdatasync took. */
  onSync?: (seconds: number) => void;
  /** Told the bytes of each write, and the seconds that it took. */
  onWrite?: (sizeBytes: number, seconds: number) => void;
  /** A clock in milliseconds: for `onSync` and `onWrite`, and to tell whether the disk is quick. */
  now?: () => number;
  /** Told what was repaired when the log was opened. */
  onWarning?: (message: string) => void;
}

/** The record that a snapshot of the state machine is on disk. */
export interface SavedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

const defaultSegmentSizeBytes = 64_000_000;
const defaultMaxDirectBytes = 64 * 1024;

export class Wal {
  /** The directory of the segments. */
  readonly directory: string;
  private readonly options: LogWriterOptions;
  private readonly writer: LogWriter;
  /** Of the last entry (or snapshot) accepted for writing. */
  private acceptedIndex: number;
  private releasedIndex: number;
  private purging: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  private constructor(options: LogWriterOptions, end: LogEnd, releasedIndex: number) {
    this.directory = options.directory;
    this.options = options;
    this.writer = new LogWriter(end, options);
    this.acceptedIndex = end.lastIndex;
    this.releasedIndex = releasedIndex;
  }

  /**
   * Creates a log whose only record is that of the empty snapshot at index 0. It is there completely or not at all.
   *
   * @param directory must not exist, or be empty; its parent should be durable
   * @throws WalError WAL_EXISTS
   */
  static async create(directory: string, metadata: WalMetadata, options: WalOptions = {}): Promise<Wal> {
    const complete = withDefaults(directory, options);
    const made = await createLog(directory, metadata, complete);
    return new Wal(complete, { ...made, hardState: undefined, lastIndex: 0 }, 0);
  }

  /**
   * Opens a log to append to it. A record that was cut short at the very end is cut off, and the file as it was kept
   * as `NAME.wal.broken`.
   *
   * @param at a snapshot that the log has a record of, {0, 0} for the beginning
   * @returns what the log holds behind that snapshot
   * @throws WalError WAL_NOT_FOUND, WAL_GAP, WAL_CORRUPT, WAL_NO_SNAPSHOT, WAL_METADATA_MISMATCH; nothing is changed then
   */
  static async open(directory: string, at: LogPosition, options: WalOptions = {}): Promise<{ wal: Wal } & WalContents> {
    const fs = options.fs ?? nodeFileSystem;
    const segments = await listSegments(fs, directory);
    const contents = await replay(fs, directory, segmentsFrom(directory, segments, at.index), at);
    const { metadata, hardState, entries, tail } = contents;
    const where = path.join(directory, (segments.at(-1) as SegmentName).name);
    if (options.sync ?? true) await syncNames(fs, directory);
    if (tail.torn !== undefined) {
      await cutTornTail(fs, directory, where, tail.offset);
      options.onWarning?.(
        `The last write before the stop was cut short: ${tail.torn}. ${where} ends at byte ${tail.offset} now; as it ` +
          `was, it is kept as ${where}.broken, which nothing needs any more`,
      );
    }
    const file = await fs.open(where, 'write');
    try {
      await zeroTail(file, tail.offset);
    } catch (error) {
      await file.close();
      throw error;
    }
    const { metadataBytes, lastIndex } = contents;
    const end = { file, segments, offset: tail.offset, crc: tail.crc, metadataBytes, lastIndex };
    const lastState = isEmpty(hardState) ? undefined : hardState;
    const wal = new Wal(withDefaults(directory, options), { ...end, hardState: lastState }, at.index);
    return { wal, metadata, hardState, entries };
  }

  /** As `open`, for looking only: changes nothing, and ends quietly before a record that was cut short. */
  static async read(directory: string, at: LogPosition, options: WalOptions = {}): Promise<WalContents> {
    const fs = options.fs ?? nodeFileSystem;
    const segments = segmentsFrom(directory, await listSegments(fs, directory), at.index);
    const { metadata, hardState, entries } = await replay(fs, directory, segments, at);
    return { metadata, hardState, entries };
  }

  /** @returns whether the directory has a segment in it */
  static async exists(directory: string, fs: FileSystem = nodeFileSystem): Promise<boolean> {
    return (await listSegments(fs, directory)).length > 0;
  }

  /** The snapshots that the member may start from: see `readSnapshotRecords`. */
  static validSnapshots(directory: string, options: WalOptions = {}): Promise<SnapshotRecord[]> {
    return readSnapshotRecords(options.fs ?? nodeFileSystem, directory);
  }

  /**
   * Appends entries, then the hard state if it is not empty. Calls take effect in their order.
   *
   * @param entries follow on each other, and on or over what the log holds; must not be changed until this resolves
   * @param mustSync whether to wait until it is durable: needed with entries, a new term or a new vote (§1.7)
   * @returns undefined when that is done already; else a promise of it, which rejects with WalError WAL_BAD_INPUT,
   *   WAL_FAILED or WAL_CLOSED
   */
  save(hardState: HardState | undefined, entries: readonly Entry[], mustSync: boolean): Promise<void> | undefined {
    try {
      this.requireUsable();
      this.acceptedIndex = this.indexAfter(entries);
    } catch (error) {
      return Promise.reject(error);
    }
    const state = hardState === undefined || isEmpty(hardState) ? undefined : { ...hardState };
    return this.writer.write({ entries, hardState: state, mustSync });
  }

  /**
   * Records, durably, that a snapshot of the state machine is on disk. Save the snapshot first.
   *
   * @throws WalError WAL_FAILED, WAL_CLOSED
   */
  async saveSnapshot(record: SavedSnapshot): Promise<void> {
    this.requireUsable();
    this.acceptedIndex = Math.max(this.acceptedIndex, record.index);
    const { index, term, confState } = record;
    const snapshot = { index, term, conf_state: confState };
    return this.writer.write({ entries: [], snapshot, mustSync: true });
  }

  /** Says that the log will not be opened at a snapshot before this index any more, so that `purge` may take what is older. */
  releaseTo(index: number): void {
    this.releasedIndex = Math.max(this.releasedIndex, index);
  }

  /**
   * Removes the oldest segments, but none that is needed to open the log at the released index.
   *
   * @param keep how many to keep at least; 0 removes nothing, as `--max-wals 0` says
   * @returns the names of the removed files
   */
  purge(keep: number): Promise<string[]> {
    const purge = this.purging.then(() => this.removeOldest(keep));
    this.purging = purge.catch(() => undefined);
    return purge;
  }

  /**
   * Writes and syncs what waits, and closes the file. Calling it again gives the same promise.
   *
   * @throws WalError WAL_FAILED if something could not be written; the file is closed all the same
   */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await this.purging;
    await this.writer.close();
  }

  private requireUsable(): void {
    if (this.writer.failure !== undefined) throw this.writer.failure;
    if (this.closing !== undefined) throw new WalError('WAL_CLOSED', 'the log was closed', { path: this.directory });
  }

  /** @returns the last index when these are written, too */
  private indexAfter(entries: readonly Entry[]): number {
    let last: number | undefined;
    for (const { Index: index } of entries) {
      const follows = last === undefined ? index > 0 && index <= this.acceptedIndex + 1 : index === last + 1;
      if (!follows) {
        throw new WalError(
          'WAL_BAD_INPUT',
          `entry ${index} does not follow on ${last ?? this.acceptedIndex}; it was not written`,
          { path: this.directory },
        );
      }
      last = index;
    }
    return last ?? this.acceptedIndex;
  }

  private async removeOldest(keep: number): Promise<string[]> {
    this.requireUsable();
    const { fs, sync } = this.options;
    const { segments } = this.writer;
    const removed: string[] = [];
    if (keep < 1) return removed;
    while (segments.length > keep && (segments[1] as SegmentName).index < this.releasedIndex) {
      const { name } = segments[0] as SegmentName;
      await fs.remove(path.join(this.directory, name));
      segments.shift();
      removed.push(name);
    }
    if (removed.length > 0 && sync) await fs.syncDirectory(this.directory);
    return removed;
  }
}

/**
 * A process that was killed may have left names that only the cache has. What is about to be written under them would
 * be lost with them.
 */
async function syncNames(fs: FileSystem, directory: string): Promise<void> {
  await fs.syncDirectory(path.dirname(directory));
  await fs.syncDirectory(directory);
}

function isEmpty(state: HardState): boolean {
  return state.term === 0 && state.vote === 0n && state.commit === 0;
}

function withDefaults(directory: string, options: WalOptions): LogWriterOptions {
  return {
    directory,
    fs: options.fs ?? nodeFileSystem,
    segmentSizeBytes: options.segmentSizeBytes ?? defaultSegmentSizeBytes,
    maxDirectBytes: options.maxDirectBytes ?? defaultMaxDirectBytes,
    sync: options.sync ?? true,
    onSync: options.onSync,
    onWrite: options.onWrite,
    now: options.now ?? (() => performance.now()),
  };
}
