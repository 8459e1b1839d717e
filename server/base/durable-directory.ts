/** Directories whose names survive a power failure. */
import path from 'node:path';
import type { FileSystem } from './file-system.ts';

/**
 * Creates the directory and its missing parents, and makes the names of all of them durable: a file that is synced in a
 * directory whose own name is lost is lost with it.
 *
 * The names of directories that were there already are synced, too, since an earlier call may have ended before it
 * came to that; but they need not be ours, so the first that cannot be synced ends it without an error.
 *
 * @param directory absolute, or relative to the working directory
 */
export async function makeDurableDirectory(fs: FileSystem, directory: string): Promise<void> {
  const target = path.resolve(directory);
  let oldest = target;
  while (!(await fs.exists(oldest)) && oldest !== path.dirname(oldest)) oldest = path.dirname(oldest);
  await fs.makeDirectory(target);
  let isOurs = true;
  for (let at = target; at !== path.dirname(at); at = path.dirname(at)) {
    isOurs &&= at !== oldest;
    try {
      await fs.syncDirectory(path.dirname(at));
    } catch (error) {
      if (isOurs) throw error;
      return;
    }
  }
}
