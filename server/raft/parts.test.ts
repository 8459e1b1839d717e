import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, Snapshot, SnapshotMetadata } from '../proto/gen/raft.ts';
import { Inflights } from './inflights.ts';
import { entrySizeBytes, RaftLog, totalBytes } from './log.ts';
import { committedIndex, voteResult } from './quorum.ts';
import { entriesOf, initialState } from './testing/node.ts';

describe('a majority', () => {
  test('holds what is committed, and nothing beyond', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }), (matches) => {
        const held = (index: number) => matches.filter((match) => match >= index).length;
        const commit = committedIndex([...matches]);
        expect(held(commit)).toBeGreaterThan(matches.length / 2);
        expect(held(commit + 1)).toBeLessThanOrEqual(matches.length / 2);
      }),
    );
    expect(committedIndex([])).toBe(0);
  });

  test('decides an election as soon as it is certain', () => {
    const votesOf = fc.array(fc.constantFrom(true, false, undefined), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(votesOf, (votes) => {
        const ids = votes.map((_, i) => BigInt(i));
        const cast = new Map(ids.flatMap((id, i) => (votes[i] === undefined ? [] : [[id, votes[i]]])));
        const missing = votes.filter((vote) => vote === undefined).length;
        const granted = votes.filter((vote) => vote === true).length;
        const majority = (count: number) => count > votes.length / 2;
        const expected = majority(granted) ? 'won' : majority(granted + missing) ? 'pending' : 'lost';
        expect(voteResult(new Set(ids), cast)).toBe(expected);
      }),
    );
  });

  test('counts voters only', () => {
    const votes = new Map([
      [1n, true],
      [8n, true],
      [9n, true],
    ]);
    expect(voteResult(new Set([1n, 2n, 3n]), votes)).toBe('pending');
  });
});

describe('the window of messages under way', () => {
  test('is a queue of limited length', () => {
    const operations = fc.array(fc.oneof(fc.constant('add'), fc.constant('first'), fc.nat(60)), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(300), operations, (messages, bytes, todo) => {
        const window = new Inflights({ messages, bytes });
        let model: number[] = [];
        let next = 0;
        // A message is of as many bytes as its number.
        const isFull = (): boolean => model.length === messages || model.reduce((sum, each) => sum + each, 0) >= bytes;
        for (const operation of todo) {
          if (operation === 'add') {
            if (!isFull()) {
              next++;
              window.add(next, next);
              model.push(next);
            }
          } else if (operation === 'first') {
            window.freeFirst();
            model.shift();
          } else {
            window.freeUpTo(Number(operation));
            model = model.filter((index) => index > Number(operation));
          }
          expect([window.count, window.isFull()]).toEqual([model.length, isFull()]);
        }
      }),
    );
  });
});

describe('the log', () => {
  const sortedTerms = fc
    .array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 })
    .map((terms) => terms.sort((a, b) => a - b));

  test('finds the last index of at most a term as a search one by one does', () => {
    fc.assert(
      fc.property(sortedTerms, fc.nat(22), fc.nat(7), (terms, index, term) => {
        const log = new RaftLog(initialState({ log: terms }));
        let expected = index;
        if (index <= terms.length) while (expected > 0 && (terms[expected - 1] as number) > term) expected--;
        expect(log.lastIndexWithTermAtMost(index, term)).toBe(expected);
      }),
    );
  });

  test('gives as many entries as fit, but at least one', () => {
    fc.assert(
      fc.property(fc.nat(300), (maxBytes) => {
        const log = new RaftLog(initialState({ log: new Array(12).fill(1) }));
        const entries = log.slice(1, 13, maxBytes);
        const size = (count: number) =>
          entriesOf(new Array(count).fill(1)).reduce((sum, entry) => sum + entrySizeBytes(entry), 0);
        expect(entries.length === 1 || size(entries.length) <= maxBytes).toBe(true);
        expect(entries.length === 12 || size(entries.length + 1) > maxBytes).toBe(true);
      }),
    );
  });

  test('knows at any time how many bytes of it are applied, are not, and are too many', () => {
    const step = fc.record({
      what: fc.constantFrom('append', 'replace', 'store', 'apply', 'compact', 'restore'),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(sortedTerms, fc.array(step, { maxLength: 30 }), (terms, steps) => {
        const log = new RaftLog(initialState({ log: terms }));
        let sequence = 0;
        let term = 6;
        let appliedBytes = 0;
        for (const { what, count } of steps) {
          if (what === 'append') log.append(entriesOf(new Array(count).fill(term), log.lastIndex + 1));
          else if (what === 'replace') {
            const from = Math.max(log.committed + 1, log.lastIndex + 1 - count);
            term++;
            log.appendBehind(from - 1, log.term(from - 1) as number, entriesOf(new Array(count).fill(term), from));
          } else if (what === 'store') {
            log.offer(++sequence);
            log.stored(sequence);
            log.commitTo(Math.min(log.lastIndex, log.committed + count));
          } else if (what === 'apply') {
            const taken = log.takeCommitted(count * 20);
            appliedBytes += totalBytes(taken);
            if (taken.length > 0) log.appliedTo((taken.at(-1) as Entry).Index);
          } else if (what === 'compact') log.compact(log.applied);
          else {
            const index = log.lastIndex + count;
            log.restore(Snapshot.create({ metadata: SnapshotMetadata.create({ index, term }) }));
            log.appliedTo(index);
          }
          expect(log.unappliedBytes).toBe(totalBytes(log.unapplied()));
          expect(log.appliedBytes).toBe(appliedBytes);
          const fitting = log.indexToFit(count * 40);
          const behind = (index: number) =>
            totalBytes(log.slice(index + 1, log.lastIndex + 1, Number.POSITIVE_INFINITY));
          expect(behind(fitting)).toBeLessThanOrEqual(count * 40);
          expect(fitting < log.firstIndex || behind(fitting - 1) > count * 40).toBe(true);
        }
      }),
    );
  });

  test('holds after any append what a leader and a follower agree on, and the rest of the leader', () => {
    // Two logs share a beginning; the leader sends a piece of its own, which begins within what is shared.
    fc.assert(
      fc.property(sortedTerms, sortedTerms, fc.nat(20), fc.nat(20), (shared, own, from, count) => {
        const mine = [...shared, ...own.map((term) => term + 10)];
        const theirs = [...shared, ...own.map((term) => term + 20)];
        const previous = Math.min(from, shared.length);
        const piece = theirs.slice(previous, previous + count);
        const log = new RaftLog(initialState({ log: mine }));
        const matched = log.appendBehind(previous, theirs[previous - 1] ?? 0, entriesOf(piece, previous + 1));
        expect(matched).toBe(previous + piece.length);
        const held = log.slice(1, log.lastIndex + 1, Number.POSITIVE_INFINITY).map(({ Term }) => Term);
        expect(held.slice(0, matched)).toEqual(theirs.slice(0, matched));
        const reachesConflict = (matched as number) > shared.length;
        expect(held.slice(matched)).toEqual(reachesConflict ? [] : mine.slice(matched));
      }),
    );
  });
});
