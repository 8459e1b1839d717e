import { expect, test } from 'vitest';
import type { Observation, Reference } from './evidence.ts';
import { type WatchReading, watchReport } from './watches.ts';

const restored = { outcome: 'restored', revision: 9, lastRevision: 12 } as Reference;
const waits: WatchReading = { cancelled: false, atRevision: 9 };
const cancelled: WatchReading = { cancelled: true, compactRevision: 1009 };
const seen = (...watches: Observation['watch'][]) => watches.map((watch) => ({ watch }) as Observation);

test('a watch that is not cancelled misses the revisions that are given out a second time, which are named', () => {
  const missed = { from: 10, to: 12 };
  expect(watchReport(restored, seen(waits, waits))).toEqual({ heldRevision: 12, outcome: 'misses', missed });
});

test('it misses none when nothing was lost', () => {
  const report = watchReport({ ...restored, lastRevision: 9 }, seen(waits));
  expect(report).toEqual({ heldRevision: 9, outcome: 'misses' });
});

test('it is safe only if every member cancels it', () => {
  expect(watchReport(restored, seen(cancelled, cancelled))?.outcome).toBe('cancelled');
  expect(watchReport(restored, seen(cancelled, waits))?.outcome).toBe('unknown');
  expect(watchReport(restored, seen(cancelled, { failure: 'silence' }))?.outcome).toBe('unknown');
});

test('a cluster that was kept gives out no revision twice', () => {
  expect(watchReport({ ...restored, outcome: 'kept' }, seen(waits))).toBeUndefined();
});
