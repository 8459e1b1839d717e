import { expect, test } from 'vitest';
import { OneAtATime } from './one-at-a-time.ts';

const refuse = (): Error => new Error('too many');

test('each begins when the one before it has ended, even if that one failed', async () => {
  const turns = new OneAtATime(5);
  const events: string[] = [];
  const work =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} ends`);
      if (fails) throw new Error(`${name} failed`);
      return name;
    };
  const first = turns.run(work('a', true), refuse);
  const second = turns.run(work('b'), refuse);
  await expect(first).rejects.toThrow('a failed');
  expect(await second).toBe('b');
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});

test('no more may wait than was said; there is room again when one has ended', async () => {
  const turns = new OneAtATime(2);
  let release: () => void = () => {};
  const running = turns.run(() => new Promise<void>((resolve) => (release = resolve)), refuse);
  const waiting = [turns.run(async () => 1, refuse), turns.run(async () => 2, refuse)];
  expect(turns.isFull).toBe(true);
  await expect(turns.run(async () => 3, refuse)).rejects.toThrow('too many');
  release();
  await running;
  expect(await Promise.all(waiting)).toEqual([1, 2]);
  expect(await turns.run(async () => 4, refuse)).toBe(4);
});
