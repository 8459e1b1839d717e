import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppliedIndexWaiters } from './pending.ts';
import { ReadIndex } from './read-index.ts';

describe('ReadIndex', () => {
  let asked: Uint8Array[];
  let applied: AppliedIndexWaiters;
  let reads: ReadIndex;
  let failed: number;
  let slow: number;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    failed = 0;
    slow = 0;
    applied = new AppliedIndexWaiters(10);
    let id = 0n;
    reads = new ReadIndex({
      nextId: () => ++id,
      request: (context) => asked.push(context),
      wake: () => setImmediate(() => reads.begin()),
      applied,
      timeoutMs: 7000,
      retryMs: 500,
      onFailed: () => failed++,
      onSlow: () => slow++,
    });
  });
  afterEach(() => {
    reads.stop();
    vi.useRealTimers();
  });

  const turn = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);
  const state = async (read: Promise<void>): Promise<string> =>
    Promise.race([
      read.then(
        () => 'done',
        (error: Error) => error.message,
      ),
      turn().then(() => 'waiting'),
    ]);

  test('reads of one turn share one round', async () => {
    const all = [reads.wait(), reads.wait(), reads.wait()];
    await turn();
    expect(asked).toHaveLength(1);
    reads.answer(asked[0] as Uint8Array, 10);
    await Promise.all(all);
  });

  test('a read that comes during a round waits for the next, since the round may have begun before the write it must see', async () => {
    const first = reads.wait();
    await turn();
    const second = reads.wait();
    reads.answer(asked[0] as Uint8Array, 10);
    await first;
    expect(await state(second)).toBe('waiting');
    await turn();
    expect(asked).toHaveLength(2);
    reads.answer(asked[1] as Uint8Array, 10);
    await second;
  });

  test('an answer counts only once the state machine has applied its index', async () => {
    const read = reads.wait();
    await turn();
    reads.answer(asked[0] as Uint8Array, 12);
    applied.advance(11);
    expect(await state(read)).toBe('waiting');
    applied.advance(12);
    await read;
  });

  test('the answer to another question is no answer', async () => {
    const read = reads.wait();
    await turn();
    reads.answer(Buffer.alloc(8, 0xff), 10);
    reads.answer(Buffer.alloc(3), 10);
    expect(await state(read)).toBe('waiting');
  });

  test('a lost question is asked again with the same context', async () => {
    const read = reads.wait();
    await turn();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(3);
    expect(asked[2]).toEqual(asked[0]);
    expect(slow).toBe(1);
    reads.answer(asked[0] as Uint8Array, 10);
    await read;
  });

  test('a change of leader fails the round: the old leader’s answer would prove nothing', async () => {
    const read = reads.wait();
    await turn();
    reads.leaderChanged();
    await expect(read).rejects.toThrow('etcdserver: leader changed');
  });

  test('an answer whose index is never applied times out, in the time of the whole round', async () => {
    const read = reads.wait();
    const outcome = expect(read).rejects.toThrow('waiting for the applied index took too long');
    await turn();
    await vi.advanceTimersByTimeAsync(3000);
    reads.answer(asked[0] as Uint8Array, 12);
    await vi.advanceTimersByTimeAsync(3999);
    expect(applied.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    expect(applied.size).toBe(0);
    expect(failed).toBe(1);
  });

  test('without an answer it times out', async () => {
    const read = reads.wait();
    const outcome = expect(read).rejects.toThrow('etcdserver: request timed out');
    await vi.advanceTimersByTimeAsync(7001);
    await outcome;
    expect(failed).toBe(1);
  });

  test('no more than so many reads wait for a round', async () => {
    const first = expect(reads.wait()).rejects.toThrow('server stopped');
    await turn();
    const waiting = Array.from({ length: 50_000 }, () => reads.wait().catch(() => undefined));
    await expect(reads.wait()).rejects.toThrow('etcdserver: too many requests');
    reads.stop();
    await Promise.all([first, ...waiting]);
  });

  test('stopping fails reads that wait, and those that come later', async () => {
    const read = reads.wait();
    await turn();
    const queued = reads.wait();
    reads.stop();
    await expect(read).rejects.toThrow('etcdserver: server stopped');
    await expect(queued).rejects.toThrow('etcdserver: server stopped');
    await expect(reads.wait()).rejects.toThrow('etcdserver: server stopped');
  });
});
