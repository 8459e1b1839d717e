/**
 * The power may fail in any step of a member's first start, of its life, and of the starts after: then it starts again
 * with everything that it has acknowledged, or says which file is in its way.
 */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem, type CrashOptions } from '../base/testing/crash-file-system.ts';
import { parseInitialCluster } from '../membership/mod.ts';
import type { MemberConfig } from './config.ts';
import { BareMember, memberConfig, type SentSnapshot } from './testing/bare-member.ts';

reportCrashPoints('a member: first start, life, restart, snapshot install, log cut and purge');

/** What a run asked for, and how much of it was acknowledged. */
interface History {
  /** The member said that it is up. */
  started: boolean;
  /** Keys in the order in which they were put. */
  put: string[];
  acknowledged: number;
}

const layouts: { title: string; more: Partial<MemberConfig> }[] = [
  { title: 'everything in one directory', more: {} },
  { title: 'its log elsewhere', more: { walDir: '/logs/etcd/m1' } },
  {
    title: 'two other members, none of which answers',
    more: {
      initialCluster: parseInitialCluster('m1=http://127.0.0.1:2380,m2=http://127.0.0.1:1,m3=http://127.0.0.1:2'),
    },
  },
];

function newHistory(): History {
  return { started: false, put: [], acknowledged: 0 };
}

/** A first start, writes, commits of the database, a snapshot, and an orderly end. */
async function firstLife(fs: CrashFileSystem, history: History, more: Partial<MemberConfig>): Promise<void> {
  const member = await BareMember.start(memberConfig(fs, more));
  history.started = true;
  const put = async () => {
    history.put.push(`key-${history.put.length}`);
    await member.put(history.put.at(-1) as string);
    history.acknowledged = history.put.length;
  };
  for (let i = 0; i < 3; i++) await put();
  await member.boot.machine.backend.commit();
  for (let i = 0; i < 2; i++) await put();
  await member.takeSnapshot();
  for (let i = 0; i < 2; i++) await put();
  await member.close();
}

/** Starts after a crash, and checks that nothing acknowledged is missing and nothing else is there. */
async function startAgain(fs: CrashFileSystem, history: History, more: Partial<MemberConfig>): Promise<BareMember> {
  const member = await BareMember.start(memberConfig(fs, more));
  const keys = member.keys();
  expect(keys).toEqual(history.put.slice(0, keys.length));
  expect(keys.length).toBeGreaterThanOrEqual(history.acknowledged);
  const leftovers = (await fs.list('/srv/etcd/m1/member/snap')).filter((name) => name.includes('tmp'));
  expect(leftovers).toEqual([]);
  const expected = new Map(memberConfig(fs, more).initialCluster);
  expect(new Map(member.boot.machine.cluster.members().map(({ name, peerURLs }) => [name, peerURLs]))).toEqual(
    expected,
  );
  return member;
}

async function run(options: CrashOptions, more: Partial<MemberConfig>) {
  const fs = new CrashFileSystem(options);
  // As an administrator prepares it: what is above the data directory was there for long.
  fs.seedFile('/srv/other', Buffer.of(1));
  const history = newHistory();
  const error = await firstLife(fs, history, more).catch((thrown: Error) => thrown);
  return { fs, history, error };
}

describe.each(layouts)('a member with $title', { timeout: 60_000 }, ({ more }) => {
  test('comes up after a power cut at any step of its first start and its life, with all it has acknowledged', async () => {
    const whole = await run({}, more);
    expect(whole.error).toBeUndefined();
    expect(whole.history.acknowledged).toBe(7);
    for (let step = 1; step <= whole.fs.steps.length; step++) {
      for (let seed = 1; seed <= 2; seed++) {
        const { fs, history } = await run({ crashAtStep: step, seed: 1000 * seed + step }, more);
        const after = fs.reboot();
        const member = await startAgain(after, history, more);
        const kept = member.keys();
        await member.put('after the crash');
        // The process is killed, the machine goes on: nothing was closed.
        const again = await BareMember.start(memberConfig(after.reboot({}), more));
        expect(again.keys()).toEqual([...kept, 'after the crash']);
      }
    }
  });

  test('comes up after a power cut at any step of a start after a power cut', async () => {
    const { steps } = (await run({}, more)).fs;
    for (let step = 1; step <= steps.length; step += 5) {
      for (let second = 1; second <= 12; second++) {
        const { fs, history } = await run({ crashAtStep: step, seed: step }, more);
        const restarted = fs.reboot({ crashAtStep: second, seed: step * 100 + second });
        await BareMember.start(memberConfig(restarted, more)).catch(() => undefined);
        const member = await startAgain(restarted.reboot(), history, more);
        await member.close();
      }
    }
  });
});

describe('a member that is sent a snapshot', () => {
  async function sent(): Promise<SentSnapshot> {
    const leader = await BareMember.start(memberConfig(new CrashFileSystem()));
    for (let i = 0; i < 20; i++) await leader.put(`of the leader ${i}`);
    const snapshot = await leader.send();
    await leader.close();
    return snapshot;
  }

  async function receiving(options: CrashOptions, snapshot: SentSnapshot) {
    const fs = new CrashFileSystem(options);
    const progress = { put: false, received: false, putAfter: false };
    const life = async () => {
      const member = await BareMember.start(memberConfig(fs));
      await member.put('of its own');
      progress.put = true;
      await member.receive(snapshot);
      progress.received = true;
      await member.put('after it was installed');
      progress.putAfter = true;
      await member.boot.machine.backend.commit();
      await member.takeSnapshot();
      await member.purge();
      await member.close();
      await (await BareMember.start(memberConfig(fs))).close();
    };
    await life().catch(() => undefined);
    return { fs, progress };
  }

  test('comes up with its old state or with the new one, and with the new one once it has been received', async () => {
    const snapshot = await sent();
    const { steps } = (await receiving({}, snapshot)).fs;
    const outcomes = new Set<string>();
    for (let step = 1; step <= steps.length; step++) {
      for (let seed = 1; seed <= 3; seed++) {
        const { fs, progress } = await receiving({ crashAtStep: step, seed: seed * 1000 + step }, snapshot);
        const member = await BareMember.start(memberConfig(fs.reboot()));
        const keys = member.keys();
        const isNew = keys.length >= 20;
        if (isNew) expect(keys.slice(20)).toEqual(keys.length > 20 ? ['after it was installed'] : []);
        else expect(keys).toEqual(keys.length > 0 || progress.put ? ['of its own'] : []);
        if (!isNew) expect(progress.received).toBe(false);
        if (progress.putAfter) expect(keys.length).toBe(21);
        outcomes.add(isNew ? 'new' : 'old');
        await member.put('after the crash');
        await member.close();
      }
    }
    expect(outcomes).toEqual(new Set(['old', 'new']));
  });
});

describe('a member whose log is cut and purged again and again', { timeout: 60_000 }, () => {
  const more = { walSegmentSizeBytes: 3000 };
  const whatIsPurged = new Set<string>();

  async function cutting(options: CrashOptions) {
    const fs = new CrashFileSystem(options);
    const history = newHistory();
    const life = async () => {
      const member = await BareMember.start(memberConfig(fs, more));
      history.started = true;
      for (let i = 0; i < 12; i++) {
        history.put.push(`key-${i}`);
        await member.put(`key-${i}`);
        history.acknowledged = i + 1;
        if (i % 4 !== 3) continue;
        await member.takeSnapshot();
        for (const name of await member.purge()) whatIsPurged.add(path.extname(name));
      }
      await member.close();
    };
    await life().catch(() => undefined);
    return { fs, history };
  }

  test('comes up after a power cut at any step with all it has acknowledged', async () => {
    const { fs: whole, history: complete } = await cutting({});
    expect(complete.acknowledged).toBe(12);
    expect(whatIsPurged).toEqual(new Set(['.wal', '.snap']));
    for (let step = 1; step <= whole.steps.length; step++) {
      for (let seed = 1; seed <= 2; seed++) {
        const { fs, history } = await cutting({ crashAtStep: step, seed: 1000 * seed + step });
        const member = await startAgain(fs.reboot(), history, more);
        await member.put('after the crash');
        await member.takeSnapshot();
        await member.purge();
        await member.close();
      }
    }
  });
});

describe('a start is refused, naming the file, when', () => {
  async function stopped(more: Partial<MemberConfig> = {}): Promise<CrashFileSystem> {
    const { fs } = await run({}, more);
    return fs;
  }

  test('the log is gone and the database is there', async () => {
    const fs = await stopped();
    await fs.removeDirectory('/srv/etcd/m1/member/wal');
    const { steps } = fs;
    const before = steps.length;
    await expect(BareMember.start(memberConfig(fs))).rejects.toThrow(
      '/srv/etcd/m1/member/snap holds a database but /srv/etcd/m1/member/wal holds no write-ahead log',
    );
    expect(steps.length).toBe(before);
  });

  test.each(['everything', 'the database', 'database and snapshots'])(
    'the log is there, and a snapshot that it begins at is not: %s is gone',
    async (gone) => {
      const more = { walDir: '/logs/etcd/m1' };
      const fs = await stopped(more);
      const snap = '/srv/etcd/m1/member/snap';
      if (gone === 'everything') await fs.removeDirectory('/srv/etcd/m1');
      else if (gone === 'the database') await fs.remove(`${snap}/db`);
      else for (const name of await fs.list(snap)) await fs.remove(`${snap}/${name}`);
      await expect(BareMember.start(memberConfig(fs, more))).rejects.toThrow(
        new RegExp(`${snap}/db is missing or older than the snapshot at index 6 .* empty data directory`),
      );
    },
  );

  test('the log was begun for another cluster, and not gone on with', async () => {
    const more = { initialClusterToken: 'another' };
    const { steps } = (await run({}, {})).fs;
    const reasons = new Set<string>();
    for (let step = 1; step < steps.length; step++) {
      for (let seed = 1; seed <= 5; seed++) {
        const { fs, history } = await run({ crashAtStep: step, seed: step * 100 + seed }, {});
        if (history.started) continue;
        const error = await BareMember.start(memberConfig(fs.reboot(), more)).catch((thrown: Error) => thrown);
        reasons.add(
          error instanceof Error ? (/was begun for cluster/.exec(error.message)?.[0] ?? error.message) : 'up',
        );
      }
    }
    expect(reasons).toEqual(new Set(['up', 'was begun for cluster']));
  });
});

test('a database that does not tell the term of its last entry, as one of before etcd 3.5, learns it from the log', async () => {
  const fs = new CrashFileSystem();
  const first = await BareMember.start(memberConfig(fs));
  await first.put('a');
  const { backend } = first.boot.machine;
  await backend.commit();
  first.boot.machine.appliedTerm = 0;
  backend.delete('meta', Buffer.from('term'));
  await first.close();
  const second = await BareMember.start(memberConfig(fs));
  expect(second.boot.machine).toMatchObject({ appliedIndex: 2, appliedTerm: 1 });
  await second.boot.machine.backend.commit();
  expect(second.boot.machine.backend.get('meta', Buffer.from('term'))?.at(-1)).toBe(1);
  await second.close();
});
