import { describe, expect, test } from 'vitest';
import { type Verdict, voteOnHashes } from './corruption-vote.ts';

describe('members are believed', () => {
  test.each<[string, [bigint, number][], number, Verdict]>([
    [
      'all, when all have the same',
      [
        [1n, 7],
        [2n, 7],
        [3n, 7],
      ],
      3,
      { kind: 'equal' },
    ],
    ['when they could be compared with nobody', [[1n, 7]], 3, { kind: 'equal' }],
    [
      'the two against the third',
      [
        [1n, 7],
        [2n, 8],
        [3n, 7],
      ],
      3,
      { kind: 'minority', ids: [2n] },
    ],
    [
      'the two against the third that asks',
      [
        [1n, 9],
        [2n, 8],
        [3n, 8],
      ],
      3,
      { kind: 'minority', ids: [1n] },
    ],
    [
      'the three against two that differ among themselves',
      [
        [1n, 7],
        [2n, 8],
        [3n, 7],
        [4n, 9],
        [5n, 7],
      ],
      5,
      { kind: 'minority', ids: [2n, 4n] },
    ],
    [
      'neither of two',
      [
        [1n, 7],
        [2n, 8],
      ],
      2,
      { kind: 'undecided' },
    ],
    [
      'neither of two while the third is silent',
      [
        [1n, 7],
        [2n, 8],
      ],
      3,
      { kind: 'undecided' },
    ],
    [
      'no one of three that all differ',
      [
        [1n, 7],
        [2n, 8],
        [3n, 9],
      ],
      3,
      { kind: 'undecided' },
    ],
    [
      'neither half of four',
      [
        [1n, 7],
        [2n, 7],
        [3n, 8],
        [4n, 8],
      ],
      4,
      { kind: 'undecided' },
    ],
    [
      'a quorum of all, not of those that answered',
      [
        [1n, 7],
        [2n, 7],
        [3n, 8],
      ],
      5,
      { kind: 'undecided' },
    ],
  ])('%s', (_title, hashes, memberCount, verdict) => {
    expect(voteOnHashes(new Map(hashes), memberCount)).toEqual(verdict);
  });
});
