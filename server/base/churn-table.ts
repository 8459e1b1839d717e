/** What a `ChurnTable` holds: the table keeps its links in it. */
export interface Churning<T> {
  /** What it is found by: a whole number, best one that counts upwards. No two in a table have the same. */
  readonly key: number;
  /** The table's. */
  next: T | undefined;
}

/**
 * Finds by number what comes and goes by the ten thousand a second: requests, streams.
 *
 * It does what a Map does, but for the memory: a Map grows into a new table again and again as keys come and go, and
 * each table it leaves keeps the next, and all that was in it. Once one of them has become old, everything that ever
 * went through the Map stays until the whole heap is collected, and the frequent collections of what is young copy it.
 * A table of arrays forgets what was deleted.
 */
export class ChurnTable<T extends Churning<T>> {
  private slots: (T | undefined)[] = new Array<T | undefined>(16).fill(undefined);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(key: number): T | undefined {
    let item = this.slots[this.slotOf(key)];
    while (item !== undefined && item.key !== key) item = item.next;
    return item;
  }

  add(item: T): void {
    if (this.count === this.slots.length) this.grow();
    this.link(item);
    this.count++;
  }

  /** @returns what was deleted; undefined when there was nothing with that key */
  delete(key: number): T | undefined {
    const slot = this.slotOf(key);
    let before: T | undefined;
    let item = this.slots[slot];
    while (item !== undefined && item.key !== key) {
      before = item;
      item = item.next;
    }
    if (item === undefined) return undefined;
    if (before === undefined) this.slots[slot] = item.next;
    else before.next = item.next;
    // What has gone must not keep what is there.
    item.next = undefined;
    this.count--;
    return item;
  }

  /** All that is there now, in no order. */
  values(): T[] {
    const all: T[] = [];
    for (let item of this.slots) for (; item !== undefined; item = item.next) all.push(item);
    return all;
  }

  private slotOf(key: number): number {
    return key & (this.slots.length - 1);
  }

  private link(item: T): void {
    const slot = this.slotOf(item.key);
    item.next = this.slots[slot];
    this.slots[slot] = item;
  }

  private grow(): void {
    const all = this.values();
    this.slots = new Array<T | undefined>(this.slots.length * 2).fill(undefined);
    for (const item of all) this.link(item);
  }
}
