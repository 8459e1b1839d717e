/** What a check can see of the learner's folder, and of what the setup has written down. Reads only. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** An answer is a line; a member's log or a manifest is more. A snapshot is no text. */
const maxSizeBytes = 4 * 1024 * 1024;
const maxNames = 1000;

/** @param work the learner's folder @param notes the setup's */
export function fileObservations(work: string, notes: string) {
  return {
    /** @returns the text of a file in the learner's folder, without white space around it; undefined if it is not there */
    file: async (name: string): Promise<string | undefined> => (await readBounded(work, name))?.toString().trim(),
    /** @returns the names of all files in the learner's folder and those in it */
    files: async (): Promise<string[]> => {
      const entries = await readdir(work, { recursive: true }).catch(() => []);
      return entries.sort().slice(0, maxNames);
    },
    /** @returns what an observation was after setup, if exercise.yaml says that it is to be remembered */
    remembered: async (observation: string): Promise<unknown> => {
      const text = await readBounded(notes, rememberedFile(observation));
      if (text === undefined) throw new Error(`${observation} is not remembered: exercise.yaml does not say so`);
      return JSON.parse(text.toString());
    },
    /** @returns what the setup has written to `$WORKSHOP_NOTES/NAME` */
    note: async (name: string): Promise<string | undefined> => (await readBounded(notes, name))?.toString().trim(),
  };
}

/** @returns the name of the note that holds an observation */
export function rememberedFile(observation: string): string {
  return `remembered-${observation}.json`;
}

/** @throws Error if the name leads out of the folder, or the file is none or too large */
export async function readBounded(folder: string, name: string): Promise<Buffer | undefined> {
  const file = path.resolve(folder, name);
  if (!file.startsWith(`${folder}${path.sep}`)) throw new Error(`${name} is not in ${folder}`);
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new Error(`${name} is no file`);
  if (found.size > maxSizeBytes) throw new Error(`${name} has ${found.size} bytes, more than ${maxSizeBytes}`);
  return readFile(file);
}
