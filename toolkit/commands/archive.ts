/** Archives for whoever helps, or asks for proof. */
import { chmod, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { LabError } from '../errors.ts';

/**
 * Packs a folder into a compressed tar file that its owner alone can read.
 *
 * @param parent of the folder
 * @param folder its name, which all that is in the archive begins with
 * @throws LabError LAB_SUPPORT when the file cannot be written
 */
export async function archive(parent: string, folder: string, file: string): Promise<void> {
  try {
    // Before anything is in it: nobody else may read it, also while it grows.
    await writeFile(file, '', { mode: 0o600 });
    await chmod(file, 0o600);
    await execa('tar', ['-C', parent, '-czf', file, folder]);
  } catch (cause) {
    throw new LabError('LAB_SUPPORT', `${file} cannot be written`, {
      advice: 'name another file with --output',
      cause,
    });
  }
}
