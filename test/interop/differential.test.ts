/**
 * The same long random sequences of requests to a member of each engine: every answer must be the same to the byte, and so
 * must what they have in the end. A difference is made smaller until it can be read.
 *
 * ETCDLAB_DIFFERENTIAL_SEED     sequences of another seed
 * ETCDLAB_DIFFERENTIAL_SECONDS  for how long, instead of as many sequences as continuous integration runs
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { Pair } from '../support/differential/pair.ts';
import { type Sequence, sequences } from '../support/differential/sequences.ts';
import { haveUpstream } from '../support/upstream.ts';

const seeds = process.env.ETCDLAB_DIFFERENTIAL_SEED?.split(',').map(Number) ?? [1, 2];
const seconds = Number(process.env.ETCDLAB_DIFFERENTIAL_SECONDS ?? 0);
/** Continuous integration names the seed; whoever looks into it lets it be made smaller, which can take minutes. */
const endOnFailure = seconds === 0 && process.env.ETCDLAB_DIFFERENTIAL_SEED === undefined;
const limits = seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 } : { numRuns: 40 };
const restartEvery = 20;

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

describe.skipIf(!haveUpstream())('both engines', () => {
  test.each(seeds)(
    'answer whatever is asked alike, to the byte (seed %i)',
    {
      // What differs is made smaller, which takes a while.
      timeout: (seconds + 600) * 1000,
    },
    async (seed) => {
      let [compared, count] = [0, 0];
      const check = async ({ steps }: Sequence): Promise<void> => {
        pair ??= await Pair.start();
        const before = pair.compared;
        try {
          await pair.run(steps);
          if (++count % restartEvery === 0) await pair.restart();
          compared += pair.compared - before;
        } catch (error) {
          // Whatever they differ in stays; the next ones begin afresh.
          await pair.close();
          pair = undefined;
          throw error;
        }
      };
      await fc.assert(fc.asyncProperty(sequences, check), { seed, endOnFailure, ...limits });
      console.log(`seed ${seed}: ${compared} requests in ${count} sequences, answered alike`);
      expect(compared).toBeGreaterThan(50 * count);
    },
  );
});
