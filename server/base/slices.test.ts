import { describe, expect, test, vi } from 'vitest';
import { atOnce, inSlices, type Steps } from './slices.ts';

/** Counts to `end`; each step takes `stepMs` on the clock that `performance.now` then shows. */
function* count(end: number, onStep: (done: number) => void = () => {}): Steps<number> {
  for (let done = 1; done <= end; done++) {
    onStep(done);
    yield;
  }
  return end;
}

function clockOf(stepMs: number): (done: number) => void {
  let nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return () => {
    nowMs += stepMs;
  };
}

describe('a long computation', () => {
  test('run at once comes to its result before anything else happens', () => {
    expect(atOnce(count(1000))).toBe(1000);
  });

  test('run in slices lets others have their turn every few milliseconds', async () => {
    const step = clockOf(1);
    const turns: number[] = [];
    let done = 0;
    let isOver = false;
    const others = (): void => {
      turns.push(done);
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    const result = await inSlices(
      count(50, (now) => {
        done = now;
        step(now);
      }),
    );
    isOver = true;
    expect(result).toBe(50);
    const longest = Math.max(...turns.map((at, i) => at - (turns[i - 1] ?? 0)));
    expect(longest).toBe(5);
  });

  test('that is short has no pause', async () => {
    clockOf(0);
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    await inSlices(count(1000));
    expect(hadTurn).toBe(false);
  });

  test('ends with what it throws, or what is thrown after a pause, and cleans up', async () => {
    const step = clockOf(10);
    let cleaned = 0;
    function* failing(): Steps<void> {
      try {
        yield* count(3, step);
        throw new Error('damaged');
      } finally {
        cleaned++;
      }
    }
    await expect(inSlices(failing())).rejects.toThrow('damaged');
    const check = (): void => {
      throw new Error('closed');
    };
    await expect(inSlices(failing(), check)).rejects.toThrow('closed');
    expect(cleaned).toBe(2);
  });
});
