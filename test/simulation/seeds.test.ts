/** Whole clusters under faults: the same seeds each time, and some that nobody has ever run. */
import { describe, expect, test } from 'vitest';
import { runSimulation, simulateSafely } from './run-simulation.ts';

const freshSeconds = process.env.ETCDLAB_SIMULATE_SECONDS ?? '20';

describe('nothing is ever violated, and a cluster without faults comes to rest', () => {
  test.each([
    { nodes: '3', seed: '1' },
    { nodes: '5', seed: '1001' },
  ])('with $nodes nodes, for seeds that were run before', { timeout: 300_000 }, async ({ nodes, seed }) => {
    const { outcomes } = await simulateSafely('--nodes', nodes, '--seed', seed, '--seeds', '8');
    // It has been alive: otherwise nothing is proved.
    const total = (name: string): number => outcomes.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0);
    expect(outcomes).toHaveLength(8);
    for (const name of ['elections', 'committed', 'answered', 'reads', 'snapshots', 'losePower', 'partition']) {
      expect(total(name), name).toBeGreaterThan(0);
    }
    expect(total('undecided')).toBeLessThan(outcomes.length);
  });

  test(`for fresh seeds during ${freshSeconds} s`, { timeout: 300_000 + Number(freshSeconds) * 1000 }, async () => {
    await simulateSafely('--seconds', freshSeconds);
  });
});

test('a seed gives the same run each time, down to every message', { timeout: 300_000 }, async () => {
  const options = ['--seed', '77', '--seeds', '2', '--steps', '30000'];
  const [first, second] = [await runSimulation(...options), await runSimulation(...options)];
  expect(first.outcomes).toHaveLength(2);
  expect(second.outcomes).toEqual(first.outcomes);
  expect(first.outcomes[0]?.digest).not.toBe(first.outcomes[1]?.digest);
});
