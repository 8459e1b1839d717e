/**
 * Work on several machines at the same time. When one of them fails, the others are brought to their end first: whoever
 * gives up before that lets them go on behind its back, without the lab's lock, on connections that nobody closes.
 */
import type { ListrTask } from 'listr2';

/** @returns the results, in order @throws what the first in the list that failed has thrown, once all have ended */
export async function allDone<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/** Of a list that is run concurrently. */
export type SideTask<Context> = Pick<ListrTask<Context>, 'task'> & { readonly title: string };

/** @returns the tasks, of which those that fail do so only when all have ended */
export function sideBySide<Context>(tasks: readonly SideTask<Context>[]): SideTask<Context>[] {
  const ends = tasks.map(() => Promise.withResolvers<void>());
  const everyEnd = Promise.all(ends.map(({ promise }) => promise));
  return tasks.map(({ title, task }, i) => ({
    title,
    task: async (context, wrapper) => {
      try {
        return await task(context, wrapper);
      } catch (error) {
        ends[i]?.resolve();
        await everyEnd;
        throw error;
      } finally {
        ends[i]?.resolve();
      }
    },
  }));
}
