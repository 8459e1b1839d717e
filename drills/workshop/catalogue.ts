/** The exercises there are: those that come with the program, and those of a trainer's own folder. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import { type Exercise, parseFolderName, readExercise } from './exercise.ts';

export const builtInExercises = path.join(import.meta.dirname, '../exercises');

/**
 * @param folder exercises of one's own, which follow those that come with the program
 * @returns them in the order of the syllabus
 * @throws LabError LAB_EXERCISE_FILE if one cannot be read, or two have the same id
 */
export async function listExercises(folder?: string): Promise<Exercise[]> {
  const exercises = await readFolder(builtInExercises);
  if (folder !== undefined) exercises.push(...(await readFolder(folder)));
  const seen = new Map<string, Exercise>();
  for (const exercise of exercises) {
    const first = seen.get(exercise.id);
    if (first !== undefined) {
      throw new LabError('LAB_EXERCISE_FILE', `${exercise.folder}: ${first.folder} has the same name`);
    }
    seen.set(exercise.id, exercise);
  }
  return exercises;
}

async function readFolder(folder: string): Promise<Exercise[]> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new LabError('LAB_EXERCISE_FILE', `${folder}, a folder of exercises, cannot be read: ${cause.message}`, {
      advice: 'etcdlab workshop new NAME --exercises FOLDER makes the first one',
    });
  });
  const exercises = await Promise.all(
    names.filter((name) => parseFolderName(name) !== undefined).map((name) => readExercise(path.join(folder, name))),
  );
  return exercises.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/** @param name an id, a folder's name, or a number @throws LabError LAB_EXERCISE_UNKNOWN */
export function findExercise(exercises: readonly Exercise[], name: string): Exercise {
  const found = exercises.filter(
    ({ id, order, folder }) =>
      id === name || path.basename(folder) === name || String(order) === name.replace(/^0+/, ''),
  );
  const [exercise] = found;
  if (exercise !== undefined && found.length === 1) return exercise;
  throw new LabError(
    'LAB_EXERCISE_UNKNOWN',
    exercise === undefined
      ? `there is no exercise '${name}'`
      : `there are ${found.length} exercises of number ${name}: ${found.map(({ id }) => id).join(', ')}`,
    { advice: 'etcdlab workshop list' },
  );
}
