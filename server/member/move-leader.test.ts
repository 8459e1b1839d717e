import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ReconfigurationBench, timeoutMs } from './testing/reconfiguration-bench.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('moving the leader', () => {
  test('ends when the new one is known', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    let moved = false;
    const result = bench.reconfiguration.moveLeader(2n).then(() => {
      moved = true;
    });
    await vi.advanceTimersByTimeAsync(500);
    expect(bench.transfers).toEqual([2n]);
    expect(moved).toBe(false);
    bench.lead = 2n;
    await vi.advanceTimersByTimeAsync(100);
    await result;
  });

  test('is refused by a member that does not lead, and to a learner or a stranger', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    bench.add(4n, true);
    for (const target of [4n, 9n]) {
      await expect(bench.reconfiguration.moveLeader(target)).rejects.toThrow('etcdserver: bad leader transferee');
    }
    bench.lead = 2n;
    await expect(bench.reconfiguration.moveLeader(3n)).rejects.toThrow('etcdserver: not leader');
    expect(bench.transfers).toEqual([]);
  });

  test('gives up in time', async () => {
    const bench = new ReconfigurationBench().withMembers(1n, 2n, 3n);
    const late = expect(bench.reconfiguration.moveLeader(2n)).rejects.toMatchObject({
      ...{ code: 2, message: 'etcdserver: request timed out, leader transfer took too long' },
    });
    await vi.advanceTimersByTimeAsync(timeoutMs + 100);
    await late;
  });
});
