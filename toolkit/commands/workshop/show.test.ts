import { describe, expect, it } from 'vitest';
import { listExercises } from '../../../drills/workshop/catalogue.ts';
import type { Progress, ProgressEntry } from '../../../drills/workshop/progress.ts';
import { formatList, formatPassed } from './show.ts';

const exercises = await listExercises();
const doneBy = (by: 'learner' | 'solution') =>
  ({ phase: 'left', done: { at: '', by, tookMs: 3_599_000, hints: 0, attempts: 1 } }) as unknown as ProgressEntry;

describe('progress', () => {
  it.each(['en', 'tr'] as const)('of all exercises fits into a terminal: %s', (language) => {
    const all = Object.fromEntries(exercises.map(({ id }) => [id, doneBy('solution')]));
    const lines = formatList(exercises, { version: 1, exercises: all }, language).split('\n');
    expect(lines).toHaveLength(exercises.length + 3);
    expect(lines.at(-1)).toMatch(/local.*: 8, 13, 14, 16, 19, 20\.$/);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('counts apart what was solved by the solution', () => {
    const [first, second, third] = exercises.map(({ id }) => id) as [string, string, string];
    const progress = (entries: Progress['exercises']): Progress => ({ version: 1, exercises: entries });
    const alone = progress({ [first]: doneBy('learner') });
    expect(formatPassed(exercises, alone, 'en')).toBe(`1/${exercises.length}`);
    const helped = progress({ ...alone.exercises, [second]: doneBy('solution'), [third]: doneBy('solution') });
    expect(formatPassed(exercises, helped, 'en')).toBe(`1/${exercises.length}, solved 2`);
  });
});
