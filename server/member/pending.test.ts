import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppliedIndexWaiters } from './pending.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('waiting for an index to be applied', () => {
  test('ends when it is, at once if it was before', async () => {
    const applied = new AppliedIndexWaiters(5);
    await applied.wait(5, 1000);
    const waits = [applied.wait(6, 1000), applied.wait(7, 1000)];
    applied.advance(7);
    await Promise.all(waits);
    expect([applied.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('ends at its deadline, and leaves nothing behind', async () => {
    const applied = new AppliedIndexWaiters(5);
    const late = expect(applied.wait(9, 1000)).rejects.toThrow(
      'etcdserver: request timed out, waiting for the applied index took too long',
    );
    await vi.advanceTimersByTimeAsync(1000);
    await late;
    expect(applied.size).toBe(0);
  });

  test('ends when the member stops, and does not begin after', async () => {
    const applied = new AppliedIndexWaiters(5);
    const waiting = expect(applied.wait(9, 1000)).rejects.toThrow('etcdserver: server stopped');
    applied.stop();
    await waiting;
    await expect(applied.wait(1, 1000)).rejects.toThrow('etcdserver: server stopped');
    expect([applied.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
