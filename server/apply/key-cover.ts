import { lowerBound } from '../mvcc/mod.ts';

/** A set of keys made of points and half-open intervals, kept as disjoint intervals in order. */
export class KeyCover {
  private readonly starts: string[] = [];
  private readonly ends: string[] = [];

  /** Adds `start <= key < end`; nothing when `end` is not after `start`. */
  add(start: string, end: string): void {
    if (end <= start) return;
    // All intervals from the first that ends at or after `start` to the last that starts at or before `end` become one.
    const first = lowerBound(this.ends, start);
    let last = first;
    let from = start;
    let to = end;
    for (; last < this.starts.length && (this.starts[last] as string) <= end; last++) {
      if ((this.starts[last] as string) < from) from = this.starts[last] as string;
      if ((this.ends[last] as string) > to) to = this.ends[last] as string;
    }
    this.starts.splice(first, last - first, from);
    this.ends.splice(first, last - first, to);
  }

  addAll(other: KeyCover): void {
    for (let i = 0; i < other.starts.length; i++) this.add(other.starts[i] as string, other.ends[i] as string);
  }

  has(key: string): boolean {
    // The first interval that ends after the key is the only one that can hold it.
    const at = lowerBound(this.ends, `${key}\0`);
    return at < this.starts.length && (this.starts[at] as string) <= key;
  }
}
