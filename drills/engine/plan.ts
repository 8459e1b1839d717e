/** From a drill file to steps with checked parameters: everything that can be wrong in a file is found before it runs. */
import { LabError } from '../../toolkit/errors.ts';
import { stepCatalogue } from '../steps/catalogue.ts';
import type { Step } from '../steps/step.ts';
import type { DrillDefinition } from './definition.ts';
import type { Phase } from './events.ts';

export interface PlannedStep {
  phase: Phase;
  step: Step;
  parameters: unknown;
}

/**
 * @param overrides parameters by step name that win over the file's, for one run
 * @throws LabError LAB_DRILL_FILE for an unknown step or a parameter that it does not take
 */
export function planDrill(
  drill: DrillDefinition,
  overrides: Record<string, Record<string, unknown>> = {},
): PlannedStep[] {
  return (['prepare', 'backup', 'disaster', 'recover'] as const).flatMap((phase) =>
    drill[phase].map((reference) => {
      const step = stepCatalogue.get(reference.name);
      if (step === undefined) {
        throw new LabError('LAB_DRILL_FILE', `drill ${drill.name}: ${phase} names an unknown step, ${reference.name}`, {
          advice: `steps: ${[...stepCatalogue.keys()].join(', ')}`,
        });
      }
      const parsed = step.parameters.safeParse({ ...reference.parameters, ...overrides[step.name] });
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const parameter = issue?.path.join('.');
        throw new LabError(
          'LAB_DRILL_FILE',
          `drill ${drill.name}: ${step.name}${parameter ? `, ${parameter}` : ''}: ${issue?.message}`,
        );
      }
      return { phase, step, parameters: parsed.data };
    }),
  );
}
