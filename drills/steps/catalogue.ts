/** The steps that drill files can name. */
import { destroyAllMembers } from './destroy-all-members.ts';
import { restoreAllMembers } from './restore-all-members.ts';
import { startAllMembers } from './start-all-members.ts';
import type { Step } from './step.ts';
import { takeSnapshot } from './take-snapshot.ts';
import { writeAfterSnapshot } from './write-after-snapshot.ts';
import { writeDataset } from './write-dataset.ts';

const steps = [writeDataset, takeSnapshot, writeAfterSnapshot, destroyAllMembers, restoreAllMembers, startAllMembers];

/** Steps by name. Parameters are checked by the step's own schema before it runs. */
export const stepCatalogue: ReadonlyMap<string, Step> = new Map(steps.map((step) => [step.name, step as Step]));
