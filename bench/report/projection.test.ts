import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitLine, project } from './projection.ts';
import type { FigureResult } from './statistics.ts';

describe('a line through points', () => {
  test('is found again, whatever points of it are given', () => {
    const small = fc.integer({ min: -1000, max: 1000 });
    const sizes = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(small, small, sizes, (atNone, forEach, of) => {
        const line = fitLine(of.map((size) => [size, atNone + forEach * size]));
        expect(line.forEach).toBeCloseTo(forEach, 3);
        expect(line.atNone).toBeCloseTo(atNone, 0);
      }),
    );
  });

  test('lies between points that are on none', () => {
    expect(
      fitLine([
        [0, 0],
        [1, 2],
        [2, 1],
      ]),
    ).toEqual({ atNone: 0.5, forEach: 0.5 });
  });

  test('is not drawn through one point', () => {
    expect(() =>
      fitLine([
        [1, 1],
        [1, 1],
      ]),
    ).toThrow(RangeError);
  });
});

describe('what is expected of a database of 8 GB', () => {
  const point = (of: string, at: number, ours: number, upstream: number): FigureResult => ({
    ...{ row: 'keys', figure: of, fullTitle: of, title: of, unit: '', better: 'lower' },
    ...{ ours: [ours], upstream: [upstream], growth: { of, with: 'keys', at } },
  });
  const figures = [
    ...[point('database', 0, 0, 0), point('database', 1000, 1, 2)],
    ...[point('memory of the largest member', 0, 100, 50), point('memory of the largest member', 1000, 101, 52)],
  ];

  test('is drawn on from what was measured', () => {
    expect(project(figures)).toEqual([
      { title: 'database of 8 GB: keys of 256 bytes', unit: '', ours: 8_000_000, upstream: 4_000_000 },
      { title: 'database of 8 GB: memory of a member', unit: 'MB', ours: 8100, upstream: 8050 },
    ]);
  });

  test('is not said where growth was not measured', () => {
    expect(project(figures.slice(1, 3))).toEqual([]);
  });
});
