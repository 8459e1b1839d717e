import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Churning, ChurnTable } from './churn-table.ts';

class Item implements Churning<Item> {
  readonly key: number;
  next: Item | undefined;

  constructor(key: number) {
    this.key = key;
  }
}

test('it holds what a Map would', () => {
  const change = fc.record({ adds: fc.boolean(), key: fc.nat(200).map((n) => n * 7) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const table = new ChurnTable<Item>();
      const model = new Map<number, Item>();
      for (const { adds, key } of changes) {
        if (adds && !model.has(key)) {
          const item = new Item(key);
          table.add(item);
          model.set(key, item);
        } else if (!adds) {
          expect(table.delete(key)).toBe(model.get(key));
          model.delete(key);
        }
        expect(table.get(key)).toBe(model.get(key));
      }
      expect(table.size).toBe(model.size);
      expect(new Set(table.values())).toEqual(new Set(model.values()));
    }),
  );
});

test('what has gone keeps nothing of what is there', () => {
  const table = new ChurnTable<Item>();
  const items = [new Item(1), new Item(17), new Item(33)];
  for (const item of items) table.add(item);
  for (const item of items) table.delete(item.key);
  expect(items.map(({ next }) => next)).toEqual([undefined, undefined, undefined]);
});
