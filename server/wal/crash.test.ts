import { describe, expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { randomFrom } from '../base/testing/crash-disk.ts';
import { CrashFileSystem, type Step } from '../base/testing/crash-file-system.ts';
import { ConfState, type HardState } from '../proto/gen/raft.ts';
import { contentsOf, entries, entry, type ModelRecord, plain } from './testing/log-model.ts';
import { Wal } from './wal.ts';

reportCrashPoints('write-ahead log');

const metadata = { nodeId: 1n, clusterId: 2n };
const confState = ConfState.create({ voters: [1n] });

/** What a run asked for, in order, and how much of it was promised to be durable. */
interface History {
  created: boolean;
  records: ModelRecord[];
  promised: number;
  /** The snapshot that was last promised. */
  snapshot: { index: number; term: number };
}

/**
 * A member's life until the power fails: saves, alone and several at once, over old entries, snapshots, purges.
 * `history` is kept up to date on the way.
 */
async function live(fs: CrashFileSystem, history: History, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  // With every other seed the short saves do not wait for their turn.
  const wal = await Wal.create('/data/wal', metadata, {
    fs,
    segmentSizeBytes: 3000,
    maxDirectBytes: (seed % 2) * 1000,
  });
  history.created = true;
  let last = 0;
  let commit = 0;
  const save = async (mustSync: boolean) => {
    const from = Math.max(commit + 1, last + 1 - below(3));
    const batch = mustSync ? entries(from, from + below(3), history.records.length + 1, 1 + below(900)) : [];
    last = batch.at(-1)?.Index ?? last;
    const hardState: HardState = { term: history.records.length + 1, vote: 1n, commit };
    history.records.push(...batch.map((entry) => ({ entry })), { state: hardState });
    const promise = history.records.length;
    await wal.save(hardState, batch, mustSync);
    if (mustSync) history.promised = Math.max(history.promised, promise);
  };
  for (let round = 0; round < 8; round++) {
    await Promise.all(Array.from({ length: 1 + below(3) }, () => save(true)));
    commit = last;
    await save(false);
    if (round % 3 !== 2) continue;
    await save(true);
    const snapshot = { index: commit, term: 1 };
    await wal.saveSnapshot({ ...snapshot, confState });
    history.snapshot = snapshot;
    wal.releaseTo(snapshot.index);
    await wal.purge(1);
  }
  await wal.close();
  history.promised = history.records.length;
}

/** Opens what is on the disk and checks that it is what was asked for, up to some point at or after the last promise. */
async function check(fs: CrashFileSystem, history: History): Promise<void> {
  if (!(await Wal.exists('/data/wal', fs))) {
    expect(history.created).toBe(false);
    return;
  }
  const valid = await Wal.validSnapshots('/data/wal', { fs });
  if (history.snapshot.index > 0) expect(valid.map(({ index }) => index)).toContain(history.snapshot.index);
  const opened = await Wal.open('/data/wal', history.snapshot, { fs, segmentSizeBytes: 3000 });
  const possible = [];
  for (let length = history.promised; length <= history.records.length; length++) {
    possible.push(plain(contentsOf(history.records.slice(0, length), history.snapshot.index)));
  }
  expect(possible).toContainEqual(plain(opened));
  const next = (opened.entries.at(-1)?.Index ?? history.snapshot.index) + 1;
  await opened.wal.save(undefined, entries(next, next + 20, 99, 300), true);
  await opened.wal.close();
  const read = await Wal.read('/data/wal', history.snapshot, { fs });
  expect(read.entries).toHaveLength(opened.entries.length + 21);
}

async function runUntilCrash(
  seed: number,
  crashAtStep?: number,
  onStep?: (step: Step) => void,
): Promise<{ fs: CrashFileSystem; history: History }> {
  const fs = new CrashFileSystem({
    seed,
    ...(crashAtStep !== undefined && { crashAtStep: crashAtStep + 2 }),
    ...(onStep !== undefined && { onStep }),
  });
  await fs.makeDirectory('/data');
  await fs.syncDirectory('/');
  const history: History = { created: false, records: [], promised: 0, snapshot: { index: 0, term: 0 } };
  // Every later call fails as well; which call it was that met the crash does not matter.
  await live(fs, history, seed).catch(() => undefined);
  return { fs, history };
}

describe('when the power fails in any step of creating, saving, cutting, recording snapshots and purging', () => {
  test.each([1, 2, 3, 4, 5, 6])('what was promised is there, and the log goes on (seed %i)', async (seed) => {
    const whole = await runUntilCrash(seed);
    expect(whole.fs.count('rename')).toBeGreaterThan(2);
    expect(whole.fs.count('remove')).toBeGreaterThan(0);
    await check(whole.fs.reboot(), whole.history);
    for (let step = 1; step <= whole.fs.steps.length - 2; step++) {
      const { fs, history } = await runUntilCrash(seed, step);
      await check(fs.reboot(), history);
    }
  });

  test.each([11, 12, 13])('and again in any step of opening (seed %i)', async (seed) => {
    const { steps } = (await runUntilCrash(seed)).fs;
    for (let step = 10; step <= steps.length - 2; step += 7) {
      for (let again = 1; again <= 8; again++) {
        const { fs, history } = await runUntilCrash(seed, step);
        const second = fs.reboot({ seed: seed + again, crashAtStep: again });
        const opened = await Wal.open('/data/wal', history.snapshot, { fs: second }).catch(() => undefined);
        await opened?.wal.close().catch(() => undefined);
        await check(second.reboot(), history);
      }
    }
  });
});

/** A process that is killed leaves behind what it wrote, synced or not; the power fails in the life of the next. */
describe('when the process is killed in any step, and the power fails later', () => {
  test.each([21, 22, 23, 24])('what the next process was promised is there (seed %i)', async (seed) => {
    const { steps } = (await runUntilCrash(seed)).fs;
    for (let step = 1; step <= steps.length - 2; step++) {
      let life = 1;
      const onStep = ({ number }: Step) => {
        if (life === 1 && number >= step + 2) throw new Error('killed');
      };
      const { fs } = await runUntilCrash(seed, undefined, onStep);
      life = 2;
      if (!(await Wal.exists('/data/wal', fs))) continue;
      const options = { fs, segmentSizeBytes: 3000 };
      const next = await Wal.open('/data/wal', { index: 0, term: 0 }, options).catch(() => undefined);
      // Its beginning was purged, which `check` looks at.
      if (next === undefined) continue;
      const last = next.entries.at(-1)?.Index ?? 0;
      await next.wal.save(undefined, [entry(last + 1, 99)], true);
      const read = await Wal.read('/data/wal', { index: 0, term: 0 }, { fs: fs.reboot() });
      expect(plain(read)).toEqual(plain({ ...next, entries: [...next.entries, entry(last + 1, 99)] }));
    }
  });
});
