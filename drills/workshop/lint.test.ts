import { describe, expect, it } from 'vitest';
import { listExercises } from './catalogue.ts';
import { lintExercise } from './lint.ts';
import { exerciseWith } from './testing/exercise-folder.ts';

describe('an exercise that comes with the program', async () => {
  it.each(await listExercises())('$id is written as it should be', async (exercise) => {
    expect(await lintExercise(exercise)).toEqual([]);
  });
});

describe('what is wrong with an exercise', () => {
  it('is nothing with a new one', async () => {
    expect(await lintExercise(await exerciseWith())).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ['a text that is missing in one language', { 'text.tr.md': undefined }, 'text.tr.md is missing or empty'],
    ['a solution that is empty', { 'solution.en.md': '\n' }, 'solution.en.md is missing or empty'],
    [
      'a line that a terminal breaks',
      { 'solution.en.md': `${'word '.repeat(17)}\n` },
      'solution.en.md has a line of 85 columns',
    ],
    ['two hints', { 'hints.tr.md': '## 1\na\n## 2\nb\n' }, 'hints.tr.md has 2 hints'],
    [
      'a translation that names other keys',
      { 'text.tr.md': 'Bir `workshop/baska` yazın.\n' },
      'do not both speak of workshop/baska',
    ],
    ['no solution', { 'solve.sh': undefined }, 'solve.sh is missing'],
    ['no check', { 'check.mjs': undefined }, 'check.mjs is missing'],
    ['a script that is none', { 'setup.sh': 'if true; then\n' }, 'setup.sh: '],
    [
      'a path of one machine',
      { 'solve.sh': 'etcdctl get a\ncat /home/me/answer\n' },
      'solve.sh:2 names a path of one machine',
    ],
  ])('is found: %s', async (_, changes, problem) => {
    expect(await lintExercise(await exerciseWith(changes))).toContainEqual(expect.stringContaining(problem));
  });

  it('is no path that is the same everywhere', async () => {
    const changes = { 'solve.sh': 'etcdctl get --prefix /registry/work/a\ncat "$HOME/work/a" ./tmp/a\n' };
    expect(await lintExercise(await exerciseWith(changes))).toEqual([]);
  });
});
