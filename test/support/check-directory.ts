/** Whether a data directory is sound, after the process that used it has ended, in order or not. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { check } from '../../server/bolt/mod.ts';
import { Wal } from '../../server/wal/mod.ts';

/**
 * Checks the pages of the database and reads the log from its newest snapshot on. A stop at any moment leaves both
 * sound; what does not exist yet is no damage.
 *
 * @param walDir where the log is, if not in the data directory
 * @returns what is wrong, by file; empty when nothing is
 */
export async function damageIn(dataDir: string, walDir = path.join(dataDir, 'member/wal')): Promise<string[]> {
  return [...(await damageInDatabase(path.join(dataDir, 'member/snap/db'))), ...(await damageInLog(walDir))];
}

async function damageInDatabase(file: string): Promise<string[]> {
  if (!existsSync(file)) return [];
  const { errors } = await check(file);
  return errors.map((error) => `${file}: ${error}`);
}

async function damageInLog(directory: string): Promise<string[]> {
  if (!existsSync(directory) || !(await Wal.exists(directory))) return [];
  try {
    const [newest] = (await Wal.validSnapshots(directory)).sort((a, b) => b.index - a.index);
    await Wal.read(directory, { index: newest?.index ?? 0, term: newest?.term ?? 0 });
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}
