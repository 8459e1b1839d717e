import { beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { ManualClock } from '../base/testing/manual-clock.ts';
import { errCompacted } from '../errors/etcd-error.ts';
import { type AutoCompaction, autoCompactor } from './auto-compactor.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let clock: ManualClock;
let revision: number;
let isLeader: boolean;
let failure: Error | undefined;
/** What was compacted to, and when, in minutes. */
let compacted: [minute: number, revision: number][];

beforeEach(() => {
  clock = new ManualClock();
  revision = 1;
  isLeader = true;
  failure = undefined;
  compacted = [];
});

function start(rule: AutoCompaction) {
  const compactor = autoCompactor(rule, {
    currentRevision: () => revision,
    isLeader: () => isLeader,
    compact: async (to) => {
      compacted.push([clock.now() / minuteMs, to]);
      if (failure !== undefined) throw failure;
    },
    clock,
    log: silentLogger,
  });
  compactor?.start();
  return compactor;
}

/** Lets minutes pass, in each of which one revision is written: after n minutes, revision n + 1 is current. */
async function write(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) {
    await clock.advance(minuteMs);
    revision++;
  }
}

test.each(['periodic', 'revision'] as const)('nothing is compacted in mode %s with retention 0', (mode) => {
  expect(start({ mode, retention: 0 })).toBeUndefined();
});

describe('in mode periodic', () => {
  test('what was current a period ago is compacted to, first after a period and then after each', async () => {
    start({ mode: 'periodic', retention: 10 * minuteMs });
    await write(35);
    expect(compacted).toEqual([
      [10, 1],
      [20, 10],
      [30, 20],
    ]);
  });

  test('a period of more than an hour is kept, and moved on every hour', async () => {
    start({ mode: 'periodic', retention: 5 * hourMs });
    await write(7 * 60 + 1);
    expect(compacted).toEqual([
      [300, 1],
      [360, 60],
      [420, 120],
    ]);
  });

  test('nothing is compacted twice', async () => {
    start({ mode: 'periodic', retention: 10 * minuteMs });
    await write(1);
    await clock.advance(10 * hourMs);
    expect(compacted.map(([, to]) => to)).toEqual([1, 2]);
  });

  test('what failed is tried again after a tenth of the period', async () => {
    start({ mode: 'periodic', retention: 10 * minuteMs });
    failure = new Error('etcdserver: request timed out');
    await write(12);
    failure = undefined;
    await write(4);
    expect(compacted).toEqual([
      [10, 1],
      [11, 1],
      [12, 2],
      [13, 3],
    ]);
  });

  test('a revision that somebody else has compacted counts as done', async () => {
    start({ mode: 'periodic', retention: 10 * minuteMs });
    failure = errCompacted();
    await write(20);
    expect(compacted).toEqual([
      [10, 1],
      [20, 10],
    ]);
  });

  test('a follower only watches; once it leads, it knows the past', async () => {
    isLeader = false;
    start({ mode: 'periodic', retention: 10 * minuteMs });
    await write(24);
    expect(compacted).toEqual([]);
    isLeader = true;
    await write(1);
    expect(compacted).toEqual([[25, 15]]);
  });

  test('nothing happens after it is stopped', async () => {
    const compactor = start({ mode: 'periodic', retention: 10 * minuteMs });
    await write(9);
    compactor?.stop();
    await write(60);
    expect([compacted, clock.pending]).toEqual([[], 0]);
  });
});

describe('in mode revision', () => {
  test('all but the newest revisions are compacted, every five minutes', async () => {
    start({ mode: 'revision', retention: 3 });
    await write(16);
    expect(compacted).toEqual([
      [5, 2],
      [10, 7],
      [15, 12],
    ]);
  });

  test('nothing is compacted while there are no more revisions than are kept, nor twice', async () => {
    start({ mode: 'revision', retention: 11 });
    await write(11);
    expect(compacted).toEqual([]);
    await clock.advance(hourMs);
    expect(compacted).toEqual([[15, 1]]);
  });

  test('a follower does not compact', async () => {
    isLeader = false;
    start({ mode: 'revision', retention: 1 });
    await write(30);
    expect(compacted).toEqual([]);
  });
});
