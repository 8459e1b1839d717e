/** The form of a step that drill files can name. */
import type { z } from 'zod';
import type { DrillContext, Findings } from '../engine/context.ts';
import type { Outcome } from '../verification/evidence.ts';

export interface Step<P = unknown> {
  /** As drill files name it. */
  name: string;
  parameters: z.ZodType<P>;
  /** What steps before it must have found out, and what this one does: a wrong order is refused before it is tried. */
  needs: readonly (keyof Findings)[];
  makes: readonly (keyof Findings)[];
  /** What the drill promises from this step on; the last one that says so counts. */
  outcome?: Outcome;
  /** What the step will do, for progress and reports. */
  title(parameters: P, context: Pick<DrillContext, 'lab'>): string;
  /** @returns why the step cannot be carried out here; asked before the drill begins */
  unmet?(parameters: P, context: Pick<DrillContext, 'lab' | 'otherEngine'>): string | undefined;
  /** @returns one line that says what was done, with figures */
  run(context: DrillContext, parameters: P): Promise<string>;
}

/** Keeps the parameters' type while a step is written down. */
export function defineStep<P>(step: Step<P>): Step<P> {
  return step;
}
