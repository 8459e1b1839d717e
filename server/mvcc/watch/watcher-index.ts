import type { KeyRange } from '../key-range.ts';
import { IntervalTree } from './interval-tree.ts';

/** Items by the keys that they are about: finds those of a key in a time that does not depend on how many others are. */
export class WatcherIndex<Item extends { readonly range: KeyRange }> {
  private readonly points = new Map<string, Set<Item>>();
  private readonly intervals = new IntervalTree<Item>();

  add(item: Item): void {
    const { range } = item;
    if (range.kind === 'interval') {
      this.intervals.add(range.start, range.end, item);
      return;
    }
    const found = this.points.get(range.key);
    if (found === undefined) this.points.set(range.key, new Set([item]));
    else found.add(item);
  }

  remove(item: Item): void {
    const { range } = item;
    if (range.kind === 'interval') {
      this.intervals.remove(range.start, range.end, item);
      return;
    }
    const found = this.points.get(range.key);
    found?.delete(item);
    if (found?.size === 0) this.points.delete(range.key);
  }

  /** Visits each item that is about `key`. The index must not be changed meanwhile. */
  visit(key: string, visit: (item: Item) => void): void {
    const found = this.points.get(key);
    if (found !== undefined) for (const item of found) visit(item);
    this.intervals.visit(key, visit);
  }
}
