import type { WatchFrame } from './watch-frame.ts';
import type { Watcher } from './watcher.ts';

/** A frame that waits, the watch whose events it holds, and what it counts against the queue's bound. */
export interface FrameQueueEntry {
  readonly frame: WatchFrame;
  readonly watcher: Watcher | undefined;
  sizeBytes: number;
}

/** Entries that have been taken are let go of when they are this many and the larger part of the list. */
const compactAt = 1024;

/** First in, first out. */
export class FrameQueue {
  private entries: (FrameQueueEntry | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  get length(): number {
    return this.entries.length - this.head;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  push(entry: FrameQueueEntry): void {
    this.entries.push(entry);
    this.bytes += entry.sizeBytes;
  }

  /** Counts what was added to an entry that is still in the queue. */
  grow(entry: FrameQueueEntry, bytes: number): void {
    entry.sizeBytes += bytes;
    this.bytes += bytes;
  }

  shift(): FrameQueueEntry | undefined {
    const entry = this.entries[this.head];
    if (entry === undefined) return undefined;
    this.entries[this.head++] = undefined;
    this.bytes -= entry.sizeBytes;
    if (this.head === this.entries.length) {
      this.entries = [];
      this.head = 0;
    } else if (this.head >= compactAt && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return entry;
  }
}
