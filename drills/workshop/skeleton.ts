/** A new exercise: one that works, to be changed step by step. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import { projectRoot } from '../../toolkit/lab/project.ts';
import { parseFolderName } from './exercise.ts';

const template = path.join(projectRoot, 'templates/exercise');

/**
 * Makes the folder of an exercise, which follows those that are in `exercises` already: all of it, or nothing.
 *
 * @param exercises made if it is not there
 * @param id such as `watch-a-prefix`
 * @returns the new folder
 * @throws LabError LAB_USAGE if the id is none, or is taken
 */
export async function makeExercise(exercises: string, id: string): Promise<string> {
  if (parseFolderName(`00-${id}`) === undefined) {
    throw new LabError('LAB_USAGE', `an exercise is named with lower-case words and hyphens, not '${id}'`);
  }
  await mkdir(exercises, { recursive: true });
  const names = (await readdir(exercises)).flatMap((name) => parseFolderName(name) ?? []);
  if (names.some((name) => name.id === id)) {
    throw new LabError('LAB_USAGE', `there is an exercise '${id}' in ${exercises} already`);
  }
  const order = Math.max(0, ...names.map((name) => name.order)) + 1;
  const folder = path.join(exercises, `${String(order).padStart(2, '0')}-${id}`);
  const partial = path.join(exercises, `.partial-${id}`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  for (const name of await readdir(template)) {
    const text = await readFile(path.join(template, name), 'utf8');
    await writeFile(path.join(partial, name), text.replaceAll('NAME', id));
  }
  await rename(partial, folder);
  return folder;
}
