/** What of a member's log its driver has called durable. After a crash, all of it must be there. */
import type { HardState } from '../../server/proto/gen/raft.ts';
import type { RawNode, Ready } from '../../server/raft/mod.ts';

export class DurableLog {
  private hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  /** Everything up to here is in a snapshot. */
  private snapshotIndex = 0;
  /** By index, from behind the snapshot. */
  private readonly terms = new Map<number, number>();
  private lastIndex = 0;
  /** Handed out by raft and not yet called durable. */
  private underWay: Ready[] = [];

  holds(index: number, term: number): boolean {
    return index <= this.snapshotIndex || this.terms.get(index) === term;
  }

  offered(ready: Ready): void {
    this.underWay.push(ready);
  }

  /** The driver says that this Ready, and all before it, are durable. */
  persisted(sequence: number): void {
    const done = this.underWay.filter((ready) => ready.sequence <= sequence);
    this.underWay = this.underWay.filter((ready) => ready.sequence > sequence);
    for (const ready of done) this.take(ready);
  }

  /**
   * Compares with what a member has found on its disk, and goes on from there.
   *
   * @throws Error when it lacks something that was called durable
   */
  recovered(node: RawNode): void {
    const status = node.status();
    this.compareHardState(status.term, status.vote);
    this.compareEntries(node);
    this.underWay = [];
    this.terms.clear();
    this.snapshotIndex = node.firstIndex() - 1;
    this.lastIndex = node.lastIndex();
    this.hardState = { term: status.term, vote: status.vote, commit: status.commit };
    for (let index = node.firstIndex(); index <= this.lastIndex; index++) {
      this.terms.set(index, node.term(index) as number);
    }
  }

  private take({ snapshot, entries, hardState }: Ready): void {
    if (snapshot !== undefined) {
      this.snapshotIndex = snapshot.metadata.index;
      this.lastIndex = snapshot.metadata.index;
      this.terms.clear();
    }
    const [first] = entries;
    if (first !== undefined) {
      for (let index = first.Index; index <= this.lastIndex; index++) this.terms.delete(index);
      for (const entry of entries) this.terms.set(entry.Index, entry.Term);
      this.lastIndex = (entries.at(-1) as (typeof entries)[number]).Index;
    }
    if (hardState !== undefined) this.hardState = hardState;
  }

  private compareHardState(term: number, vote: bigint): void {
    const promised = this.hardState;
    if (term > promised.term || (term === promised.term && (vote === promised.vote || promised.vote === 0n))) return;
    throw new Error(
      `durability: term ${promised.term} and vote ${promised.vote.toString(16)} were durable, ` +
        `but the disk has term ${term} and vote ${vote.toString(16)}`,
    );
  }

  /** Entries that a write under way may have replaced are not compared: some of it may have arrived. */
  private compareEntries(node: RawNode): void {
    if (this.underWay.some((ready) => ready.snapshot !== undefined)) return;
    const replacedFrom = Math.min(...this.underWay.flatMap(({ entries: [first] }) => (first ? [first.Index] : [])));
    for (const [index, term] of this.terms) {
      if (index >= replacedFrom || index < node.firstIndex()) continue;
      const found = node.term(index);
      if (found === term) continue;
      throw new Error(`durability: entry ${index} of term ${term} was durable, but the disk has ${found ?? 'none'}`);
    }
  }
}
