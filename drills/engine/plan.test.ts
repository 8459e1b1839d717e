import { describe, expect, test } from 'vitest';
import type { LabError } from '../../toolkit/errors.ts';
import { parseDrill } from './definition.ts';
import { type PlanOptions, planDrill } from './plan.ts';

const text = `title: A drill
teaches: a lot
prepare:
  - write-dataset: { keys: 500 }
backup: [take-snapshot, write-after-snapshot]
disaster: [destroy-all-members]
recover:
  - restore-all-members
  - start-all-members
`;

const plan = (change: (text: string) => string = (same) => same, options?: PlanOptions) =>
  planDrill(parseDrill('own', change(text), 'own.yaml'), options);

function refusal(change: (text: string) => string, options?: PlanOptions): { code: string; message: string } {
  try {
    plan(change, options);
  } catch (error) {
    const { code, message } = error as LabError;
    return { code, message };
  }
  throw new Error('was not refused');
}

describe('a drill file', () => {
  test('becomes steps in the order of the phases, with checked parameters', () => {
    expect(plan().map(({ phase, step, parameters }) => [phase, step.name, parameters])).toEqual([
      ['prepare', 'write-dataset', { keys: 500 }],
      ['backup', 'take-snapshot', {}],
      ['backup', 'write-after-snapshot', {}],
      ['disaster', 'destroy-all-members', {}],
      ['recover', 'restore-all-members', { bumpRevision: 0 }],
      ['recover', 'start-all-members', {}],
    ]);
  });

  test('may leave parameters to their defaults', () => {
    expect(plan((all) => all.replace('write-dataset: { keys: 500 }', 'write-dataset'))[0]?.parameters).toEqual({
      keys: 1000,
    });
  });

  test.each<[string, (text: string) => string, string]>([
    ['has an unknown key', (all) => `${all}verify: []\n`, 'own.yaml:10:1: unknown key verify'],
    ['has no title', (all) => all.replace('title: A drill\n', ''), 'own.yaml:1:1: title: is missing'],
    ['is empty', () => '', 'own.yaml:1:1: a drill is described by a mapping, such as: title: ...'],
    ['has an empty phase', (all) => all.replace('[destroy-all-members]', '[]'), 'own.yaml:6:11: disaster: '],
    [
      'has two steps in one',
      (all) => all.replace('{ keys: 500 }', '{}\n    take-snapshot: {}'),
      'own.yaml:4:5: prepare.0: must be',
    ],
    [
      'has a step without braces',
      (all) => all.replace('- start-all-members', '- start-all-members:'),
      'own.yaml:9:5: recover.1: must be',
    ],
    [
      'names an unknown step',
      (all) => all.replace('[destroy-', '[annoy-'),
      'own.yaml:6:12: disaster names an unknown step, annoy-all-members',
    ],
    ['has an unknown parameter', (all) => all.replace('keys:', 'kyes:'), 'own.yaml:4:5: write-dataset: '],
    [
      'takes its snapshot too early',
      (all) => all.replace('  - write-dataset: { keys: 500 }', '  - take-snapshot'),
      'own.yaml:4:5: take-snapshot must come after write-dataset',
    ],
    [
      'restores what was not destroyed',
      (all) => all.replace('disaster: [destroy', 'disaster: [start'),
      'own.yaml:8:5: restore-all-members must come after destroy-all-members',
    ],
    [
      'does not start what it restored',
      (all) => all.replace('  - start-all-members\n', ''),
      'own.yaml:8:5: the drill proves nothing without start-all-members',
    ],
    [
      'writes nothing that must be gone',
      (all) => all.replace(', write-after-snapshot', ''),
      'own.yaml:9:5: the drill proves nothing without write-after-snapshot',
    ],
  ])('that %s is refused with its place', (_, change, message) => {
    const refused = refusal(change);
    expect(refused.message.slice(0, message.length)).toBe(message);
    expect(refused.code).toBe('LAB_DRILL_FILE');
  });
});

describe('parameters for one run', () => {
  test('win over those of the file', () => {
    expect(plan(undefined, { overrides: { 'write-dataset': { keys: 700 } } })[0]?.parameters).toEqual({ keys: 700 });
  });

  test('are refused as the user’s, not the file’s, when they do not fit', () => {
    const refused = refusal((same) => same, { overrides: { 'write-dataset': { keys: 1 } } });
    expect(refused).toMatchObject({ code: 'LAB_USAGE', message: expect.stringMatching(/^write-dataset: keys: /) });
  });

  test('are refused for a step that the drill does not have', () => {
    const refused = refusal((same) => same, { overrides: { 'cut-network': {} } });
    expect(refused).toEqual({ code: 'LAB_USAGE', message: 'drill own has no step cut-network to be changed' });
  });
});
