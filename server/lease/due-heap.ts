/** Something that is due at a time, and knows its place in the heap that it is in. */
export interface Slot {
  /** On the clock of whoever sets it, in milliseconds. */
  dueMs: number;
  /** Index in the heap; `nowhere` outside of one. */
  position: number;
}

/** The position of a slot that is in no heap. */
export const nowhere = -1;

/**
 * A binary heap of slots, the one that is due first on top. A slot can be moved and taken out wherever it is, in
 * O(log n), and costs no more than its place in one array: there may be a million.
 */
export class DueHeap<T extends Slot> {
  private slots: T[] = [];

  get size(): number {
    return this.slots.length;
  }

  /** The slot that is due first. */
  first(): T | undefined {
    return this.slots[0];
  }

  /** Puts a slot in, or moves it, to be due at `dueMs`. */
  schedule(slot: T, dueMs: number): void {
    slot.dueMs = dueMs;
    if (slot.position === nowhere) {
      slot.position = this.slots.length;
      this.slots.push(slot);
    }
    this.settle(slot);
  }

  /** Takes a slot out; one that is not in has nothing to be taken out of. */
  remove(slot: T): void {
    if (slot.position === nowhere) return;
    const last = this.slots.pop() as T;
    if (last !== slot) {
      this.place(last, slot.position);
      this.settle(last);
    }
    slot.position = nowhere;
  }

  /** Replaces everything by `slots`, whose `dueMs` is set already, in O(n). */
  fill(slots: Iterable<T>): void {
    this.clear();
    this.slots = [...slots];
    for (const [position, slot] of this.slots.entries()) slot.position = position;
    for (let i = (this.slots.length >> 1) - 1; i >= 0; i--) this.sink(this.slots[i] as T);
  }

  clear(): void {
    for (const slot of this.slots) slot.position = nowhere;
    this.slots = [];
  }

  private settle(slot: T): void {
    this.rise(slot);
    this.sink(slot);
  }

  private rise(slot: T): void {
    while (slot.position > 0) {
      const parent = this.slots[(slot.position - 1) >> 1] as T;
      if (parent.dueMs <= slot.dueMs) return;
      this.swap(slot, parent);
    }
  }

  private sink(slot: T): void {
    for (;;) {
      const left = this.slots[2 * slot.position + 1];
      const right = this.slots[2 * slot.position + 2];
      if (left === undefined) return;
      const child = right !== undefined && right.dueMs < left.dueMs ? right : left;
      if (slot.dueMs <= child.dueMs) return;
      this.swap(child, slot);
    }
  }

  private swap(one: T, other: T): void {
    const { position } = one;
    this.place(one, other.position);
    this.place(other, position);
  }

  private place(slot: T, position: number): void {
    slot.position = position;
    this.slots[position] = slot;
  }
}
