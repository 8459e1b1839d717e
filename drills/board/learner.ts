/** How far the learner of a lab is, out of what the workshop keeps. */
import type { LabPaths } from '../../toolkit/lab/state.ts';
import { workshopPaths } from '../workshop/paths.ts';
import { type Progress, type ProgressEntry, readProgress } from '../workshop/progress.ts';

type Title = ProgressEntry['title'];

export interface ExerciseView {
  readonly id: string;
  readonly title: Title;
  /** How long it should take. */
  readonly minutes: number;
  readonly phase: ProgressEntry['phase'];
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
  /** Exercises that the learner has passed alone. */
  readonly passed: number;
  /** Exercises that were solved for the learner. */
  readonly solved: number;
}

/** What has happened at a learner's seat. */
export type LearnerChange =
  | { readonly kind: 'exercise-started'; readonly exercise: string; readonly title: Title }
  | {
      /** `exercise-solved`: its check has passed, with the solution's help. */
      readonly kind: 'exercise-passed' | 'exercise-solved';
      readonly exercise: string;
      readonly title: Title;
      readonly tookMs?: number;
    };

/** @returns undefined if the file cannot be read; a beginner's if there is none */
export async function readLearner(lab: Pick<LabPaths, 'root'>): Promise<LearnerView | undefined> {
  try {
    return learnerView(await readProgress(workshopPaths(lab).progressFile));
  } catch {
    return undefined;
  }
}

export function learnerView({ current, exercises }: Progress): LearnerView {
  const doneBy = Object.values(exercises).map(({ done }) => done?.by);
  const counts = {
    passed: doneBy.filter((by) => by === 'learner').length,
    solved: doneBy.filter((by) => by === 'solution').length,
  };
  const entry = current === undefined ? undefined : exercises[current];
  if (current === undefined || entry === undefined) return counts;
  const { title, minutes, phase, hints, attempts, lastCheck, startedAt, passedAt } = entry;
  const startedAtMs = Date.parse(startedAt);
  const exercise: ExerciseView = {
    ...{ id: current, title, minutes, phase, hints, attempts, startedAtMs, isSolutionUsed: entry.solutionUsed },
    // Clocks are set back at times.
    ...(passedAt !== undefined && { tookMs: Math.max(0, Date.parse(passedAt) - startedAtMs) }),
    ...(lastCheck !== undefined && { lastCheck: { met: lastCheck.met, of: lastCheck.of } }),
  };
  return { ...counts, exercise };
}

/** @param before undefined at the first time: then nothing has happened */
export function learnerChanges(before: LearnerView | undefined, { exercise }: LearnerView): LearnerChange[] {
  // While it is being set up or taken away, the learner is not at it.
  if (before === undefined || exercise === undefined || !isGiven(exercise)) return [];
  const { id, title, phase, startedAtMs, tookMs, isSolutionUsed } = exercise;
  const known = before.exercise;
  const isKnown = known?.id === id && known.startedAtMs === startedAtMs && isGiven(known);
  const changes: LearnerChange[] = [];
  if (!isKnown) changes.push({ kind: 'exercise-started', exercise: id, title });
  if (phase === 'passed' && !(isKnown && known.phase === 'passed')) {
    const kind = isSolutionUsed ? 'exercise-solved' : 'exercise-passed';
    changes.push({ kind, exercise: id, title, ...(tookMs !== undefined && { tookMs }) });
  }
  return changes;
}

function isGiven({ phase }: ExerciseView): boolean {
  return phase === 'open' || phase === 'passed';
}
