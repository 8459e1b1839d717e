/** From a drill file to steps with checked parameters: everything that can be wrong in a file is found before it runs. */
import type { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import { describeIssue, unfoldIssue } from '../../toolkit/lab/yaml-issues.ts';
import { stepCatalogue } from '../steps/catalogue.ts';
import type { Step } from '../steps/step.ts';
import type { Outcome } from '../verification/evidence.ts';
import type { DrillContext, Findings } from './context.ts';
import { type DrillDefinition, describedPhases, type StepReference } from './definition.ts';
import type { Phase } from './events.ts';

export interface PlannedStep {
  phase: Phase;
  step: Step;
  parameters: unknown;
}

/** Parameters by step name. */
export type StepParameters = Readonly<Record<string, Record<string, unknown>>>;

export interface PlanOptions {
  /** Parameters that win over the file's, for one run. */
  overrides?: StepParameters | undefined;
  /** The steps that a file may name. Default: those of the catalogue. */
  steps?: ReadonlyMap<string, Step> | undefined;
}

/** Without these there is nothing to compare, or nothing that was recovered. */
const neededToVerify: Readonly<Record<Outcome, readonly (keyof Findings)[]>> = {
  restored: ['reference', 'loss', 'restoredFrom', 'recovery'],
  rescued: ['reference', 'restoredFrom', 'recovery'],
  kept: ['reference', 'recovery'],
};

/**
 * @throws LabError LAB_DRILL_FILE, with file, line and column, for an unknown step, a parameter that it does not take,
 *   a step before those it builds on, and a drill that could prove nothing; LAB_USAGE for an override that does not fit
 */
export function planDrill(drill: DrillDefinition, options: PlanOptions = {}): PlannedStep[] {
  const { overrides = {}, steps = stepCatalogue } = options;
  const plan: PlannedStep[] = [];
  const known = new Set<keyof Findings>();
  for (const phase of describedPhases) {
    for (const reference of drill[phase]) {
      const step = findStep(reference, phase, steps);
      const missing = step.needs.find((each) => !known.has(each));
      if (missing !== undefined) {
        throw drillFileError(reference, `${step.name} must come after ${makersOf(missing, steps)}`);
      }
      for (const made of step.makes) known.add(made);
      plan.push({ phase, step, parameters: parametersOf(step, reference, overrides[step.name]) });
    }
  }
  const outcome = plan.findLast(({ step }) => step.outcome !== undefined)?.step.outcome ?? 'restored';
  const unproved = neededToVerify[outcome].find((each) => !known.has(each));
  if (unproved !== undefined) {
    throw drillFileError(drill.recover.at(-1), `the drill proves nothing without ${makersOf(unproved, steps)}`);
  }
  const unused = Object.keys(overrides).find((name) => plan.every(({ step }) => step.name !== name));
  if (unused !== undefined) throw new LabError('LAB_USAGE', `drill ${drill.name} has no step ${unused} to be changed`);
  return plan;
}

/** @returns why the drill cannot be carried out on this lab, or undefined: asked before anything is done */
export function unmetNeed(
  plan: readonly PlannedStep[],
  context: Pick<DrillContext, 'lab' | 'otherEngine'>,
): string | undefined {
  for (const { step, parameters } of plan) {
    const reason = step.unmet?.(parameters, context);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function findStep(reference: StepReference, phase: Phase, steps: ReadonlyMap<string, Step>): Step {
  const step = steps.get(reference.name);
  if (step !== undefined) return step;
  throw drillFileError(reference, `${phase} names an unknown step, ${reference.name}`, {
    advice: `steps: ${[...steps.keys()].join(', ')}`,
  });
}

/** The file's own parameters first: what is wrong with them is not the fault of whoever overrides others. */
function parametersOf(step: Step, reference: StepReference, override: Record<string, unknown> | undefined): unknown {
  const own = step.parameters.safeParse(reference.parameters);
  if (!own.success) throw drillFileError(reference, `${step.name}: ${describe(own.error)}`);
  if (override === undefined) return own.data;
  const merged = step.parameters.safeParse({ ...reference.parameters, ...override });
  if (!merged.success) throw new LabError('LAB_USAGE', `${step.name}: ${describe(merged.error)}`);
  return merged.data;
}

function describe({ issues }: z.ZodError): string {
  return issues.flatMap(unfoldIssue).map(describeParameter).join('; ');
}

/** zod's own words for a limit name types; whoever types a number wants to know which ones are taken. */
function describeParameter(issue: z.core.$ZodIssue): string {
  const name = issue.path.join('.');
  if (issue.code === 'too_small' && issue.origin === 'number') return `${name}: must be at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin === 'number') return `${name}: must be at most ${issue.maximum}`;
  return describeIssue(issue);
}

function makersOf(finding: keyof Findings, steps: ReadonlyMap<string, Step>): string {
  const names = [...steps.values()].filter((step) => step.makes.includes(finding)).map((step) => step.name);
  return names.join(' or ');
}

function drillFileError(at: StepReference | undefined, message: string, options: { advice?: string } = {}): LabError {
  return new LabError('LAB_DRILL_FILE', `${at?.at}: ${message}`, options);
}
