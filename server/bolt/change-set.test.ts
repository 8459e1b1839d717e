import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChangeSet, Slab } from './change-set.ts';
import { Entry } from './entry.ts';
import { bytes } from './testing/databases.ts';

function fill(set: ChangeSet, slab: Slab, keys: readonly number[]): void {
  for (const number of keys) {
    const key = bytes(String(number).padStart(6, '0'));
    const { bytes: memory, start } = slab.copy(key, bytes(`v${number}`));
    set.set(Entry.leaf(memory, start, key.length, 1 + String(number).length, 0));
  }
}

test('changes come back in key order, the last of each key, whatever order they were made in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3000), { maxLength: 3000, size: 'max' }), (numbers) => {
      const set = new ChangeSet();
      fill(set, new Slab(), numbers);
      const expected = [...new Set(numbers)].sort((a, b) => a - b);
      expect(set.sorted().map((entry) => Number(entry.key().toString()))).toEqual(expected);
      for (const number of expected.slice(0, 50)) {
        expect(
          set
            .get(bytes(String(number).padStart(6, '0')))
            ?.value()
            .toString(),
        ).toBe(`v${number}`);
      }
      expect(set.get(bytes('x'))).toBeUndefined();
      const place = set.seek(bytes('001500'));
      const rest: number[] = [];
      for (let entry = set.at(place); entry !== undefined; entry = set.at(place)) {
        rest.push(Number(entry.key().toString()));
        set.advance(place);
      }
      expect(rest).toEqual(expected.filter((number) => number >= 1500));
    }),
    { numRuns: 20 },
  );
});

test('what has been put stays as it was, however much is put behind it', () => {
  const slab = new Slab();
  const set = new ChangeSet();
  const value = Buffer.alloc(20_000, 'x');
  const key = bytes('a');
  const { bytes: memory, start } = slab.copy(key, value);
  set.set(Entry.leaf(memory, start, 1, value.length, 0));
  value.fill('y');
  fill(
    set,
    slab,
    Array.from({ length: 5000 }, (_, i) => i),
  );
  expect(
    set
      .get(key)
      ?.value()
      .every((byte) => byte === 0x78),
  ).toBe(true);
});
