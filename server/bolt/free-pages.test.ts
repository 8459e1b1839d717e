import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FreePages } from './free-pages.ts';

describe('free pages', () => {
  test('are taken from the lowest run that is long enough', () => {
    const free = new FreePages(64);
    free.add([5, 7, 8, 40, 41, 42]);
    expect(free.allocate(2)).toBe(7);
    expect(free.allocate(2)).toBe(40);
    expect(free.allocate(1)).toBe(5);
    expect(free.allocate(2)).toBeUndefined();
    expect(free.allocate(1)).toBe(42);
    expect(free.count).toBe(0);
  });

  test('are found again when freed behind the place where a search ended', () => {
    const free = new FreePages(64);
    free.add([9]);
    expect(free.allocate(2)).toBeUndefined();
    free.add([3, 4]);
    expect(free.allocate(2)).toBe(3);
  });

  test('wait until their transaction is released', () => {
    const free = new FreePages(64);
    free.addPending(7, [3, 4]);
    free.addPending(8, [10]);
    free.release(6);
    expect(free.allocate(1)).toBeUndefined();
    expect([...free.pendingPages()]).toEqual([3, 4, 10]);
    free.release(7);
    expect(free.allocate(2)).toBe(3);
    expect(free.pending).toBe(1);
    free.release(8);
    expect(free.allocate(1)).toBe(10);
  });

  test('cannot be freed twice', () => {
    const free = new FreePages(8);
    free.add([3]);
    expect(() => free.add([3])).toThrow('page 3 is freed twice');
  });

  test('are never handed out twice, and never withheld', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('take', 'give'), fc.nat(200), fc.integer({ min: 1, max: 5 })));
    fc.assert(
      fc.property(steps, (all) => {
        const free = new FreePages(1);
        const model = new Set<number>();
        for (const [what, id, length] of all) {
          if (what === 'give') {
            if (!model.has(id)) free.add([id]);
            model.add(id);
            continue;
          }
          const expected = [...model]
            .sort((a, b) => a - b)
            .find((start) => Array.from({ length }, (_, i) => start + i).every((page) => model.has(page)));
          expect(free.allocate(length)).toBe(expected);
          if (expected !== undefined) for (let i = 0; i < length; i++) model.delete(expected + i);
        }
        expect(free.count).toBe(model.size);
      }),
    );
  });
});
