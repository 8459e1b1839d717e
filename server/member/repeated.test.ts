import { expect, test } from 'vitest';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { Repeated } from './repeated.ts';

test('work that takes longer than the interval is not begun again before it has ended', async () => {
  const clock = new ManualClock();
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => ends.push(resolve));
  new Repeated(clock, 10, work, () => {}).start();
  await clock.advance(100);
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await clock.advance(0);
  await clock.advance(9);
  expect(ends).toHaveLength(1);
  await clock.advance(1);
  expect(ends).toHaveLength(2);
});

test('a failure is told, and does not end it', async () => {
  const clock = new ManualClock();
  const failures: string[] = [];
  let times = 0;
  const work = async () => {
    throw new Error(`failure ${++times}`);
  };
  new Repeated(clock, 10, work, ({ message }) => failures.push(message)).start();
  await clock.advance(25);
  expect(failures).toEqual(['failure 1', 'failure 2']);
});

test('what is under way when it is stopped may fail unheard, and is the last', async () => {
  const clock = new ManualClock();
  const failures: string[] = [];
  let fail = (_error: Error): void => {};
  const work = () =>
    new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
  const repeated = new Repeated(clock, 10, work, ({ message }) => failures.push(message));
  repeated.start();
  await clock.advance(10);
  repeated.stop();
  fail(new Error('stopped'));
  await clock.advance(100);
  expect([failures, clock.pending]).toEqual([[], 0]);
});
