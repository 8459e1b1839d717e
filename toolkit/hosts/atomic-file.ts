/** Files that are, at any time and after any crash, either the old or the new one. */
import { renameSync } from 'node:fs';
import { copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

let serial = 0;

/** Beside the target, since rename works only within one file system; unique among processes and calls. */
function temporaryName(path: string): string {
  serial += 1;
  return `${path}.${process.pid}-${serial}.tmp`;
}

/** Makes names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
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
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = await stage(path, mode, fill);
  try {
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** @returns the name under which the content lies beside its target, durably; nothing lies there if that fails */
async function stage(path: string, mode: number, fill: (temporary: string) => Promise<FileHandle>): Promise<string> {
  const temporary = temporaryName(path);
  try {
    const handle = await fill(temporary);
    try {
      // The mode given to open is cut by the umask.
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeNew(temporary: string, content: string | Uint8Array, mode: number): Promise<FileHandle> {
  const handle = await open(temporary, 'wx', mode);
  try {
    await handle.writeFile(content);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** @param mode permission bits of the file; missing parent directories are made with 0700 */
export async function writeFileAtomically(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  await replace(path, mode, (temporary) => writeNew(temporary, content, mode));
}

export interface FileToWrite {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** Writes files, all of which are durable under other names before the first takes its own; for the rest as above. */
export async function writeFilesTogether(files: readonly FileToWrite[]): Promise<void> {
  const staged: string[] = [];
  try {
    for (const { path, content, mode } of files) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      staged.push(await stage(path, mode, (temporary) => writeNew(temporary, content, mode)));
    }
    // In one turn: nobody waits for anything between two names.
    files.forEach(({ path }, i) => {
      renameSync(staged[i] as string, path);
    });
    for (const directory of new Set(files.map(({ path }) => dirname(path)))) await syncDirectory(directory);
  } finally {
    await Promise.all(staged.map((temporary) => rm(temporary, { force: true })));
  }
}

/** As `writeFileAtomically`, with the content of another file of any size. */
export async function copyFileAtomically(from: string, path: string, mode: number): Promise<void> {
  await replace(path, mode, async (temporary) => {
    await copyFile(from, temporary);
    return open(temporary, 'r+');
  });
}
