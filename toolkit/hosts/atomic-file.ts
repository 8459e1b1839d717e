/** Files that are, at any time and after any crash, either the old or the new one. */
import { copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

let serial = 0;

/** Beside the target, since rename works only within one file system; unique among processes and calls. */
function temporaryName(path: string): string {
  serial += 1;
  return `${path}.${process.pid}-${serial}.tmp`;
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames and makes the new name durable. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

async function replace(path: string, mode: number, fill: (temporary: string) => Promise<FileHandle>): Promise<void> {
  const temporary = temporaryName(path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const handle = await fill(temporary);
    try {
      // The mode given to open is cut by the umask.
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** @param mode permission bits of the file; missing parent directories are made with 0700 */
export async function writeFileAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await replace(path, mode, async (temporary) => {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

/** As `writeFileAtomically`, with the content of another file of any size. */
export async function copyFileAtomically(from: string, path: string, mode: number): Promise<void> {
  await replace(path, mode, async (temporary) => {
    await copyFile(from, temporary);
    return open(temporary, 'r+');
  });
}
