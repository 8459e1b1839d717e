/** What is to happen in a simulated world, by time; what is due at the same time happens in the order of its making. */
export interface QueuedEvent {
  atMs: number;
  order: number;
  readonly owner: { readonly isAlive: boolean } | undefined;
  readonly run: () => void;
  isCancelled: boolean;
}

/** A binary heap. */
export class EventQueue {
  private readonly heap: QueuedEvent[] = [];
  private made = 0;

  add(atMs: number, owner: QueuedEvent['owner'], run: () => void): QueuedEvent {
    const event = { atMs, order: 0, owner, run, isCancelled: false };
    this.put(event, atMs);
    return event;
  }

  /** Queues an event that has happened once more. */
  put(event: QueuedEvent, atMs: number): void {
    event.atMs = atMs;
    event.order = this.made++;
    const { heap } = this;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as QueuedEvent)) break;
      heap[at] = heap[parent] as QueuedEvent;
      at = parent;
    }
    heap[at] = event;
  }

  /** Removes the first event. */
  take(): QueuedEvent | undefined {
    const { heap } = this;
    const first = heap[0];
    const moved = heap.pop();
    if (moved === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as QueuedEvent)) child++;
      const smaller = heap[child];
      if (smaller === undefined || !isBefore(smaller, moved)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = moved;
    return first;
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
