import { expect, test } from 'vitest';
import { describeMissed } from './missed-revisions.ts';

test('what clients that watch miss after a restore is named, with what helps', () => {
  expect(describeMissed(89, 87, 1000)).toMatchInlineSnapshot(
    `"clients that watch and were told of revision 89 go on without a word and miss revisions 88 to 89, given to new writes; restart them, or restore with --bump-revision 1000: then they are told to read anew"`,
  );
  expect(describeMissed(88, 87, 1000)).toContain('miss revision 88, given to new writes');
});

test('a restore that does not go back, or raises the revision enough, has nothing missed', () => {
  expect(describeMissed(87, 87, 1000)).toBeUndefined();
  expect(describeMissed(89, 1087, 1000)).toBeUndefined();
  expect(describeMissed(1088, 1087, 1000)).toContain('miss revision 1088');
});

test('where no member says how far the lab was, it is said that this is not known', () => {
  expect(describeMissed(undefined, 87, 1000)).toContain('if it was beyond 87, clients that watch go on without a word');
});
