import type { Event, KeyValue } from '../../proto/gen/kv.ts';
import { keyString } from '../key-range.ts';
import type { MvccStore } from '../store.ts';
import { SharedEvent } from './shared-event.ts';
import { type StreamLimits, type StreamListener, type StreamOwner, WatchStream } from './watch-stream.ts';
import type { Watcher } from './watcher.ts';
import { WatcherIndex } from './watcher-index.ts';

export interface WatchHubOptions {
  /** Runs a step of catching up in a later turn, so that requests are answered between the steps. */
  readonly defer: (step: () => void) => void;
  readonly limits?: Partial<StreamLimits & PassLimits>;
}

/** How much one step of catching up may do. */
export interface PassLimits {
  readonly revisions: number;
  readonly watchers: number;
  /** Bytes of keys and values read; the revision that goes beyond is finished. */
  readonly readBytes: number;
}

/** Upstream's steps (contract: api.md §2.5), and bounds in bytes, which upstream does not have. */
const defaultLimits: StreamLimits & PassLimits = {
  ...{ revisions: 1000, watchers: 512, readBytes: 4 * 1024 * 1024 },
  ...{ queueBytes: 4 * 1024 * 1024, frameBytes: 512 * 1024 },
};

/** Figures for /metrics. */
export interface WatchStats {
  readonly watchStreams: number;
  readonly watchers: number;
  /** Watches that have not been handed everything there is. */
  readonly slowWatchers: number;
  /** Events that wait to be sent. */
  readonly pendingEvents: number;
  /** Events that were sent since the start. */
  readonly sentEvents: number;
}

/** Stands for the live changes where otherwise the number of a pass stands. */
const live = 0;

/**
 * Hands a store's changes to the streams whose watches are about them (contract: api.md §2.5).
 *
 * A watch that is synced is handed changes within the write that makes them: their bytes are put into its stream's
 * queue, and nothing is waited for. One that starts in the past, or whose stream was full, is caught up from the store in
 * steps, each as of a later turn of the event loop. Where a watch stands is one number, so none sees a revision twice
 * or misses one, on whichever way it is handed them.
 */
export class WatchHub implements StreamOwner {
  readonly limits: StreamLimits & PassLimits;
  private readonly defer: WatchHubOptions['defer'];
  private store: MvccStore;
  private isClosed = false;
  private isScheduled = false;
  private readonly index = new WatcherIndex<Watcher>();
  private readonly streams = new Set<WatchStream>();
  /** In the order in which it is their turn. */
  private readonly unsynced = new Set<Watcher>();
  private passes = 0;
  private watcherCount = 0;
  private parkedCount = 0;
  private pendingEvents = 0;
  private sentEvents = 0;

  constructor(store: MvccStore, { defer, limits }: WatchHubOptions) {
    this.store = store;
    this.defer = defer;
    this.limits = { ...defaultLimits, ...limits };
  }

  get currentRevision(): number {
    return this.store.currentRevision;
  }

  open(listener: StreamListener): WatchStream {
    const stream = new WatchStream(this, listener);
    this.streams.add(stream);
    if (this.isClosed) this.defer(() => stream.end());
    return stream;
  }

  /** Takes one write transaction's changes: to be called with every one, in order, once the store shows them. */
  changed(revision: number, events: readonly Event[]): void {
    if (this.watcherCount === 0) return;
    const touched: Watcher[] = [];
    for (const event of events) this.collect(live, revision, event, touched);
    this.flush(touched, revision, revision);
  }

  /**
   * Goes on with another store that holds the same history and more, as after a snapshot was installed. Each watch
   * goes on at the revision after the last that it was handed; one whose next revision is compacted away there is
   * cancelled with the compaction's revision, since events would be missing otherwise.
   */
  restore(store: MvccStore): void {
    const seen = this.store.currentRevision;
    this.store = store;
    for (const stream of this.streams) {
      for (const watcher of stream.watchers) {
        if (watcher.state !== 'synced') continue;
        watcher.next = Math.max(watcher.next, seen + 1);
        if (watcher.next <= store.currentRevision) this.makeUnsynced(watcher);
      }
    }
    this.schedule();
  }

  /** Ends all streams. */
  close(): void {
    this.isClosed = true;
    for (const stream of [...this.streams]) stream.end();
  }

  stats(): WatchStats {
    return {
      watchStreams: this.streams.size,
      watchers: this.watcherCount,
      slowWatchers: this.unsynced.size + this.parkedCount,
      pendingEvents: this.pendingEvents,
      sentEvents: this.sentEvents,
    };
  }

  add(watcher: Watcher): void {
    this.watcherCount++;
    this.index.add(watcher);
    if (watcher.next > this.currentRevision) watcher.state = 'synced';
    else this.makeUnsynced(watcher);
  }

  remove(watcher: Watcher): void {
    this.watcherCount--;
    this.index.remove(watcher);
    this.unsynced.delete(watcher);
    if (watcher.state === 'parked') this.parkedCount--;
    watcher.state = 'closed';
  }

  resume(watchers: Iterable<Watcher>): void {
    for (const watcher of watchers) {
      this.parkedCount--;
      this.makeUnsynced(watcher);
    }
  }

  queued(events: number): void {
    this.pendingEvents += events;
  }

  sent(events: number): void {
    this.pendingEvents -= events;
    this.sentEvents += events;
  }

  closed(stream: WatchStream): void {
    this.streams.delete(stream);
  }

  private makeUnsynced(watcher: Watcher): void {
    watcher.state = 'unsynced';
    this.unsynced.add(watcher);
    this.schedule();
  }

  private schedule(): void {
    if (this.isScheduled || this.unsynced.size === 0) return;
    this.isScheduled = true;
    this.defer(() => {
      this.isScheduled = false;
      if (this.isClosed) return;
      this.catchUp();
      this.schedule();
    });
  }

  /** One step: reads a stretch of history and hands it to those who stand within it. */
  private catchUp(): void {
    const chosen = this.choose();
    const first = chosen[0];
    if (first === undefined) return;
    const pass = ++this.passes;
    for (const watcher of chosen) watcher.pass = pass;
    const { currentRevision } = this.store;
    const readTo = this.readHistory(pass, first.next);
    for (const watcher of chosen) {
      if (watcher.state !== 'unsynced') continue;
      this.unsynced.delete(watcher);
      watcher.next = Math.max(watcher.next, readTo + 1);
      if (watcher.next > currentRevision) watcher.state = 'synced';
      else this.unsynced.add(watcher);
    }
  }

  /** Those whose turn it is, and others who stand in the same stretch; ends those whose next revision is gone. */
  private choose(): Watcher[] {
    const { compactRevision } = this.store;
    const { revisions, watchers } = this.limits;
    const chosen: Watcher[] = [];
    for (const watcher of this.unsynced) {
      if (watcher.next < compactRevision) {
        watcher.stream.endCompacted(watcher, compactRevision);
        continue;
      }
      const from = chosen[0]?.next ?? watcher.next;
      if (watcher.next >= from && watcher.next < from + revisions) chosen.push(watcher);
      if (chosen.length === watchers) break;
    }
    return chosen;
  }

  /** @returns the last revision up to which those of the pass have been handed everything */
  private readHistory(pass: number, from: number): number {
    const { currentRevision } = this.store;
    const touched: Watcher[] = [];
    let readTo = currentRevision;
    let revision = 0;
    let revisions = 0;
    let readBytes = 0;
    this.store.changes(from, (main, event) => {
      if (main !== revision) {
        this.flush(touched, revision, currentRevision);
        if (revisions === this.limits.revisions || readBytes >= this.limits.readBytes) {
          readTo = main - 1;
          return false;
        }
        revision = main;
        revisions++;
      }
      const { key, value } = event.kv as KeyValue;
      readBytes += key.length + value.length;
      this.collect(pass, main, event, touched);
      return true;
    });
    this.flush(touched, revision, currentRevision);
    return readTo;
  }

  /** Puts an event into the batches of the watches that it is for. */
  private collect(pass: number, revision: number, event: Event, touched: Watcher[]): void {
    const shared = new SharedEvent(event, this.store);
    this.index.visit(keyString((event.kv as KeyValue).key), (watcher) => {
      const isMeant =
        pass === live ? watcher.state === 'synced' : watcher.state === 'unsynced' && watcher.pass === pass;
      if (!isMeant || revision < watcher.next) return;
      const { wants, batch } = watcher;
      if (shared.isPut ? !wants.puts : !wants.deletes) return;
      if (batch.length === 0) touched.push(watcher);
      const bytes = shared.encoded(wants.previous);
      batch.push(bytes);
      watcher.batchBytes += bytes.length;
    });
  }

  /** Hands over the batches of one revision; who has no room for it is to get it later. */
  private flush(touched: Watcher[], revision: number, headerRevision: number): void {
    for (const watcher of touched) {
      if (!watcher.stream.offer(watcher, headerRevision)) this.park(watcher, revision);
      watcher.batch = [];
      watcher.batchBytes = 0;
    }
    touched.length = 0;
  }

  private park(watcher: Watcher, revision: number): void {
    watcher.next = revision;
    watcher.state = 'parked';
    this.unsynced.delete(watcher);
    this.parkedCount++;
    watcher.stream.park(watcher);
  }
}
