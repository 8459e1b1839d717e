/**
 * The writing half of the log: a queue, one write at a time, and the step from one segment to the next.
 *
 * What is short is written and synced at once, on the calling thread, as long as the disk is quick: the way through the
 * thread pool and back takes longer than the disk then. Else all that waits while a write is under way goes out together
 * in one write and one fdatasync. When a write or sync fails, nobody knows what is on the disk, and asking again may
 * hide it: the writer then refuses everything.
 */
import path from 'node:path';
import type { FileSystem, StorageFile } from '../base/file-system.ts';
import type { Entry, HardState } from '../proto/gen/raft.ts';
import type { SnapshotRecord } from '../proto/gen/wal.ts';
import { createSegment } from './create.ts';
import { DiskPace } from './disk-pace.ts';
import { FrameEncoder } from './frame-encoder.ts';
import { type SegmentName, segmentName } from './segment-name.ts';
import { WalError } from './wal-error.ts';

/** What one call wants written. The entries must not change until it is. */
export interface LogWrite {
  readonly entries: readonly Entry[];
  readonly hardState?: HardState | undefined;
  readonly snapshot?: SnapshotRecord | undefined;
  readonly mustSync: boolean;
}

interface Waiting extends LogWrite {
  resolve(): void;
  reject(error: WalError): void;
}

/** What the writer stands on when the log was created or opened. */
export interface LogEnd {
  /** The last segment, open for writing, and where to go on in it. */
  readonly file: StorageFile;
  readonly offset: number;
  readonly crc: number;
  /** From the oldest on disk to the last. */
  readonly segments: SegmentName[];
  readonly metadataBytes: Uint8Array;
  readonly hardState: HardState | undefined;
  /** Of the last entry or snapshot recorded. */
  readonly lastIndex: number;
}

export interface LogWriterOptions {
  readonly directory: string;
  readonly fs: FileSystem;
  readonly segmentSizeBytes: number;
  readonly maxDirectBytes: number;
  readonly sync: boolean;
  readonly onSync: ((seconds: number) => void) | undefined;
  readonly onWrite: ((sizeBytes: number, seconds: number) => void) | undefined;
  readonly now: () => number;
}

/** What is encoded for one write, at most, so that a long queue does not make a huge buffer. */
const maxWriteBytes = 16 * 1024 * 1024;
/** What an entry takes besides its data, at most; and a hard state. */
const recordBytes = 64;

export class LogWriter {
  /** From the oldest on disk to the one that is written to; whoever purges takes from its front. */
  readonly segments: SegmentName[];
  /** Why nothing can be written any more. */
  failure: WalError | undefined;
  private readonly options: LogWriterOptions;
  private readonly metadataBytes: Uint8Array;
  private readonly encoder: FrameEncoder;
  private file: StorageFile;
  private offset: number;
  private hardState: HardState | undefined;
  private lastIndex: number;
  private unsynced = false;
  private readonly pace = new DiskPace();
  /** As long as its callers make it: raft bounds what it has in flight. */
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;

  constructor(end: LogEnd, options: LogWriterOptions) {
    this.segments = end.segments;
    this.options = options;
    this.metadataBytes = end.metadataBytes;
    this.encoder = new FrameEncoder(end.crc);
    this.file = end.file;
    this.offset = end.offset;
    this.hardState = end.hardState;
    this.lastIndex = end.lastIndex;
  }

  /**
   * Writes at once, or queues the write behind those that wait.
   *
   * @returns undefined when it is written already, and durable if it must be; else a promise of that, which rejects with
   *   WalError WAL_FAILED
   */
  write(what: LogWrite): Promise<void> | undefined {
    if (this.mayWriteDirectly(what)) return this.writeDirectly(what);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.waiting.push({ ...what, resolve, reject });
    this.writing ??= this.writeAll();
    return promise;
  }

  /**
   * Writes and syncs what waits, and closes the file.
   *
   * @throws WalError WAL_FAILED if something could not be written; the file is closed all the same
   */
  async close(): Promise<void> {
    await this.writing;
    try {
      if (this.failure === undefined) await this.syncFile();
    } catch (error) {
      this.fail(error, []);
    }
    await this.file.close();
    if (this.failure !== undefined) throw this.failure;
  }

  /** Nothing is under way, and neither the thread nor the next segment has to wait for it. */
  private mayWriteDirectly({ entries, snapshot }: LogWrite): boolean {
    if (this.writing !== undefined || snapshot !== undefined || !this.pace.isQuick) return false;
    const { maxDirectBytes, segmentSizeBytes } = this.options;
    let bytes = recordBytes;
    for (const { Data } of entries) bytes += recordBytes + (Data?.length ?? 0);
    return bytes <= maxDirectBytes && this.offset + bytes < segmentSizeBytes;
  }

  private writeDirectly(what: LogWrite): Promise<void> | undefined {
    const { encoder } = this;
    const { now, onWrite } = this.options;
    try {
      this.encode(what);
      const startMs = now();
      if (encoder.length > 0) {
        this.unsynced = true;
        this.file.writeSync(encoder.bytes(), this.offset);
        onWrite?.(encoder.length, (now() - startMs) / 1000);
        this.offset += encoder.length;
        encoder.clear();
      }
      if (what.mustSync && this.unsynced) this.syncFileDirectly(startMs);
      return undefined;
    } catch (error) {
      this.fail(error, []);
      return Promise.reject(this.failure);
    }
  }

  /** Writes group after group until nothing waits. Never rejects: whoever waits is told. */
  private async writeAll(): Promise<void> {
    // Not at once: whoever saves in the same turn of the event loop comes along.
    await undefined;
    while (this.waiting.length > 0) {
      let group: Waiting[] = [];
      try {
        group = this.encodeGroup();
        await this.writeGroup(group);
      } catch (error) {
        this.fail(error, group);
        break;
      }
      for (const { resolve } of group) resolve();
    }
    this.writing = undefined;
  }

  /** Takes from the queue what goes out in one write. */
  private encodeGroup(): Waiting[] {
    const { encoder, waiting } = this;
    const room = Math.min(maxWriteBytes, this.options.segmentSizeBytes - this.offset);
    let taken = 0;
    do {
      const next = waiting[taken++] as Waiting;
      this.encode(next);
    } while (taken < waiting.length && encoder.length < room);
    return waiting.splice(0, taken);
  }

  private encode({ entries, hardState, snapshot }: LogWrite): void {
    const { encoder } = this;
    for (const entry of entries) encoder.entry(entry);
    this.lastIndex = entries.at(-1)?.Index ?? this.lastIndex;
    if (hardState !== undefined) {
      encoder.state(hardState);
      this.hardState = hardState;
    }
    if (snapshot !== undefined) {
      encoder.snapshot(snapshot);
      this.lastIndex = Math.max(this.lastIndex, snapshot.index);
    }
  }

  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    await this.writeEncoded();
    if (this.offset >= this.options.segmentSizeBytes) await this.cut();
    else if (group.some(({ mustSync }) => mustSync)) await this.syncFile();
  }

  private async writeEncoded(): Promise<void> {
    const { encoder } = this;
    if (encoder.length === 0) return;
    this.unsynced = true;
    const { now, onWrite } = this.options;
    const startMs = now();
    await this.file.write([encoder.bytes()], this.offset);
    onWrite?.(encoder.length, (now() - startMs) / 1000);
    this.offset += encoder.length;
    encoder.clear();
  }

  private async syncFile(): Promise<void> {
    if (!this.unsynced) return;
    const { sync, now, onSync } = this.options;
    if (sync) {
      const startMs = now();
      await this.file.datasync();
      const tookMs = now() - startMs;
      this.pace.passed(tookMs);
      onSync?.(tookMs / 1000);
    }
    this.unsynced = false;
  }

  /** @param writeStartMs when the write began that the thread has waited for, too */
  private syncFileDirectly(writeStartMs: number): void {
    const { sync, now, onSync } = this.options;
    if (sync) {
      const startMs = now();
      this.file.datasyncSync();
      const endMs = now();
      this.pace.waited(endMs - writeStartMs);
      onSync?.((endMs - startMs) / 1000);
    }
    this.unsynced = false;
  }

  /** Ends the segment and begins the next (§1.5). */
  private async cut(): Promise<void> {
    await this.file.truncate(this.offset);
    await this.syncFile();
    const last = this.segments.at(-1) as SegmentName;
    const next = segmentName(last.sequence + 1, this.lastIndex + 1);
    const { encoder } = this;
    const { directory, fs, sync } = this.options;
    encoder.crcRecord();
    encoder.metadata(this.metadataBytes);
    if (this.hardState !== undefined) encoder.state(this.hardState);
    const temporary = path.join(directory, `${next.sequence % 2}.tmp`);
    const file = await createSegment(temporary, encoder.bytes(), this.options);
    const old = this.file;
    this.file = file;
    this.offset = encoder.length;
    encoder.clear();
    await old.close();
    await fs.rename(temporary, path.join(directory, next.name));
    if (sync) await fs.syncDirectory(directory);
    this.segments.push(next);
  }

  private fail(cause: unknown, group: readonly Waiting[]): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.failure = new WalError(
      'WAL_FAILED',
      `the log could not be written (${reason}). Nothing more is written, since what is on the disk is unknown. ` +
        'Check the disk for errors and free space, then start the member again',
      { path: path.join(this.options.directory, this.segments.at(-1)?.name ?? ''), offset: this.offset, cause },
    );
    for (const { reject } of [...group, ...this.waiting.splice(0)]) reject(this.failure);
  }
}
