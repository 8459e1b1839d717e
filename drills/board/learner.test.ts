/** What the trainer is told of a learner, out of the workshop's progress. */
import { describe, expect, test } from 'vitest';
import type { Progress, ProgressEntry } from '../workshop/progress.ts';
import { learnerChanges, learnerView } from './learner.ts';

function entry(change: Partial<ProgressEntry> = {}): ProgressEntry {
  return {
    title: { en: 'Leases', tr: 'Kiralar' },
    minutes: 6,
    phase: 'open',
    startedAt: '2026-01-01T10:00:00.000Z',
    hints: 1,
    attempts: 2,
    solutionUsed: false,
    ...change,
  };
}

function progress(change: Partial<ProgressEntry> = {}, others: Progress['exercises'] = {}): Progress {
  return { version: 1, current: '05-leases', exercises: { ...others, '05-leases': entry(change) } };
}

const passed = progress({ phase: 'passed', passedAt: '2026-01-01T10:04:00.000Z' });
const done = { at: '2026-01-01T09:00:00.000Z', by: 'learner', tookMs: 1, hints: 0, attempts: 1 } as const;

describe('the view of a learner', () => {
  test('a beginner has no exercise', () => {
    expect(learnerView({ version: 1, exercises: {} })).toEqual({ passed: 0, solved: 0 });
  });

  test('counts what was ever passed, also when it is done once more, and apart what was solved by the solution', () => {
    const others = {
      '03-quorum': entry({ phase: 'left', done: { ...done, by: 'solution' } }),
      '04-watch': entry({ phase: 'left', done }),
    };
    expect(learnerView(progress({ done }, others))).toMatchObject({
      passed: 2,
      solved: 1,
      exercise: { id: '05-leases', phase: 'open', hints: 1, attempts: 2 },
    });
  });

  test('the time stands still once it is passed', () => {
    expect(learnerView(progress()).exercise?.tookMs).toBeUndefined();
    expect(learnerView(passed).exercise?.tookMs).toBe(240_000);
  });
});

describe('what has happened', () => {
  const at = learnerView;
  const started = { kind: 'exercise-started', exercise: '05-leases', title: { en: 'Leases', tr: 'Kiralar' } };
  const finished = { ...started, kind: 'exercise-passed', tookMs: 240_000 };

  test('nothing at the first time, and nothing while nothing changes', () => {
    expect(learnerChanges(undefined, at(passed))).toEqual([]);
    expect(learnerChanges(at(passed), at(passed))).toEqual([]);
    expect(learnerChanges(at(progress()), at(progress({ attempts: 9, hints: 3 })))).toEqual([]);
  });

  test('one that was begun, passed, and begun once more', () => {
    const again = progress({ startedAt: '2026-01-01T11:00:00.000Z' });
    expect(learnerChanges(at({ version: 1, exercises: {} }), at(progress()))).toEqual([started]);
    expect(learnerChanges(at(progress()), at(passed))).toEqual([finished]);
    expect(learnerChanges(at(passed), at(again))).toEqual([started]);
  });

  test('one that was solved for the learner', () => {
    const solved = progress({ phase: 'passed', passedAt: '2026-01-01T10:04:00.000Z', solutionUsed: true });
    expect(learnerChanges(at(progress()), at(solved))).toEqual([{ ...finished, kind: 'exercise-solved' }]);
  });

  test('one that was begun and passed between two looks', () => {
    expect(learnerChanges(at({ version: 1, exercises: {} }), at(passed))).toEqual([started, finished]);
  });

  test('one that is being set up is told once it is given', () => {
    const preparing = at(progress({ phase: 'preparing' }));
    expect(learnerChanges(at({ version: 1, exercises: {} }), preparing)).toEqual([]);
    expect(learnerChanges(preparing, at(progress()))).toEqual([started]);
    expect(learnerChanges(at(passed), at(progress({ phase: 'clearing' })))).toEqual([]);
  });

  test('one that was left is no news', () => {
    expect(learnerChanges(at(passed), at({ version: 1, exercises: {} }))).toEqual([]);
  });
});
