/** What an exercise needs that a lab or a machine may not have. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Exercise } from './exercise.ts';

/** @returns what is missing, in words; undefined if nothing is */
export async function unmetNeed({ needs }: Exercise, lab: Lab, searchPath: string): Promise<string | undefined> {
  const { members, providers, commands } = needs;
  const { provider } = lab.state;
  if (!providers.includes(provider)) return `it works with provider ${providers.join(' or ')}, and this is ${provider}`;
  if (lab.nodes.length < members) return `it needs ${members} members, and lab '${lab.name}' has ${lab.nodes.length}`;
  for (const command of commands) {
    if (!(await isProgram(command, searchPath))) return `it needs the program ${command}, which is not there`;
  }
  return undefined;
}

/** @throws LabError LAB_PREFLIGHT */
export async function requireNeeds(exercise: Exercise, lab: Lab, searchPath: string): Promise<void> {
  const unmet = await unmetNeed(exercise, lab, searchPath);
  if (unmet !== undefined)
    throw new LabError('LAB_PREFLIGHT', `exercise '${exercise.id}' cannot be done here: ${unmet}`);
}

async function isProgram(name: string, searchPath: string): Promise<boolean> {
  for (const folder of searchPath.split(path.delimiter).filter((folder) => folder !== '')) {
    const isThere = await access(path.join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}
