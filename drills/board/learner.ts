/** How far the learner of a lab is, out of the workshop's own file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** In the languages that the exercise has. */
export type Title = Readonly<Record<string, string>>;

export interface ExerciseView {
  readonly id: string;
  readonly title: Title;
  /** How long it should take. */
  readonly minutes: number;
  readonly phase: 'preparing' | 'open' | 'passed' | 'clearing' | 'left';
  readonly startedAtMs: number;
  /** How long it took; there once it is passed. */
  readonly tookMs?: number | undefined;
  readonly hints: number;
  readonly attempts: number;
  readonly isSolutionUsed: boolean;
  readonly lastCheck?: { readonly met: number; readonly of: number } | undefined;
}

export interface LearnerView {
  /** The one that was started last, while anything of it is left. */
  readonly exercise?: ExerciseView | undefined;
  /** Exercises that were passed, with or without the solution. */
  readonly passed: number;
}

/** What has happened at a learner's seat. */
export type LearnerChange =
  | { readonly kind: 'exercise-started'; readonly exercise: string; readonly title: Title }
  | { readonly kind: 'exercise-passed'; readonly exercise: string; readonly title: Title; readonly tookMs?: number };

const entry = z.object({
  title: z.record(z.string(), z.string()),
  minutes: z.number(),
  phase: z.enum(['preparing', 'open', 'passed', 'clearing', 'left']),
  startedAt: z.iso.datetime(),
  hints: z.number(),
  attempts: z.number(),
  solutionUsed: z.boolean(),
  lastCheck: z.object({ met: z.number(), of: z.number() }).optional(),
  done: z.object({ at: z.iso.datetime() }).optional(),
});
const schema = z.object({ current: z.string().optional(), exercises: z.record(z.string(), entry) });

const beginner: LearnerView = { passed: 0 };

/** @param labFolder `.etcdlab/NAME` @returns a beginner's if there is no file, or none that can be read */
export async function readLearner(labFolder: string): Promise<LearnerView> {
  try {
    const text = await readFile(join(labFolder, 'workshop', 'progress.json'), 'utf8');
    const { current, exercises } = schema.parse(JSON.parse(text));
    const passed = Object.values(exercises).filter(({ done }) => done !== undefined).length;
    const found = current === undefined ? undefined : exercises[current];
    if (current === undefined || found === undefined) return { passed };
    const { title, minutes, phase, startedAt, hints, attempts, solutionUsed, lastCheck, done } = found;
    const startedAtMs = Date.parse(startedAt);
    const doneAtMs = done === undefined ? undefined : Date.parse(done.at);
    const exercise: ExerciseView = {
      ...{ id: current, title, minutes, phase, startedAtMs, hints, attempts, lastCheck },
      isSolutionUsed: solutionUsed,
      // It may have been done better before: that time is not of this run.
      ...(phase === 'passed' &&
        doneAtMs !== undefined &&
        doneAtMs >= startedAtMs && { tookMs: doneAtMs - startedAtMs }),
    };
    return { passed, exercise };
  } catch {
    return beginner;
  }
}

/** @param before undefined at the first time: then nothing has happened */
export function learnerChanges(before: LearnerView | undefined, now: LearnerView): LearnerChange[] {
  const { exercise } = now;
  if (before === undefined || exercise === undefined) return [];
  const { id, title, phase, startedAtMs, tookMs } = exercise;
  const isSame = before.exercise?.id === id && before.exercise.startedAtMs === startedAtMs;
  const changes: LearnerChange[] = [];
  if (!isSame) changes.push({ kind: 'exercise-started', exercise: id, title });
  if (phase === 'passed' && !(isSame && before.exercise?.phase === 'passed')) {
    changes.push({ kind: 'exercise-passed', exercise: id, title, ...(tookMs !== undefined && { tookMs }) });
  }
  return changes;
}
