import { describe, expect, it } from 'vitest';
import { builtInExercises, findExercise, listExercises } from './catalogue.ts';
import { parseDescription, parseFolderName, readHints } from './exercise.ts';
import { exerciseWith } from './testing/exercise-folder.ts';

const titles = 'title: { en: a, tr: b }\n';

describe('exercise.yaml', () => {
  it('needs a title in both languages and the minutes; the rest has defaults', () => {
    expect(parseDescription(`${titles}minutes: 5\n`, 'f')).toEqual({
      title: { en: 'a', tr: 'b' },
      minutes: 5,
      tags: [],
      needs: { members: 1, providers: ['local', 'ssh', 'vagrant'], commands: [] },
      keys: ['workshop/'],
      remember: [],
      timeoutSeconds: 120,
    });
  });

  it.each([
    ['a title in one language', 'title: { en: a }\nminutes: 5\n', /^f:1:\d+: .*title.tr/],
    ['an unknown key', `${titles}minutes: 5\nkey: [a]\n`, /^f:3:1: unknown key key/],
    ['no minutes', titles, /^f:1:1: minutes: is missing/],
    ['too short a prefix', `${titles}minutes: 5\nkeys: ['']\n`, /^f:3:8: keys.0: must have at least 3/],
    [
      'a path for a program',
      `${titles}minutes: 5\nneeds: { commands: [/bin/sh] }\n`,
      /^f:3:\d+: needs.commands.0: must be a word/,
    ],
    ['no mapping', '- a\n', /^f:1:1: /],
    ['YAML that is none', 'title: [', /^f:1:\d+: /],
  ])('with %s is refused, and says where', (_, text, message) => {
    expect(() => parseDescription(text, 'f')).toThrow(message);
  });
});

describe('the folder of an exercise', () => {
  it('says its number and its id', () => {
    expect(parseFolderName('07-read-a-certificate')).toEqual({ order: 7, id: 'read-a-certificate' });
    for (const name of ['read', '7-read', '07-Read', '07-', '07-a--b', '.partial-a', '07-a/../b']) {
      expect(parseFolderName(name)).toBeUndefined();
    }
  });

  it('holds hints under numbered headings', async () => {
    const exercise = await exerciseWith({
      'hints.en.md': '## 1\n\nLook.\n\n## 2\nSay `a`.\n\n## 3\n\n```\n# a\n```\n',
    });
    expect(await readHints(exercise, 'en')).toEqual(['Look.', 'Say `a`.', '```\n# a\n```']);
  });
});

describe('the exercises that come with the program', () => {
  it('have ids and numbers of their own, and are found by either', async () => {
    const exercises = await listExercises();
    expect(new Set(exercises.map(({ id }) => id)).size).toBe(exercises.length);
    expect(new Set(exercises.map(({ order }) => order)).size).toBe(exercises.length);
    const [first] = exercises;
    for (const name of ['first-contact', '1', '01', '01-first-contact'])
      expect(findExercise(exercises, name)).toBe(first);
    expect(() => findExercise(exercises, 'last-contact')).toThrow("there is no exercise 'last-contact'");
  });

  it('cannot be had twice', async () => {
    await expect(listExercises(builtInExercises)).rejects.toThrow('has the same name');
  });
});
