/**
 * Long random sequences of requests, each to a member of its own choice, in one cluster of both engines, of which now one
 * and now the other leads: all members must come to hold the same.
 *
 * ETCDLAB_DIFFERENTIAL_SEED     sequences of another seed, made smaller when they fail
 * ETCDLAB_DIFFERENTIAL_SECONDS  for how long, instead of as many sequences as continuous integration runs
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { KVService, PutRequest, RangeRequest, RequestOp, TxnRequest } from '../../server/proto/gen/rpc.ts';
import { type Engine, MixedCluster, NoAnswer } from '../support/differential/mixed-cluster.ts';
import { securing } from '../support/differential/other-steps.ts';
import { type Sequence, sequences } from '../support/differential/sequences.ts';
import { bytes, type Step, step } from '../support/differential/step.ts';
import { mulberry32 } from '../support/random.ts';
import { haveUpstream } from '../support/upstream.ts';

const seeds = process.env.ETCDLAB_DIFFERENTIAL_SEED?.split(',').map(Number) ?? [1];
const seconds = Number(process.env.ETCDLAB_DIFFERENTIAL_SECONDS ?? 0);
/** Continuous integration names the seed; whoever looks into it lets it be made smaller, which can take minutes. */
const endOnFailure = seconds === 0 && process.env.ETCDLAB_DIFFERENTIAL_SEED === undefined;
const limits = seconds > 0 ? { numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 } : { numRuns: 10 };
/** Of the sequences in which somebody did not answer: on a busy machine an election may come between. */
const mostUnanswered = 3;

const routed = fc.record({ sequence: sequences, route: fc.nat() });
interface Routed {
  readonly sequence: Sequence;
  readonly route: number;
}

let mixed: MixedCluster | undefined;
afterEach(async () => {
  await mixed?.close();
  mixed = undefined;
});

describe.skipIf(!haveUpstream())('members of both engines in one cluster', () => {
  test('come to hold the same when only a range forbids a transaction', async () => {
    mixed = await MixedCluster.start(2);
    const put = RequestOp.create({ request_put: PutRequest.create({ key: bytes('a') }) });
    const range = (fields: Partial<RangeRequest>): RequestOp =>
      RequestOp.create({ request_range: RangeRequest.create({ key: bytes('c'), ...fields }) });
    const txn = (...success: RequestOp[]): Step => step(KVService.Txn, TxnRequest.create({ success }), 'u');
    const forbidden = [txn(range({ revision: -2 }), put), txn(put, range({ revision: 999 }))];
    await mixed.run([...forbidden, ...securing, txn(put, range({})), txn(put), ...forbidden], () => 2);
  });

  test.each(seeds.flatMap((seed) => [1, 2].map((upstreamCount) => ({ seed, upstreamCount }))))(
    'come to hold the same, whoever leads and whoever is asked ($upstreamCount of three upstream’s, seed $seed)',
    {
      // What differs is made smaller, which takes a while.
      timeout: (seconds + 600) * 1000,
    },
    async ({ seed, upstreamCount }) => {
      let unanswered = 0;
      const led: Record<Engine, number> = { upstream: 0, 'built-in': 0 };
      const check = async ({ sequence, route }: Routed): Promise<void> => {
        mixed ??= await MixedCluster.start(upstreamCount);
        const random = mulberry32(route);
        try {
          led[await mixed.run(sequence.steps, () => Math.floor(random() * 3))]++;
        } catch (error) {
          // Whatever they differ in stays; the next ones begin afresh.
          await mixed.close();
          mixed = undefined;
          if (!(error instanceof NoAnswer) || ++unanswered > mostUnanswered) throw error;
          console.log(error.message);
        }
      };
      await fc.assert(fc.asyncProperty(routed, check), { seed, endOnFailure, ...limits });
      await mixed?.stopAndCompare();
      console.log(
        `seed ${seed}: after ${led.upstream} sequences led by upstream and ${led['built-in']} by ours, all the same`,
      );
      expect(Math.min(led.upstream, led['built-in'])).toBeGreaterThan(0);
    },
  );
});
