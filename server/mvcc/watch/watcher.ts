import type { KeyRange } from '../key-range.ts';
import type { FrameQueueEntry } from './frame-queue.ts';
import type { WatchStream } from './watch-stream.ts';

/** What a client asks of a watch, apart from its range. */
export interface WatchWants {
  /** The first revision of interest; 0 for what comes from now on. */
  readonly startRevision: number;
  readonly puts: boolean;
  readonly deletes: boolean;
  /** Whether events carry the pair as it was before. */
  readonly previous: boolean;
  /** Whether the client wants to hear now and then how far its quiet watch has come. */
  readonly progress: boolean;
  /** Whether a message may be sent in pieces when it is too large for one. */
  readonly fragments: boolean;
}

/** A watch as it is asked for. Key and end as in requests, but an empty key stands for the first that there can be. */
export interface WatchSpec extends WatchWants {
  readonly key: Uint8Array;
  readonly end: Uint8Array;
}

/**
 * - `synced`: has been handed everything up to the store's current revision; changes are handed to it as they happen.
 * - `unsynced`: behind; waits for its turn to be caught up from the store.
 * - `parked`: behind, and its stream takes no more at present: upstream's victim.
 * - `closed`: told nothing more.
 */
export type WatcherState = 'synced' | 'unsynced' | 'parked' | 'closed';

/** One watch of a stream, as the hub keeps it. */
export class Watcher {
  readonly id: bigint;
  readonly stream: WatchStream;
  readonly range: KeyRange;
  readonly wants: WatchWants;
  state: WatcherState = 'unsynced';
  /** The first revision that it has not been handed; a synced one may have been handed more. */
  next: number;
  /** Events of the revision under way that it is to be handed: all at once, or none. */
  batch: Uint8Array[] = [];
  batchBytes = 0;
  /** The pass of catching up that it takes part in. */
  pass = 0;
  /** Its last frame of events, while that waits to be sent and may still grow. */
  openEntry: FrameQueueEntry | undefined = undefined;
  /** Whether the next tick of the stream's progress timer is for it: it was quiet since the last one. */
  isQuiet = true;

  constructor(id: bigint, stream: WatchStream, range: KeyRange, wants: WatchWants, next: number) {
    this.id = id;
    this.stream = stream;
    this.range = range;
    this.wants = wants;
    this.next = next;
  }

  /** Whether the client asked for a revision that has not come yet: it is synced, but there is no progress to tell. */
  isAhead(currentRevision: number): boolean {
    return this.wants.startRevision > currentRevision;
  }
}
