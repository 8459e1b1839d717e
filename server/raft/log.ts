/**
 * The log in memory, from behind its last compaction to its end, and how far each of its marks has come:
 *
 *     applied <= applying <= min(committed, stable) <= last        stable <= offered <= last
 *
 * Entries are offered to the disk in a Ready, and stable when that Ready is durable. Several Readys may be under way,
 * and a new leader may replace entries that an earlier one is still writing: each Ready's record says how much of what
 * it wrote is still in the log, so that its completion can never vouch for entries that came later at the same index.
 */
import type { Entry, Snapshot } from '../proto/gen/raft.ts';
import { isConfChange } from './conf-change.ts';
import { RaftError } from './errors.ts';
import type { InitialState } from './types.ts';

/** The bytes that an entry counts for in the limits of a message: its data and an allowance for its header. */
export function entrySizeBytes(entry: Pick<Entry, 'Data'>): number {
  return (entry.Data?.length ?? 0) + 16;
}

export function totalBytes(entries: readonly Pick<Entry, 'Data'>[]): number {
  let sizeBytes = 0;
  for (const entry of entries) sizeBytes += entrySizeBytes(entry);
  return sizeBytes;
}

/** What a Ready took to the disk, as far as it is still in the log. */
interface Write {
  sequence: number;
  /** 0 when it holds no entries. */
  lastIndex: number;
  snapshot: boolean;
}

export class RaftLog {
  /** Index and term of the entry before the first in memory. */
  private compactedIndex: number;
  private compactedTerm: number;
  private list: Entry[];
  private newestSnapshot: Snapshot;
  private received: Snapshot | undefined;
  private readonly writes: Write[] = [];
  private offered: number;
  private stableMark: number;
  private committedMark: number;
  private applyingMark: number;
  private appliedMark: number;
  private unappliedSizeBytes = 0;
  private appliedSizeBytes = 0;

  /** @throws RaftError when the parts do not fit together */
  constructor(initial: InitialState) {
    const { metadata } = initial.snapshot;
    this.newestSnapshot = initial.snapshot;
    this.compactedIndex = metadata.index;
    this.compactedTerm = metadata.term;
    this.list = withoutLeftovers(initial.entries, metadata.index, metadata.term);
    this.stableMark = this.lastIndex;
    this.offered = this.lastIndex;
    this.committedMark = Math.max(initial.hardState.commit, initial.applied, metadata.index, impliedCommit(this.list));
    this.appliedMark = initial.applied;
    this.applyingMark = initial.applied;
    this.unappliedSizeBytes = totalBytes(this.unapplied());
    if (initial.applied < metadata.index) {
      throw new RaftError(
        `the state machine has applied ${initial.applied} entries, but the log begins behind ${metadata.index}`,
      );
    }
    if (this.committedMark > this.lastIndex) {
      throw new RaftError(
        `entries up to ${this.committedMark} were committed, but the log ends at ${this.lastIndex}: files are missing`,
      );
    }
  }

  get firstIndex(): number {
    return this.compactedIndex + 1;
  }
  get lastIndex(): number {
    return this.compactedIndex + this.list.length;
  }
  get lastTerm(): number {
    return this.list.at(-1)?.Term ?? this.compactedTerm;
  }
  get committed(): number {
    return this.committedMark;
  }
  get applied(): number {
    return this.appliedMark;
  }
  /** The entries behind the applied ones, committed or not. */
  get unappliedBytes(): number {
    return this.unappliedSizeBytes;
  }
  /** All that were applied since the start. */
  get appliedBytes(): number {
    return this.appliedSizeBytes;
  }
  /** Durable up to here. */
  get stable(): number {
    return this.stableMark;
  }
  /** The newest snapshot made or received; index 0 when there is none. */
  get snapshot(): Snapshot {
    return this.newestSnapshot;
  }

  /** @returns the term of the entry; undefined when it was compacted or does not exist yet */
  term(index: number): number | undefined {
    if (index === this.compactedIndex) return this.compactedTerm;
    return this.list[index - this.compactedIndex - 1]?.Term;
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends so holds all that this one does, as far as elections care (Raft paper §5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /**
   * Entries with `from <= index < to`, cut off after `maxBytes`, but never before the first.
   *
   * @throws RaftError outside of the log
   */
  slice(from: number, to: number, maxBytes: number): Entry[] {
    if (from < this.firstIndex || to > this.lastIndex + 1) {
      throw new RaftError(
        `entries [${from}, ${to}) asked for, but the log holds [${this.firstIndex}, ${this.lastIndex}]`,
      );
    }
    if (from >= to) return [];
    const start = from - this.firstIndex;
    const end = to - this.firstIndex;
    let stop = start + 1;
    let sizeBytes = entrySizeBytes(this.list[start] as Entry);
    while (stop < end) {
      sizeBytes += entrySizeBytes(this.list[stop] as Entry);
      if (sizeBytes > maxBytes) break;
      stop++;
    }
    return this.list.slice(start, stop);
  }

  /** The entries that the state machine has not applied, committed or not. */
  unapplied(): Entry[] {
    return this.list.slice(Math.max(0, this.appliedMark - this.compactedIndex));
  }

  /** Appends a leader's own entries, which follow the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.list.push(entry);
    this.unappliedSizeBytes += totalBytes(entries);
  }

  /**
   * Takes in entries from the leader if the entry before them matches (Raft paper §5.3). What is there already stays:
   * an old message must not cut off what came after it.
   *
   * @returns the index up to which the log now equals the leader's; undefined if the entry before does not match
   * @throws RaftError when a committed entry would be replaced
   */
  appendBehind(previousIndex: number, previousTerm: number, entries: readonly Entry[]): number | undefined {
    if (!this.matches(previousIndex, previousTerm)) return undefined;
    const known = entries.findIndex((entry) => !this.matches(entry.Index, entry.Term));
    if (known >= 0) {
      const fresh = entries.slice(known);
      this.truncate((fresh[0] as Entry).Index);
      this.append(fresh);
    }
    return previousIndex + entries.length;
  }

  /**
   * The highest index up to `index` whose term is at most `term`: where two logs may still agree. It skips a whole
   * term at a time, so that a leader finds the end of a long divergent log in few steps.
   */
  lastIndexWithTermAtMost(index: number, term: number): number {
    let low = this.compactedIndex;
    let high = Math.min(index, this.lastIndex);
    if (index > this.lastIndex || high <= low) return index;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.term(middle) as number) <= term) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** @throws RaftError when the log does not reach so far: it has lost what it acknowledged */
  commitTo(index: number): boolean {
    if (index <= this.committedMark) return false;
    if (index > this.lastIndex) {
      throw new RaftError(
        `the leader says that entry ${index} is committed, but the log ends at ${this.lastIndex}: entries were lost`,
      );
    }
    this.committedMark = index;
    return true;
  }

  /**
   * Commits on behalf of the leader of `term`. Only its own entries count: an older one that a majority holds can still
   * be replaced, unless one of this term is behind it (Raft paper §5.4.2).
   *
   * @returns whether that is news
   */
  commitInTerm(index: number, term: number): boolean {
    return index > this.committedMark && this.matches(index, term) && this.commitTo(index);
  }

  /** Replaces the whole log by a snapshot from the leader. */
  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot.metadata;
    this.received = snapshot;
    this.newestSnapshot = snapshot;
    this.compactedIndex = index;
    this.compactedTerm = term;
    this.list = [];
    this.unappliedSizeBytes = 0;
    for (const write of this.writes) write.lastIndex = 0;
    this.offered = index;
    this.stableMark = index;
    this.committedMark = index;
    this.applyingMark = index;
  }

  /** Whether a received snapshot is not yet durable. */
  hasUnsavedSnapshot(): boolean {
    return this.received !== undefined || this.writes.some((write) => write.snapshot);
  }

  hasUnoffered(): boolean {
    return this.received !== undefined || this.offered < this.lastIndex;
  }

  /** Hands out what is to be stored with the Ready of that number. */
  offer(sequence: number): { entries: Entry[]; snapshot: Snapshot | undefined } {
    const entries = this.list.slice(this.offered - this.compactedIndex);
    const snapshot = this.received;
    this.received = undefined;
    this.offered = this.lastIndex;
    const lastIndex = entries.length > 0 ? this.lastIndex : 0;
    if (lastIndex > 0 || snapshot !== undefined)
      this.writes.push({ sequence, lastIndex, snapshot: snapshot !== undefined });
    return { entries, snapshot };
  }

  /** The Readys up to that number are durable. */
  stored(sequence: number): void {
    while (this.writes[0] !== undefined && this.writes[0].sequence <= sequence) {
      const { lastIndex } = this.writes.shift() as Write;
      this.stableMark = Math.max(this.stableMark, lastIndex);
    }
  }

  hasUnappliedCommitted(): boolean {
    return this.applyingMark < Math.min(this.committedMark, this.stableMark);
  }

  /** Hands out committed entries that are durable here, each once. */
  takeCommitted(maxBytes: number): Entry[] {
    if (!this.hasUnappliedCommitted()) return [];
    const to = Math.min(this.committedMark, this.stableMark) + 1;
    const entries = this.slice(this.applyingMark + 1, to, maxBytes);
    this.applyingMark += entries.length;
    return entries;
  }

  /** @throws RaftError for entries that were never handed out */
  appliedTo(index: number): void {
    if (index > this.applyingMark) {
      throw new RaftError(`entry ${index} is said to be applied, but only ${this.applyingMark} were handed out`);
    }
    if (index <= this.appliedMark) return;
    const start = Math.max(0, this.appliedMark - this.compactedIndex);
    const end = Math.max(start, index - this.compactedIndex);
    for (let i = start; i < end; i++) {
      const sizeBytes = entrySizeBytes(this.list[i] as Entry);
      this.unappliedSizeBytes -= sizeBytes;
      this.appliedSizeBytes += sizeBytes;
    }
    this.appliedMark = index;
  }

  /** @returns the index behind which the entries take at most `maxBytes` */
  indexToFit(maxBytes: number): number {
    let sizeBytes = 0;
    for (let i = this.list.length - 1; i >= 0; i--) {
      sizeBytes += entrySizeBytes(this.list[i] as Entry);
      if (sizeBytes > maxBytes) return this.firstIndex + i;
    }
    return this.compactedIndex;
  }

  /** Remembers a snapshot of the state machine; an older one than the newest is ignored. */
  remember(snapshot: Snapshot): void {
    if (snapshot.metadata.index > this.newestSnapshot.metadata.index) this.newestSnapshot = snapshot;
  }

  /**
   * Drops entries up to `index` from memory.
   *
   * @throws RaftError for entries that are not applied
   */
  compact(index: number): void {
    if (index <= this.compactedIndex) return;
    if (index > this.appliedMark) {
      throw new RaftError(`cannot compact up to ${index}: only ${this.appliedMark} entries are applied`);
    }
    const term = this.term(index) as number;
    this.list = this.list.slice(index - this.compactedIndex);
    this.compactedIndex = index;
    this.compactedTerm = term;
  }

  private truncate(from: number): void {
    if (from <= this.committedMark) {
      throw new RaftError(`the leader replaces entry ${from}, but ${this.committedMark} are committed`);
    }
    if (from > this.lastIndex) return;
    this.unappliedSizeBytes -= totalBytes(this.list.slice(from - this.firstIndex));
    this.list.length = from - this.firstIndex;
    for (const write of this.writes) write.lastIndex = Math.min(write.lastIndex, from - 1);
    this.offered = Math.min(this.offered, from - 1);
    this.stableMark = Math.min(this.stableMark, from - 1);
  }
}

/**
 * A snapshot from the leader replaces the whole log, but a log file keeps older entries beyond it. Terms never fall
 * along a log, so the first entry whose term does is such a leftover, and so is all behind it.
 */
function withoutLeftovers(entries: readonly Entry[], snapshotIndex: number, snapshotTerm: number): Entry[] {
  let term = snapshotTerm;
  for (const [i, entry] of entries.entries()) {
    if (entry.Index !== snapshotIndex + 1 + i) {
      throw new RaftError(`entry ${snapshotIndex + 1 + i} is missing: entry ${entry.Index} stands in its place`);
    }
    if (entry.Term < term) return entries.slice(0, i);
    term = entry.Term;
  }
  return [...entries];
}

/**
 * A leader takes up a configuration change only when it has applied the one before. So of several in a log, all but
 * the last are committed, even if a crash lost the note of it between writing the entries and writing the hard state.
 * Campaigning in a configuration that is two changes old could elect a second leader.
 */
function impliedCommit(entries: readonly Entry[]): number {
  const changes = entries.filter(isConfChange);
  return changes.at(-2)?.Index ?? 0;
}
