import { expect, test } from 'vitest';
import { requireRefusal } from './record.ts';

test('the words of a refusal are recorded', () => {
  expect(requireRefusal({ isRefused: true, told: 'permission denied' })).toBe('permission denied');
});

test.each(['it is let in, and reads 1 keys', 'context deadline exceeded'])(
  'nothing that is no refusal is recorded as one: %s',
  (told) => {
    expect(() => requireRefusal({ isRefused: false, told })).toThrow(
      expect.objectContaining({ code: 'LAB_INCONCLUSIVE', message: expect.stringContaining(told) }),
    );
  },
);
