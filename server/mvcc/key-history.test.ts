import { describe, expect, test } from 'vitest';
import { KeyHistory } from './key-history.ts';

/** Put at 2 and 4, deleted at 6, put again at 8. */
function twoLives(): KeyHistory {
  const history = new KeyHistory();
  history.put(2, 0);
  history.put(4, 1);
  history.tombstone(6, 0);
  history.put(8, 3);
  return history;
}

describe('the history of a key', () => {
  test('begins a new life with version 1 after a deletion', () => {
    const history = new KeyHistory();
    history.put(2, 0);
    history.put(4, 1);
    expect([history.createRevision, history.version]).toEqual([2, 2]);
    history.tombstone(6, 0);
    expect([history.createRevision, history.version, history.isAlive]).toEqual([0, 0, false]);
    history.put(8, 3);
    expect([history.createRevision, history.version, history.isAlive]).toEqual([8, 1, true]);
  });

  test.each([
    [1, undefined],
    [2, '2.0'],
    [3, '2.0'],
    [5, '4.1'],
    [6, undefined],
    [7, undefined],
    [8, '8.3'],
    [100, '8.3'],
  ])('at %i shows %s', (revision, expected) => {
    const history = twoLives();
    const position = history.visible(revision);
    const shown = position < 0 ? undefined : `${history.mainAt(position)}.${history.subAt(position)}`;
    expect(shown).toBe(expected);
  });

  test('keeps the newest revision up to the compaction, and all after it', () => {
    const history = twoLives();
    expect(history.compact(5)).toBe(false);
    expect([history.length, history.mainAt(0)]).toEqual([3, 4]);
  });

  test('keeps a tombstone exactly at the compaction, none before it', () => {
    const history = twoLives();
    history.compact(6);
    expect([history.length, history.mainAt(0), history.isTombstoneAt(0)]).toEqual([2, 6, true]);
    history.compact(7);
    expect([history.length, history.mainAt(0)]).toEqual([1, 8]);
  });

  test('is empty when the compaction is after its deletion', () => {
    const history = new KeyHistory();
    history.put(2, 0);
    history.tombstone(3, 0);
    expect(history.compact(3)).toBe(false);
    expect(history.compact(4)).toBe(true);
  });

  test('keeps creation and version of a life whose beginning is compacted', () => {
    const history = new KeyHistory();
    for (let revision = 2; revision < 50; revision++) history.put(revision, 0);
    history.compact(49);
    expect(history.length).toBe(1);
    history.put(50, 0);
    expect([history.createRevision, history.version]).toEqual([2, 49]);
  });

  test('finds any of many revisions', () => {
    const history = new KeyHistory();
    for (let i = 1; i <= 200; i++) history.put(i * 10, i);
    for (let i = 1; i <= 200; i++) expect(history.subAt(history.visible(i * 10 + 9))).toBe(i);
  });
});
