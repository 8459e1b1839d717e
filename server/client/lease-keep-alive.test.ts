import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Code } from '../errors/etcd-error.ts';
import { LeaseKeepAliveResponse } from '../proto/gen/rpc.ts';
import { keepAlive } from './lease-keep-alive.ts';
import { RpcError } from './rpc-error.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const unavailable = (): Promise<never> => Promise.reject(new RpcError(Code.Unavailable, 'gone', { endpoint: 'e' }));

/** Keeps alive with answers in their order; a number is a time to live. */
function start(answers: (number | (() => Promise<never>))[]) {
  const askedAtMs: number[] = [];
  const renewed: number[] = [];
  const begin = performance.now();
  const end = (async () => {
    const renew = async (): Promise<LeaseKeepAliveResponse> => {
      askedAtMs.push(performance.now() - begin);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return typeof answer === 'number'
        ? LeaseKeepAliveResponse.create({ ID: 1n, TTL: answer })
        : (answer?.() as never);
    };
    for await (const { TTL } of keepAlive(renew)) renewed.push(TTL);
    return 'ended';
  })().catch((error: Error) => error.message);
  return { askedAtMs, renewed, end };
}

describe('keeping a lease alive', () => {
  test('renews it whenever a third of its time has passed, until it is gone', async () => {
    const { askedAtMs, renewed, end } = start([9, 9, 6, 0]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await end).toBe('ended');
    expect([askedAtMs, renewed]).toEqual([
      [0, 3000, 6000, 8000],
      [9, 9, 6],
    ]);
  });

  test('tries again after failures, until the lease must have expired', async () => {
    const { askedAtMs, renewed, end } = start([3, unavailable]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await end).toBe('ended');
    expect(askedAtMs).toEqual([0, 1000, 1500, 2000, 2500]);
    expect(renewed).toEqual([3]);
  });

  test('goes on when a failure has passed', async () => {
    const { renewed, end } = start([3, unavailable, 3, 0]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await end).toBe('ended');
    expect(renewed).toEqual([3, 3]);
  });

  test('ends with a refusal that will not pass', async () => {
    const { end } = start([3, () => Promise.reject(new RpcError(Code.PermissionDenied, 'no', { endpoint: 'e' }))]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await end).toBe('no');
  });
});
