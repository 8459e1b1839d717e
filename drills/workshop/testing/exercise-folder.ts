/** An exercise for one test: the template's, with some of its files changed. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../../toolkit/lab/project.ts';
import { scratchFolder } from '../../../toolkit/testing/scratch.ts';
import { type Exercise, readExercise } from '../exercise.ts';

/** @param changes text of a file by its name; undefined: the file is missing */
export async function exerciseWith(changes: Readonly<Record<string, string | undefined>> = {}): Promise<Exercise> {
  const folder = path.join(scratchFolder(), '01-try');
  cpSync(path.join(projectRoot, 'templates/exercise'), folder, { recursive: true });
  for (const [name, text] of Object.entries(changes)) {
    if (text === undefined) rmSync(path.join(folder, name));
    else writeFileSync(path.join(folder, name), text);
  }
  return readExercise(folder);
}
