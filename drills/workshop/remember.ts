/** Keeps observations as they are after setup, for the check to compare with. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Observations } from './check/checker.ts';
import type { Exercise } from './exercise.ts';
import { rememberedFile } from './observer/files.ts';
import { openObserver } from './observer/mod.ts';
import type { WorkshopPaths } from './paths.ts';

/** @throws LabError LAB_EXERCISE_FILE if exercise.yaml names an observation that there is not */
export async function rememberObservations(
  lab: Lab,
  paths: WorkshopPaths,
  { remember, folder }: Exercise,
): Promise<void> {
  if (remember.length === 0) return;
  const { observations, close } = openObserver(lab, paths);
  try {
    for (const name of remember) {
      const observation = Object.hasOwn(observations, name) ? (observations as Observations)[name] : undefined;
      if (observation === undefined) {
        throw new LabError('LAB_EXERCISE_FILE', `${folder}/exercise.yaml: there is no observation '${name}'`);
      }
      // What is undefined, such as the leader where there is none, is null in JSON.
      const text = JSON.stringify((await observation()) ?? null);
      await writeFile(path.join(paths.notes, rememberedFile(name)), text, { mode: 0o600 });
    }
  } finally {
    close();
  }
}
