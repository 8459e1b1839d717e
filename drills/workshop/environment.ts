/** What scripts and learners find in their shell: the same for both, so that a solution is what a learner can type. */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '../../toolkit/hosts/atomic-file.ts';
import { quoteCommand } from '../../toolkit/hosts/ssh/command-line.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { projectRoot } from '../../toolkit/lab/project.ts';
import type { WorkshopPaths } from './paths.ts';

/** Functions for setup.sh and reset.sh, to be sourced. */
export const libraryFolder = path.join(import.meta.dirname, 'library');

/** Which lab `etcdlab` means without a word about it. */
export interface LabChoice {
  readonly stateDirectory: string;
  readonly name: string;
  /** lab.yaml, if there is one. */
  readonly file?: string | undefined;
}

/** @returns variables beside PATH; `WORKSHOP_DIR` is the learner's folder */
export function shellVariables(lab: Lab, { work }: WorkshopPaths, choice: LabChoice): Record<string, string> {
  return {
    ...lab.clientEnvironment(),
    ETCDLAB_STATE_DIR: choice.stateDirectory,
    ETCDLAB_NAME: choice.name,
    ...(choice.file !== undefined && { ETCDLAB_FILE: choice.file }),
    WORKSHOP_DIR: work,
  };
}

/** @returns the folders that come first in PATH: `etcdlab`, and the engine's etcdctl and etcdutl */
export function programFolders(lab: Lab, { programs }: WorkshopPaths): string[] {
  return [programs, path.dirname(lab.engine.etcdctl)];
}

/** Puts a program `etcdlab` where it is found, which runs this one: nothing has to be installed for that. */
export async function writeProgram({ programs }: WorkshopPaths): Promise<void> {
  const main = path.join(projectRoot, 'toolkit/main.ts');
  const script = `#!/bin/sh\nETCDLAB_COMMAND=etcdlab exec ${quoteCommand([process.execPath, main])} "$@"\n`;
  await mkdir(programs, { recursive: true, mode: 0o700 });
  await writeFileAtomically(path.join(programs, 'etcdlab'), script, 0o700);
  await chmod(programs, 0o700);
}
