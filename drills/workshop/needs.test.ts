import { describe, expect, it } from 'vitest';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { misfit } from './needs.ts';
import { exerciseWith } from './testing/exercise-folder.ts';

const labWith = (provider: string, members = 3) =>
  ({ name: 'x', state: { provider }, nodes: Array.from({ length: members }) }) as unknown as Lab;

describe('a lab that an exercise does not fit', () => {
  const needing = (needs: string) =>
    exerciseWith({ 'exercise.yaml': `title: { en: a, tr: b }\nminutes: 5\nneeds: ${needs}\n` });

  it('is of another provider, and it is said why that matters', async () => {
    const exercise = await needing('{ providers: [local], why: files are moved }');
    expect(misfit(exercise, labWith('ssh'))).toBe('it works with provider local, and this is ssh: files are moved');
    expect(misfit(exercise, labWith('local'))).toBeUndefined();
  });

  it('has too few members', async () => {
    const exercise = await needing('{ members: 3 }');
    expect(misfit(exercise, labWith('vagrant', 1))).toBe("it needs 3 members, and lab 'x' has 1");
    expect(misfit(exercise, labWith('vagrant'))).toBeUndefined();
  });
});
