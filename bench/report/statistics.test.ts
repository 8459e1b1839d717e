import { describe, expect, test } from 'vitest';
import { type FigureResult, isNearCeiling, meetsTarget, ratioOf, spreadOf } from './statistics.ts';

const result: FigureResult = {
  ...{ row: 'put-1', figure: 'perSecond', fullTitle: 'put: throughput', title: 'throughput', unit: '/s' },
  ...{ better: 'higher', target: 1.5, ours: [300, 100, 200], upstream: [100, 100, 100] },
};

test('the spread of an odd and of an even number of rounds', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(spreadOf([]).median).toBeNaN();
});

test('the ratio is taken within each round, so that a busy moment counts for both', () => {
  expect(ratioOf({ ...result, ours: [200, 20, 100], upstream: [100, 10, 100] })).toEqual({ median: 2, min: 1, max: 2 });
});

test('a round that only one engine has finished counts for nothing', () => {
  expect(ratioOf({ ...result, ours: [200, 100], upstream: [100] })).toEqual({ median: 2, min: 2, max: 2 });
});

describe('targets', () => {
  test('more is better: at least', () => {
    expect(meetsTarget(result)).toBe(true);
    expect(meetsTarget({ ...result, target: 2.1 })).toBe(false);
  });

  test('less is better: at most', () => {
    expect(meetsTarget({ ...result, better: 'lower', target: 2 })).toBe(true);
    expect(meetsTarget({ ...result, better: 'lower', target: 1.9 })).toBe(false);
  });

  test('nothing is met where nothing was measured', () => {
    expect(meetsTarget({ ...result, upstream: [] })).toBeUndefined();
  });
});

test('a rate near that of the null server is suspected to be the generator’s', () => {
  expect(isNearCeiling({ ...result, ceiling: 280 })).toBe(true);
  expect(isNearCeiling({ ...result, ceiling: 300 })).toBe(false);
  expect(isNearCeiling(result)).toBe(false);
});
