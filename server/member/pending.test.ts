import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppliedIndexWaiters, PendingRequests } from './pending.ts';

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

describe('a request that is under way', () => {
  const late = () => new Error('too late');

  test('ends with what it is settled with, once', async () => {
    const pending = new PendingRequests<string>();
    const first = pending.wait(1n, 1000, late);
    pending.settle(1n, 'done');
    pending.settle(1n, 'again');
    pending.fail(1n, new Error('failed'));
    expect(await first).toBe('done');
    expect(pending.size).toBe(0);
  });

  test.each([{ times: [1000, 3000, 2000] }, { times: [3000, 1000, 2000] }])(
    'ends at its own deadline, whichever began first: $times ms',
    async ({ times }) => {
      const pending = new PendingRequests<string>();
      const ended: number[] = [];
      for (const [id, timeMs] of times.entries()) {
        pending.wait(BigInt(id), timeMs, late).catch((error: Error) => {
          expect(error.message).toBe('too late');
          ended.push(timeMs);
        });
      }
      for (const expected of [[1000], [1000, 2000], [1000, 2000, 3000]]) {
        await vi.advanceTimersByTimeAsync(1000);
        expect(ended).toEqual(expected);
      }
      expect([pending.size, vi.getTimerCount()]).toEqual([0, 0]);
    },
  );

  test('has its deadline although all before it were settled', async () => {
    const pending = new PendingRequests<string>();
    const first = pending.wait(1n, 1000, late);
    await vi.advanceTimersByTimeAsync(600);
    pending.settle(1n, 'done');
    const second = expect(pending.wait(2n, 1000, late)).rejects.toThrow('too late');
    await vi.advanceTimersByTimeAsync(999);
    expect(pending.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await second;
    expect(await first).toBe('done');
  });

  test('fails with all others when the member stops, and leaves no timer behind', async () => {
    const pending = new PendingRequests<string>();
    const outcomes = [1n, 2n].map((id) => expect(pending.wait(id, 1000, late)).rejects.toThrow('stopped'));
    pending.failAll(new Error('stopped'));
    await Promise.all(outcomes);
    expect([pending.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});
