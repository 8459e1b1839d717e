import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DueHeap, nowhere, type Slot } from './due-heap.ts';

const slots = (count: number): Slot[] => Array.from({ length: count }, () => ({ dueMs: 0, position: nowhere }));

/** Everything in the heap, in the order in which it is due. */
function drained(heap: DueHeap<Slot>): number[] {
  const times: number[] = [];
  for (let slot = heap.first(); slot !== undefined; slot = heap.first()) {
    times.push(slot.dueMs);
    heap.remove(slot);
  }
  return times;
}

describe('a heap of what is due', () => {
  test('gives its slots in the order of their times, whatever was scheduled, moved and removed before', () => {
    const step = fc.record({ slot: fc.nat(19), dueMs: fc.nat(50), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const all = slots(20);
        const heap = new DueHeap<Slot>();
        const model = new Map<Slot, number>();
        for (const { slot: index, dueMs, remove } of steps) {
          const slot = all[index] as Slot;
          if (remove) heap.remove(slot);
          else heap.schedule(slot, dueMs);
          if (remove) model.delete(slot);
          else model.set(slot, dueMs);
          expect(heap.size).toBe(model.size);
          expect(heap.first()?.dueMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        expect(drained(heap)).toEqual([...model.values()].sort((a, b) => a - b));
      }),
    );
  });

  test('is empty when it was cleared, and takes what was in it before', () => {
    const heap = new DueHeap<Slot>();
    const [one, other] = slots(2) as [Slot, Slot];
    heap.schedule(one, 1);
    heap.schedule(other, 2);
    heap.clear();
    heap.remove(other);
    expect(heap.first()).toBeUndefined();
    heap.schedule(other, 4);
    heap.remove(one);
    heap.schedule(one, 3);
    expect(drained(heap)).toEqual([3, 4]);
  });

  test('is filled at once with what is to be in it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { maxLength: 200 }), (times) => {
        const heap = new DueHeap<Slot>();
        const [former] = slots(1) as [Slot];
        heap.schedule(former, 5);
        const sorted = [...times].sort((a, b) => a - b);
        heap.fill(sorted.map((dueMs) => ({ dueMs, position: nowhere })));
        heap.remove(former);
        expect(drained(heap)).toEqual(sorted);
      }),
    );
  });
});
