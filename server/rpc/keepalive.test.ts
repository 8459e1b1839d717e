import { describe, expect, test } from 'vitest';
import { PingPolicy } from './keepalive.ts';

const pings = (policy: PingPolicy, timesMs: number[], hasStreams: boolean): boolean[] =>
  timesMs.map((time) => policy.ping(time, hasStreams));

describe('a client that pings', () => {
  test('as often as it may stays', () => {
    expect(pings(new PingPolicy(5000), [0, 5000, 10_000, 15_000, 20_000], true)).not.toContain(true);
  });

  test('more often is sent away after two strikes', () => {
    expect(pings(new PingPolicy(5000), [0, 10, 20, 30], true)).toEqual([false, false, false, true]);
  });

  test('without a call open may do so every two hours', () => {
    const twoHoursMs = 7_200_000;
    expect(pings(new PingPolicy(5000), [0, twoHoursMs, 2 * twoHoursMs], false)).not.toContain(true);
    expect(pings(new PingPolicy(5000), [0, 10_000, 20_000, 30_000], false)).toEqual([false, false, false, true]);
  });

  test('is forgiven everything by an answer', () => {
    const policy = new PingPolicy(5000);
    expect(pings(policy, [0, 10, 20], true)).not.toContain(true);
    policy.answered();
    expect(pings(policy, [30, 40, 50], true)).not.toContain(true);
    expect(policy.ping(60, true)).toBe(true);
  });
});
