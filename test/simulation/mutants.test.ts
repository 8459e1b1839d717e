/** What the simulation is worth: each rule that matters is broken once, and it must notice. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { runSimulation } from './run-simulation.ts';
import { applyPatch } from './seams.ts';

const root = path.resolve(import.meta.dirname, '../..');
/** Seeds that are tried for a mutant, from the one on that found it when it was written down. */
const maxSeeds = 60;

describe.concurrent('the simulation notices when', () => {
  test.each(mutants.map((mutant) => ({ ...mutant })))(
    '$title',
    { timeout: 300_000 },
    async ({ name, seed, violation }) => {
      const others: string[] = [];
      for (let next = seed; next < seed + maxSeeds; ) {
        const seeds = ['--seed', `${next}`, '--seeds', `${seed + maxSeeds - next}`];
        const { failure } = await runSimulation('--mutant', name, ...seeds, '--trace', '0');
        if (failure === undefined) break;
        if (violation.test(failure.violation)) return;
        others.push(`seed ${failure.seed}: ${failure.violation}`);
        next = failure.seed + 1;
      }
      expect.fail([`${name} survives: no seed from ${seed} on shows ${violation}`, ...others].join('\n  '));
    },
  );
});

test('each change of a mutant finds the one place that it is for', () => {
  for (const { patches } of mutants) {
    for (const patch of patches) {
      const source = readFileSync(path.join(root, patch.file), 'utf8');
      expect(applyPatch(source, patch)).not.toBe(source);
    }
  }
});
