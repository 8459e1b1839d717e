/** Long random sequences of requests of every kind, which fast-check makes from a seed and makes smaller. */
import fc from 'fast-check';
import { kvSteps, weighted } from './kv-steps.ts';
import { alarmSteps, authSteps, leaseSteps, securing } from './other-steps.ts';
import type { Step } from './step.ts';

const longest = 400;

/** While authentication is off, it does not matter who asks. */
const anybody: fc.Arbitrary<string | undefined> = weighted<string | undefined>(
  [10, fc.constant('root')],
  [6, fc.constant('u')],
  [2, fc.constant('v')],
  [1, fc.constant(undefined)],
);
/** Whoever manages users is mostly root. */
const manager: fc.Arbitrary<string | undefined> = weighted<string | undefined>(
  [15, fc.constant('root')],
  [1, fc.constantFrom('u', undefined)],
);

const one: fc.Arbitrary<readonly Step[]> = weighted<Step>(
  ...kvSteps(anybody),
  ...leaseSteps(anybody),
  ...alarmSteps(anybody),
  ...authSteps(manager),
).map((step) => [step]);

/** Prints as little: what is asked is in the message of the difference. */
export class Sequence {
  readonly steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.steps = steps;
  }

  [fc.toStringMethod](): string {
    return `${this.steps.length} requests`;
  }
}

export const sequences: fc.Arbitrary<Sequence> = fc
  .array(weighted<readonly Step[]>([99, one], [1, fc.constant(securing)]), { maxLength: longest, size: 'max' })
  .map((parts) => new Sequence(parts.flat()));
