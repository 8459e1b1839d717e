import { afterEach, describe, expect, test, vi } from 'vitest';
import { RaftLog } from './log.ts';
import { ReadQueue } from './read-queue.ts';
import { Simulation, type SimulationOptions } from './testing/simulation.ts';
import { Tracker } from './tracker.ts';

/** Members die and campaign all the time. */
const turmoil = { campaign: 60, crash: 20, restart: 60, lose: 20, heal: 30, changeMembers: 1 };
const manyChanges = { changeMembers: 60, campaign: 10 };

function run(options: SimulationOptions): Simulation {
  const simulation = new Simulation(options);
  simulation.run();
  return simulation;
}

/** Runs seed after seed until one fails. @returns what it says; undefined if all of them pass */
function firstFailure(seeds: number, options: Omit<SimulationOptions, 'seed'>): string | undefined {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      run({ seed, ...options });
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

describe('in a cluster that suffers all faults at random', () => {
  // RAFT_SEED=n begins at another seed (the one that failed, say), RAFT_SEEDS=n runs more of them or fewer.
  const first = Number(process.env.RAFT_SEED ?? 0);
  const count = Number(process.env.RAFT_SEEDS ?? 100);

  test.each([
    { what: 'a few of each kind', steps: 4000, weights: {} },
    { what: 'deaths and campaigns all the time', steps: 4000, weights: turmoil },
    { what: 'many changes of members', steps: 2000, weights: manyChanges },
  ])('$what: it is safe at each step, and goes on when they end', ({ steps, weights }) => {
    const total = { elections: 0, committed: 0, reads: 0, snapshots: 0 };
    for (let seed = first; seed < first + count; seed++) {
      const { counts } = run({ seed, steps, weights }).cluster.checker;
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
    }
    // It has been alive: otherwise nothing is proved.
    if (count < 100) return;
    expect(total.elections).toBeGreaterThan(count);
    expect(total.committed).toBeGreaterThan(count);
    expect(total.reads).toBeGreaterThan(count);
    expect(total.snapshots).toBeGreaterThan(0);
  });

  test('a seed gives the same run each time', () => {
    const [a, b] = [1, 2].map(() => run({ seed: 7, steps: 3000 }).cluster);
    expect(a?.checker.counts).toEqual(b?.checker.counts);
    expect(a?.leader?.machine.checksum).toBe(b?.leader?.machine.checksum);
  });
});

/** Each is a rule of Raft, broken. If the simulation did not notice, it would prove nothing. */
describe('the simulation notices when', () => {
  afterEach(() => vi.restoreAllMocks());

  test('promises are made before they are durable', () => {
    expect(firstFailure(50, { steps: 4000, skipsSync: true })).toMatch(/durable only on/);
  });

  test('a leader counts its own copy before it is durable', () => {
    vi.spyOn(RaftLog.prototype, 'stable', 'get').mockImplementation(function (this: RaftLog) {
      return this.lastIndex;
    });
    expect(firstFailure(200, { steps: 4000 })).toMatch(/durable only on/);
  });

  test('a vote is counted twice', () => {
    const recordVote = Tracker.prototype.recordVote;
    vi.spyOn(Tracker.prototype, 'recordVote').mockImplementation(function (this: Tracker, id, granted) {
      recordVote.call(this, id, granted);
      const silent = [...this.configuration.voters].find((voter) => !this.hasVoted(voter));
      if (granted && silent !== undefined) recordVote.call(this, silent, true);
    });
    expect(firstFailure(100, { steps: 4000 })).toMatch(/election safety|leader completeness|committed entry/);
  });

  test('votes are given to candidates that lack entries', () => {
    vi.spyOn(RaftLog.prototype, 'isUpToDate').mockReturnValue(true);
    expect(firstFailure(100, { steps: 4000 })).toMatch(/leader completeness|committed entry|replaces entry/);
  });

  test('an entry of an older term is committed by counting its copies', () => {
    vi.spyOn(RaftLog.prototype, 'commitInTerm').mockImplementation(function (this: RaftLog, index) {
      return index > this.committed && this.commitTo(index);
    });
    expect(firstFailure(600, { steps: 8000, weights: turmoil })).toMatch(
      /leader completeness|committed entry|commit rule/,
    );
  });

  test('entries are taken in without a look at the one before', () => {
    const appendBehind = RaftLog.prototype.appendBehind;
    vi.spyOn(RaftLog.prototype, 'appendBehind').mockImplementation(function (this: RaftLog, index, _term, entries) {
      return appendBehind.call(this, index, this.term(index) ?? 0, entries);
    });
    expect(firstFailure(500, { steps: 4000 })).toMatch(/log matching|committed entry|state machine safety/);
  });

  test('members are changed before the last change is applied', () => {
    vi.spyOn(RaftLog.prototype, 'applied', 'get').mockImplementation(function (this: RaftLog) {
      return this.lastIndex;
    });
    expect(firstFailure(100, { steps: 4000, weights: manyChanges })).toMatch(
      /first to commit|committed entry|durable only/,
    );
  });

  test('a leader answers reads without making sure that it still leads', () => {
    vi.spyOn(Tracker.prototype, 'isOnlyVoter').mockReturnValue(true);
    expect(firstFailure(600, { steps: 4000 })).toMatch(/linearizability/);
  });

  test('a new leader answers reads before it knows what is committed', () => {
    vi.spyOn(ReadQueue.prototype, 'postpone').mockImplementation(function (this: ReadQueue, read) {
      this.add(read, 0, 0n);
    });
    expect(firstFailure(600, { steps: 4000 })).toMatch(/linearizability/);
  });
});
