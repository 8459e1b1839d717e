import { expect, test } from 'vitest';
import { perfVerdict } from './perf-verdict.ts';

const none = new Map<string, number>();
const even = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

test('what is fast, steady and even passes', () => {
  expect(perfVerdict({ latenciesMs: even(9000, 2), tookMs: 60_000, errors: none }, 150)).toEqual({
    passed: true,
    lines: [
      'PASS: Throughput is 151 writes/s',
      'PASS: Slowest request took 0.002000s',
      'PASS: Stddev is 0.000000s',
      'PASS',
    ],
  });
});

test('nine tenths of the rate are too little, and a little more is enough', () => {
  const at = (count: number) => perfVerdict({ latenciesMs: even(count, 2), tookMs: 60_000, errors: none }, 150);
  expect(at(8100).lines[0]).toBe('FAIL: Throughput too low: 136 writes/s');
  expect(at(8100).passed).toBe(false);
  expect(at(8101).passed).toBe(true);
});

test('one slow request fails it, and so do uneven ones', () => {
  const slow = perfVerdict({ latenciesMs: [...even(9000, 2), 501], tookMs: 60_000, errors: none }, 150);
  expect(slow.lines.slice(1)).toEqual([
    'Slowest request took too long: 0.501000s',
    expect.stringMatching(/^PASS: Stddev is 0\.005/),
    'FAIL',
  ]);
  const uneven = perfVerdict({ latenciesMs: [...even(100, 1), ...even(100, 301)], tookMs: 1000, errors: none }, 150);
  expect(uneven.lines.slice(2)).toEqual(['Stddev too high: 0.150000s', 'FAIL']);
});

test('errors are counted by kind; nothing at all is a failure, not a division by zero', () => {
  const errors = new Map([['etcdserver: mvcc: database space exceeded', 3]]);
  expect(perfVerdict({ latenciesMs: even(9000, 2), tookMs: 60_000, errors }, 150)).toMatchObject({
    passed: false,
    lines: expect.arrayContaining([
      'FAIL: too many errors',
      'FAIL: ERROR(etcdserver: mvcc: database space exceeded) -> 3',
    ]) as string[],
  });
  expect(perfVerdict({ latenciesMs: [], tookMs: 0, errors: none }, 150).lines[0]).toBe(
    'FAIL: Throughput too low: 1 writes/s',
  );
});
