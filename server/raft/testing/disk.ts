import { type ConfState, Entry, HardState, Snapshot } from '../../proto/gen/raft.ts';
import type { InitialState, Ready } from '../mod.ts';

/** The durable half of a member's log. Entries are kept as bytes, as a file would keep them. */
export class SimulatedDisk {
  private hardState = HardState.create();
  private snapshot = Snapshot.create();
  private firstIndex = 1;
  private entries: { term: number; bytes: Uint8Array }[] = [];

  get lastIndex(): number {
    return this.firstIndex + this.entries.length - 1;
  }

  get newestSnapshot(): Snapshot {
    return this.snapshot;
  }

  /** Whether the entry would be there after a crash, by itself or within the snapshot. */
  holds(index: number, term: number): boolean {
    return index <= this.snapshot.metadata.index || this.entries[index - this.firstIndex]?.term === term;
  }

  /** Stores all that a Ready asks for. */
  write(ready: Ready): void {
    if (ready.snapshot !== undefined) {
      this.snapshot = ready.snapshot;
      this.firstIndex = ready.snapshot.metadata.index + 1;
      this.entries = [];
    }
    this.writeEntries(ready.entries);
    if (ready.hardState !== undefined) this.hardState = ready.hardState;
  }

  /** Power fails in the middle of a write: some entries arrived, what follows them did not. */
  tear(ready: Ready, entries: number): void {
    if (ready.snapshot === undefined) this.writeEntries(ready.entries.slice(0, entries));
  }

  /** A bootstrapped log, or a snapshot that the member made by itself. */
  prepare(hardState: HardState, entries: readonly Entry[]): void {
    this.hardState = hardState;
    this.writeEntries(entries);
  }

  saveSnapshot(snapshot: Snapshot): void {
    this.snapshot = snapshot;
    const keepFrom = snapshot.metadata.index + 1;
    this.entries.splice(0, Math.max(0, keepFrom - this.firstIndex));
    this.firstIndex = Math.max(this.firstIndex, keepFrom);
  }

  /** What a member finds when it starts. */
  read(applied: number, confState: ConfState): InitialState {
    return {
      hardState: { ...this.hardState },
      confState,
      snapshot: this.snapshot,
      entries: this.entries.map(({ bytes }) => Entry.decode(bytes)),
      applied,
    };
  }

  private writeEntries(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const position = entry.Index - this.firstIndex;
      if (position < 0 || position > this.entries.length) {
        throw new Error(`the disk is to store entry ${entry.Index} behind entry ${this.lastIndex}`);
      }
      this.entries.length = position;
      this.entries.push({ term: entry.Term, bytes: Entry.encode(entry) });
    }
  }
}
