/** Work on several hosts at once. */

/**
 * Waits until all have ended, and only then throws: what is undone after an error must not meet work that is still
 * going on.
 *
 * @throws what the first of them threw
 */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
