import { describe, expect, test } from 'vitest';
import { until, within } from './deadline.ts';

describe('within', () => {
  test('gives what was waited for', async () => {
    expect(await within(10_000, 'an answer', Promise.resolve(7))).toBe(7);
  });

  test('names what has not come', async () => {
    await expect(within(1, 'an answer', new Promise(() => {}))).rejects.toThrow('an answer: not within 0.001 s');
  });
});

describe('until', () => {
  test('tries until it works', async () => {
    let tries = 0;
    const attempt = async (): Promise<number> => {
      tries++;
      if (tries < 3) throw new Error('not yet');
      return tries;
    };
    expect(await until(10_000, 'a member', attempt)).toBe(3);
  });

  test('says why the last try failed', async () => {
    const attempt = (): Promise<never> => Promise.reject(new Error('connection refused'));
    await expect(until(1, 'a member', attempt)).rejects.toThrow('a member: connection refused');
  });
});
