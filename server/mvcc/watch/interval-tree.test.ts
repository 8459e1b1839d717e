import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntervalTree } from './interval-tree.ts';

const bound = fc.constantFrom('', 'a', 'ab', 'b', 'c', 'ca', 'd', '\xff');
const interval = fc.record({ start: bound, end: fc.option(bound, { nil: undefined }), item: fc.nat({ max: 3 }) });
const action = fc.record({ kind: fc.constantFrom('add', 'add', 'remove'), of: interval });
type Interval = { start: string; end: string | undefined; item: number };

test('finds exactly the intervals that hold a key, whatever was added and removed before', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const tree = new IntervalTree<number>();
      const naive = new Map<string, Interval>();
      for (const { kind, of } of actions) {
        const name = JSON.stringify([of.start, of.end ?? null, of.item]);
        if (kind === 'add') {
          tree.add(of.start, of.end, of.item);
          naive.set(name, of);
        } else {
          tree.remove(of.start, of.end, of.item);
          naive.delete(name);
        }
        for (const key of ['', 'a', 'aa', 'ab', 'b', 'bz', 'c', 'cb', 'd', 'e', '\xff\xff']) {
          const found: number[] = [];
          tree.visit(key, (item) => found.push(item));
          const expected = [...naive.values()].filter(
            ({ start, end }) => start <= key && (end === undefined || key < end),
          );
          expect(found.sort()).toEqual(expected.map(({ item }) => item).sort());
        }
      }
    }),
  );
});

test('looks at few of ten thousand intervals, in whatever order they were added', () => {
  const names = Array.from({ length: 10_000 }, (_, i) => i.toString().padStart(5, '0'));
  for (const order of [names, names.toReversed(), names.toSorted((a, b) => (a.slice(3) < b.slice(3) ? -1 : 1))]) {
    let compared = 0;
    // A string that counts how often it is looked at.
    const counted = (text: string) =>
      ({
        [Symbol.toPrimitive]: () => {
          compared++;
          return text;
        },
      }) as unknown as string;
    const tree = new IntervalTree<string>();
    for (const name of order) tree.add(name, `${name}~`, name);
    const found: string[] = [];
    tree.visit(counted('05000/x'), (item) => found.push(item));
    expect(found).toEqual(['05000']);
    expect(compared).toBeLessThan(200);
  }
});
