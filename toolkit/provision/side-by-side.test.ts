import { Listr } from 'listr2';
import { describe, expect, it } from 'vitest';
import { allDone, sideBySide } from './side-by-side.ts';

describe('work side by side', () => {
  it('gives the results in order', async () => {
    expect(await allDone([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
  });

  it('fails only when all of it has ended', async () => {
    const slow = Promise.withResolvers<void>();
    const work = allDone([Promise.reject(new Error('first')), slow.promise]);
    const seen: string[] = [];
    const watched = work.catch((error: Error) => seen.push(error.message));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([]);
    slow.resolve();
    await watched;
    expect(seen).toEqual(['first']);
  });

  it('lets every task of a list end before the list fails', async () => {
    const slow = Promise.withResolvers<void>();
    const seen: string[] = [];
    const tasks = sideBySide<object>([
      {
        title: 'fails',
        task: () => {
          throw new Error('at once');
        },
      },
      { title: 'goes on', task: () => slow.promise.then(() => void seen.push('ended')) },
      { title: 'is done', task: () => void seen.push('done') },
    ]);
    const list = new Listr<object, 'silent'>(tasks, { concurrent: true, renderer: 'silent' });
    const run = list.run().catch((error: Error) => seen.push(error.message));
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['done']);
    slow.resolve();
    await run;
    expect(seen).toEqual(['done', 'ended', 'at once']);
  });
});
