/** What an exercise needs that a lab or a machine may not have. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Exercise } from './exercise.ts';

/** @returns why it can never be done on such a lab, in words; undefined if it can */
export function misfit({ needs }: Exercise, lab: Lab): string | undefined {
  const { members, providers, why } = needs;
  const { provider } = lab.state;
  if (!providers.includes(provider)) {
    const reason = why === undefined ? '' : `: ${why}`;
    return `it works with provider ${providers.join(' or ')}, and this is ${provider}${reason}`;
  }
  if (lab.nodes.length < members) return `it needs ${members} members, and lab '${lab.name}' has ${lab.nodes.length}`;
  return undefined;
}

/** @returns what is missing, in words; undefined if nothing is */
export async function unmetNeed(exercise: Exercise, lab: Lab, searchPath: string): Promise<string | undefined> {
  const unfit = misfit(exercise, lab);
  if (unfit !== undefined) return unfit;
  for (const command of exercise.needs.commands) {
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
