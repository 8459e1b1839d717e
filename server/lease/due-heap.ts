/** Something that is due at a time, and remembers its place in the heap that it is in. */
export interface Slot {
  /** On the clock of whoever sets it, in milliseconds. */
  dueMs: number;
  /** The heap's own: where in it the slot is, or was. `nowhere` at first. */
  position: number;
}

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
    if (!this.has(slot)) {
      slot.position = this.slots.length;
      this.slots.push(slot);
    }
    this.settle(slot);
  }

  /** Takes a slot out; one that is not in has nothing to be taken out of. */
  remove(slot: T): void {
    if (!this.has(slot)) return;
    const last = this.slots.pop() as T;
    if (last !== slot) {
      this.place(last, slot.position);
      this.settle(last);
    }
  }

  /** Replaces everything by `slots`, whose `dueMs` are set already, in ascending order: a sorted list is a heap. */
  fill(slots: readonly T[]): void {
    this.slots = slots.slice();
    for (let i = 0; i < slots.length; i++) (slots[i] as T).position = i;
  }

  clear(): void {
    this.slots = [];
  }

  private has(slot: T): boolean {
    return this.slots[slot.position] === slot;
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
