import { expect, test } from 'vitest';
import { tryMutants } from './mutants.ts';

test.each(tryMutants())('the verification sees that $wrong, by $foundBy', ({ caught }) => {
  expect(caught).toBe(true);
});
