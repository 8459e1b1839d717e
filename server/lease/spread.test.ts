import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spread } from './spread.ts';

describe('spreading times', () => {
  test('leaves at most so many in any second, delays only, and keeps the order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { maxLength: 100 }), fc.integer({ min: 1, max: 10 }), (times, perSecond) => {
        const before = Float64Array.from(times).sort();
        const after = Float64Array.from(before);
        spread(after, perSecond);
        after.forEach((time, i) => {
          expect(time).toBeGreaterThanOrEqual(before[i] as number);
          expect(time).toBeGreaterThanOrEqual(after[i - 1] ?? 0);
          expect([...after].filter((other) => other >= time && other < time + 1000).length).toBeLessThanOrEqual(
            perSecond,
          );
        });
      }),
    );
  });

  test('leaves alone what is far enough apart', () => {
    const times = Float64Array.of(0, 0, 1000, 1500, 2000);
    spread(times, 2);
    expect([...times]).toEqual([0, 0, 1000, 1500, 2000]);
  });
});
