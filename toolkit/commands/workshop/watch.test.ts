import { expect, it } from 'vitest';
import { turnTo } from './watch.ts';

it('what was shown of an exercise stays while it is open, and goes with it', () => {
  const screen = { exercise: 'leases', below: 'Hint 1 of 3', page: 1, drawn: '' };
  turnTo(screen, { id: 'leases' });
  expect(screen.below).toBe('Hint 1 of 3');
  turnTo(screen, { id: 'refused' });
  expect(screen).toMatchObject({ exercise: 'refused', below: '', page: 0 });
});
