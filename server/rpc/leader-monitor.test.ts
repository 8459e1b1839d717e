import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LeaderMonitor } from './leader-monitor.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a stream that asked for a leader', () => {
  test('is cut after three election timeouts without one', () => {
    const cut = vi.fn();
    new LeaderMonitor(() => false, 1000).watch(cut);
    vi.advanceTimersByTime(2999);
    expect(cut).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(cut).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('stays when a leader comes back in between', () => {
    let leader = false;
    const cut = vi.fn();
    new LeaderMonitor(() => leader, 1000).watch(cut);
    for (const has of [false, false, true, false, false, true]) {
      leader = has;
      vi.advanceTimersByTime(1000);
    }
    expect(cut).not.toHaveBeenCalled();
  });

  test('is forgotten when it ends', () => {
    const cut = vi.fn();
    const unwatch = new LeaderMonitor(() => false, 1000).watch(cut);
    unwatch();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(9000);
    expect(cut).not.toHaveBeenCalled();
  });
});
