/**
 * Proves that an exercise works: its check fails when it has been set up, passes after the solution, and fails again
 * after the reset, which leaves nothing behind.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError, messageOf } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import type { Verdict } from './check/messages.ts';
import type { Exercise } from './exercise.ts';
import { lintExercise } from './lint.ts';
import { requireNeeds } from './needs.ts';
import type { Workshop } from './workshop.ts';

export interface AuthorReport {
  readonly exercise: string;
  /** One line each; none: it works. */
  readonly problems: readonly string[];
  /** Why it could not be tried here. */
  readonly notTried?: string;
  /** How long the scripts took, with what is done around them. */
  readonly durationsMs: { readonly setup?: number; readonly solve?: number; readonly reset?: number };
}

/** Of the learner's own keys, to see that no exercise touches them. */
const sentinelKey = 'author-check/own-key';
/** What follows a solution by itself, such as a lease that ends, follows within this time. */
const settleMs = 8000;

/** @param workshop in a folder of its own, so that no learner's progress is touched */
export async function checkExercise(workshop: Workshop, exercise: Exercise): Promise<AuthorReport> {
  const problems = await lintExercise(exercise);
  const durationsMs: { setup?: number; solve?: number; reset?: number } = {};
  const report = { exercise: exercise.id, problems, durationsMs };
  const timed = async (name: 'setup' | 'solve' | 'reset', work: () => Promise<unknown>): Promise<void> => {
    const startedAt = performance.now();
    await work();
    durationsMs[name] = Math.round(performance.now() - startedAt);
  };
  try {
    await requireNeeds(exercise, workshop.lab, workshop.searchPath());
  } catch (error) {
    return { ...report, notTried: messageOf(error) };
  }
  try {
    // What an earlier run has left when it was interrupted.
    await workshop.reset();
    await withSentinel(workshop.lab, async () => {
      const before = await digestOfKeys(workshop.lab);
      await timed('setup', () => workshop.start(exercise));
      const afterSetup = await workshop.look(exercise);
      if (afterSetup.every(({ met }) => met)) problems.push('its check passes although nothing was done');
      await timed('solve', () => workshop.solve(exercise, 'log'));
      for (const line of await unmetAfterSolution(workshop, exercise)) problems.push(line);
      await timed('reset', () => workshop.reset());
      const afterReset = await workshop.look(exercise);
      if (afterReset.every(({ met }) => met)) problems.push('its check passes after the reset');
      problems.push(...idleConditions(afterSetup, afterReset));
      if ((await digestOfKeys(workshop.lab)) !== before) {
        problems.push('keys outside its own prefixes are not what they were before it');
      }
    });
  } catch (error) {
    problems.push(...describe(error));
    await workshop.reset().catch((second: unknown) => problems.push(`reset: ${messageOf(second)}`));
  }
  return report;
}

function describe(error: unknown): string[] {
  return error instanceof LabError ? [error.message, ...error.details.map((line) => `  ${line}`)] : [messageOf(error)];
}

async function unmetAfterSolution(workshop: Workshop, exercise: Exercise): Promise<string[]> {
  const deadline = performance.now() + settleMs;
  for (;;) {
    const unmet = (await workshop.look(exercise)).filter(({ met }) => !met);
    if (unmet.length === 0) return [];
    if (performance.now() > deadline) {
      return unmet.map(({ is, seen }) => `not met after the solution: ${is.en}; seen: ${seen.en}`);
    }
    await sleep(250);
  }
}

/** A condition that holds whether or not anything was done tests nothing, unless it says that it guards. */
function idleConditions(afterSetup: readonly Verdict[], afterReset: readonly Verdict[]): string[] {
  return afterSetup
    .filter(({ met, guard }, i) => met && afterReset[i]?.met === true && !guard)
    .map(({ is }) => `tests nothing, since it holds from the beginning (or say guard: true): ${is.en}`);
}

async function withSentinel(lab: Lab, work: () => Promise<void>): Promise<void> {
  const change = async (verb: 'put' | 'deleteRange') => {
    const client = lab.client();
    try {
      await client[verb]({ key: Buffer.from(sentinelKey) });
    } finally {
      client.close();
    }
  };
  await change('put');
  try {
    await work();
  } catch (error) {
    // What has gone wrong first is what is to be told; the next run takes the key away.
    await change('deleteRange').catch(() => undefined);
    throw error;
  }
  await change('deleteRange');
}

/** @returns a digest of all keys and values */
async function digestOfKeys(lab: Lab): Promise<string> {
  const client = lab.client();
  try {
    const { kvs } = await client.range({ key: Buffer.from([0]), range_end: Buffer.from([0]) });
    const digest = createHash('sha256');
    for (const { key, value } of kvs) digest.update(`${key.length},${value.length}:`).update(key).update(value);
    return digest.digest('hex');
  } finally {
    client.close();
  }
}
