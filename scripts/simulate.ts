/**
 * `npm run simulate`: whole clusters with simulated clock, network and disks, under faults drawn from a seed.
 *
 * Without `--seed` it runs fresh seeds for `--seconds`. A seed that fails is printed with the command that runs it again.
 */
import { parseArgs } from 'node:util';
import { mutants } from '../test/simulation/mutants.ts';
import { installSeams } from '../test/simulation/seams.ts';

const usage = `npm run simulate -- [options]
  --seed N        run this seed (default: fresh ones)
  --seeds COUNT   how many seeds from there on (default: 1, or as many as fit into --seconds)
  --steps M       events until all faults end (default: 50000)
  --nodes 3|5     voters to begin with (default: as the seed has it)
  --seconds S     stop beginning new seeds after so long (default: 20 for fresh seeds, else no limit)
  --mutant NAME   break a rule of the code first: ${mutants.map(({ name }) => name).join(', ')}
  --trace LINES   of the trace to print when a seed fails (default: 40)
  --json          one line of JSON for each seed`;

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  return refuse(`--${name} takes a whole number, not "${text}"`);
}

function refuse(reason: string): never {
  console.error(`${reason}\n\n${usage}`);
  process.exit(2);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string' },
        steps: { type: 'string' },
        nodes: { type: 'string' },
        seconds: { type: 'string' },
        mutant: { type: 'string' },
        trace: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const options = readOptions();
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const nodes = wholeNumber('nodes', options.nodes);
if (nodes !== undefined && nodes !== 3 && nodes !== 5) refuse('--nodes takes 3 or 5');
const mutant = mutants.find(({ name }) => name === options.mutant);
if (options.mutant !== undefined && mutant === undefined) refuse(`there is no mutant "${options.mutant}"`);
const steps = wholeNumber('steps', options.steps) ?? 50_000;
const traceLines = wholeNumber('trace', options.trace) ?? 40;
const firstSeed = wholeNumber('seed', options.seed);
const seconds = wholeNumber('seconds', options.seconds) ?? (firstSeed === undefined ? 20 : Number.POSITIVE_INFINITY);
const limitedByTime = Number.isFinite(seconds);
const seeds = wholeNumber('seeds', options.seeds) ?? (limitedByTime ? Number.POSITIVE_INFINITY : 1);
const from = firstSeed ?? Date.now() % 1_000_000_000;

installSeams(mutant?.patches);
// Only now: the server's modules are to be loaded with the seams in place.
const { simulate } = await import('../test/simulation/simulation.ts');
const { Trace } = await import('../test/simulation/trace.ts');

const { performance: clock } = await import('node:perf_hooks');
const realNow = clock.now.bind(clock);
const startedMs = realNow();
const total = { seeds: 0, steps: 0, simulatedMs: 0, faults: 0 };

for (let seed = from; seed < from + seeds && realNow() - startedMs < seconds * 1000; seed++) {
  const trace = new Trace();
  try {
    const outcome = await simulate({ seed, steps, nodes, trace });
    total.seeds++;
    total.steps += outcome.steps;
    total.simulatedMs += outcome.simulatedMs;
    total.faults += outcome.faults;
    if (options.json) console.log(JSON.stringify(outcome));
    else {
      const simulated = `${(outcome.simulatedMs / 1000).toFixed(1)} s`;
      console.log(
        `seed ${seed}: ${outcome.steps} steps, ${simulated}, ${outcome.faults} faults, digest ${outcome.digest}`,
      );
    }
  } catch (error) {
    const given = [
      nodes === undefined ? '' : ` --nodes ${nodes}`,
      mutant === undefined ? '' : ` --mutant ${mutant.name}`,
    ];
    console.error(trace.tail(traceLines).join('\n'));
    console.error(`\nseed ${seed} fails: ${(error as Error).stack ?? String(error)}`);
    console.error(`\nreplay with: npm run simulate -- --seed ${seed} --steps ${steps}${given.join('')}`);
    process.exit(1);
  }
}
const tookS = (realNow() - startedMs) / 1000;
console.error(
  `${total.seeds} seeds, ${total.steps} steps, ${Math.round(total.simulatedMs / 1000)} s simulated in ${tookS.toFixed(1)} s ` +
    `(${Math.round(total.steps / tookS)} steps/s), ${total.faults} faults, nothing violated`,
);
