import { errCompacted } from '../../errors/etcd-error.ts';
import { keyRange } from '../key-range.ts';
import { FrameQueue } from './frame-queue.ts';
import { frame, noWatchId, type WatchFrame } from './watch-frame.ts';
import { Watcher, type WatchSpec } from './watcher.ts';

/** How much may wait in one stream. */
export interface StreamLimits {
  /** From here on nothing more is taken, until half of it has been sent. */
  readonly queueBytes: number;
  /** Events of several revisions share a message up to this size. */
  readonly frameBytes: number;
}

/** The hub as its streams see it. */
export interface StreamOwner {
  readonly currentRevision: number;
  readonly limits: StreamLimits;
  add(watcher: Watcher): void;
  remove(watcher: Watcher): void;
  resume(watchers: Iterable<Watcher>): void;
  queued(events: number): void;
  sent(events: number): void;
  closed(stream: WatchStream): void;
}

export interface StreamListener {
  /** There is something to take. Called within the write that brought it about: do the work later, and do not throw. */
  onFrames(): void;
  /** The member stops: nothing more will come. */
  onEnd(): void;
}

/** What an event and a frame take in memory besides their bytes, about. */
const eventOverheadBytes = 64;
const frameOverheadBytes = 256;

const zero = Buffer.of(0);

/**
 * The watches of one client's stream, and the messages that wait to be sent to it. They wait in one queue, so that each
 * watch is told everything in order, with a bound, so that a client that does not read costs no more than that: what
 * does not fit is read from the store later.
 */
export class WatchStream {
  private readonly owner: StreamOwner;
  private readonly listener: StreamListener;
  private readonly byId = new Map<bigint, Watcher>();
  private readonly parked = new Set<Watcher>();
  private queue = new FrameQueue();
  private nextId = 0n;

  constructor(owner: StreamOwner, listener: StreamListener) {
    this.owner = owner;
    this.listener = listener;
  }

  get watchers(): Iterable<Watcher> {
    return this.byId.values();
  }

  /** Whether as much waits as may: the client is to be asked for nothing more before it has read. */
  get isFull(): boolean {
    return this.queue.sizeBytes >= this.owner.limits.queueBytes;
  }

  /** Memory held by what waits, about. */
  get queuedBytes(): number {
    return this.queue.sizeBytes;
  }

  /**
   * Starts a watch, or tells the client why not (contract: api.md §2.5).
   *
   * @param id 0 for the next free one
   */
  create(id: bigint, { key, end, ...wants }: WatchSpec): void {
    const range = keyRange(key.length === 0 ? zero : key, end);
    const { currentRevision } = this.owner;
    if (wants.startRevision < 0) {
      this.refuse(errCompacted().message);
    } else if (range.kind === 'interval' && range.end !== undefined && range.end <= range.start) {
      this.refuse('mvcc: watcher range is empty');
    } else if (id !== 0n && this.byId.has(id)) {
      this.refuse('mvcc: duplicate watch ID provided on the WatchStream');
    } else {
      const given = id === 0n ? this.takeId() : id;
      const next = wants.startRevision === 0 ? currentRevision + 1 : wants.startRevision;
      const watcher = new Watcher(given, this, range, wants, next);
      this.byId.set(given, watcher);
      this.push(frame(given, currentRevision, { created: true }));
      this.owner.add(watcher);
    }
  }

  /** Answers a request for a watch that there will not be. */
  refuse(cancelReason: string): void {
    this.push(frame(noWatchId, this.owner.currentRevision, { created: true, canceled: true, cancelReason }));
  }

  /** Ends a watch at the client's wish. An id that there is not is passed over. */
  cancel(id: bigint): void {
    const watcher = this.byId.get(id);
    if (watcher === undefined) return;
    this.stop(watcher);
    this.byId.delete(id);
    this.push(frame(id, this.owner.currentRevision, { canceled: true }));
  }

  /**
   * Tells the client that all its watches have been told everything up to now, if that is so. Silence otherwise, and
   * while too much waits.
   */
  requestProgress(): void {
    const { currentRevision } = this.owner;
    // Upstream counts those that a compaction has ended, too, and says nothing until the client cancels them.
    const open = [...this.byId.values()].filter(({ state }) => state !== 'closed');
    if (open.length === 0 || this.isFull || !open.every((watcher) => isUpToDate(watcher, currentRevision))) return;
    // Nothing later may slip into messages that wait before this one: it would seem to take the progress back.
    for (const watcher of open) watcher.openEntry = undefined;
    this.push(frame(noWatchId, currentRevision));
  }

  /** To be called now and then: tells each watch that wants to know, and was quiet since the last time, its progress. */
  tickProgress(): void {
    const { currentRevision } = this.owner;
    for (const watcher of this.byId.values()) {
      if (!watcher.wants.progress) continue;
      if (watcher.isQuiet && !this.isFull && isUpToDate(watcher, currentRevision)) {
        watcher.openEntry = undefined;
        this.push(frame(watcher.id, currentRevision));
      }
      watcher.isQuiet = true;
    }
  }

  /** The next message to send. Taking it makes room. */
  take(): WatchFrame | undefined {
    const entry = this.queue.shift();
    if (entry === undefined) return undefined;
    const { watcher } = entry;
    if (watcher !== undefined) {
      if (watcher.openEntry === entry) watcher.openEntry = undefined;
      watcher.isQuiet = false;
      this.owner.sent(entry.frame.events.length);
    }
    if (this.parked.size > 0 && this.queue.sizeBytes <= this.owner.limits.queueBytes / 2) {
      const resumed = [...this.parked];
      this.parked.clear();
      this.owner.resume(resumed);
    }
    return entry.frame;
  }

  /** Ends all watches; nothing is told to anybody any more. */
  close(): void {
    for (const watcher of this.byId.values()) this.stop(watcher);
    this.byId.clear();
    for (let entry = this.queue.shift(); entry !== undefined; entry = this.queue.shift()) {
      if (entry.watcher !== undefined) this.owner.sent(entry.frame.events.length);
    }
    this.owner.closed(this);
  }

  /** For the hub: ends the stream because the member stops. */
  end(): void {
    this.close();
    this.listener.onEnd();
  }

  /**
   * For the hub: takes over the events of a watch's batch, which are those of one revision.
   *
   * @returns false when there is no room; the watch is to be caught up later
   */
  offer(watcher: Watcher, headerRevision: number): boolean {
    if (this.isFull) return false;
    const { batch, openEntry } = watcher;
    const sizeBytes = watcher.batchBytes + batch.length * eventOverheadBytes;
    this.owner.queued(batch.length);
    if (openEntry !== undefined && openEntry.sizeBytes + sizeBytes <= this.owner.limits.frameBytes) {
      for (const event of batch) openEntry.frame.events.push(event);
      openEntry.frame.revision = headerRevision;
      this.queue.grow(openEntry, sizeBytes);
      return true;
    }
    const mayFragment = watcher.wants.fragments;
    watcher.openEntry = this.push(
      frame(watcher.id, headerRevision, { mayFragment, events: batch }),
      watcher,
      sizeBytes,
    );
    return true;
  }

  /** For the hub: keeps a watch until there is room. */
  park(watcher: Watcher): void {
    this.parked.add(watcher);
  }

  /**
   * For the hub: ends a watch whose next revision is gone. Clients look at `compactRevision`, and no reason is given. The
   * id stays in use until the client cancels it.
   */
  endCompacted(watcher: Watcher, compactRevision: number): void {
    this.stop(watcher);
    this.push(frame(watcher.id, 0, { canceled: true, compactRevision }));
  }

  private stop(watcher: Watcher): void {
    if (watcher.state === 'closed') return;
    this.owner.remove(watcher);
    this.parked.delete(watcher);
    watcher.openEntry = undefined;
  }

  private push(waiting: WatchFrame, watcher?: Watcher, eventBytes = 0) {
    const entry = { frame: waiting, watcher, sizeBytes: frameOverheadBytes + eventBytes };
    this.queue.push(entry);
    this.listener.onFrames();
    return entry;
  }

  private takeId(): bigint {
    while (this.byId.has(this.nextId)) this.nextId++;
    return this.nextId++;
  }
}

function isUpToDate(watcher: Watcher, currentRevision: number): boolean {
  return watcher.state === 'synced' && !watcher.isAhead(currentRevision);
}
