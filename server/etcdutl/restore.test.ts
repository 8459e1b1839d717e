import { beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../base/file-system.ts';
import { reportCrashPoints } from '../base/testing/crash-count.ts';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BoltDatabase } from '../bolt/mod.ts';
import { decodeMember } from '../membership/mod.ts';
import { ConfChange, EntryType } from '../proto/gen/raft.ts';
import { Wal } from '../wal/mod.ts';
import { type RestoreOptions, restoreSnapshot } from './mod.ts';
import { damagedCopies, fixtureRevision, snapshotFixture } from './testing/snapshot-fixture.ts';

reportCrashPoints('snapshot restore');

let database: Buffer;
let snapshot: Buffer;
beforeAll(async () => {
  ({ database, snapshot } = await snapshotFixture());
});

const cluster = 'm1=http://127.0.0.1:1380,m2=http://127.0.0.1:2380,m3=http://127.0.0.1:3380';

function options(fs: FileSystem, more: Partial<RestoreOptions> = {}): RestoreOptions {
  return {
    snapshotPath: '/s.db',
    dataDir: '/data/m2',
    name: 'm2',
    initialCluster: cluster,
    initialClusterToken: 'new',
    initialAdvertisePeerUrls: ['http://127.0.0.1:2380'],
    fs,
    ...more,
  };
}

function disk(bytes = snapshot, crash: ConstructorParameters<typeof CrashFileSystem>[0] = {}): CrashFileSystem {
  const fs = new CrashFileSystem(crash);
  fs.seedFile('/s.db', bytes);
  return fs;
}

async function names(fs: FileSystem, directory: string): Promise<string[]> {
  return (await fs.exists(directory)) ? fs.list(directory) : [];
}

/** The database of a restored member. */
async function records(fs: FileSystem, bucket: string, where = '/data/m2'): Promise<Record<string, string>> {
  const restored = await BoltDatabase.open(`${where}/member/snap/db`, { fs, readOnly: true });
  const view = restored.view();
  const found = Object.fromEntries(
    [...view.pairs(bucket)].map(([key, value]) => [key.toString('latin1'), value.toString('hex')]),
  );
  view.close();
  await restored.close();
  return found;
}

describe('a restored member', () => {
  test('has the new cluster’s members, and none of the old one’s', async () => {
    const fs = disk();
    const { members, memberId, revision } = await restoreSnapshot(options(fs));
    expect(revision).toBe(fixtureRevision);
    const stored = Object.entries(await records(fs, 'members')).map(([id, json]) => ({
      id,
      member: decodeMember(Buffer.from(json, 'hex')),
    }));
    expect(stored.map(({ member }) => member.name).sort()).toEqual(['m1', 'm2', 'm3']);
    expect(stored.find(({ member }) => member.name === 'm2')?.id).toBe(memberId.toString(16));
    expect(members).toHaveLength(3);
    expect(await records(fs, 'members_removed')).toEqual({});
  });

  test('tells how far it has come, from some bytes to all', async () => {
    const seen: (readonly [number, number])[] = [];
    await restoreSnapshot(options(disk(), { onProgress: (read, size) => seen.push([read, size]) }));
    const size = seen[0]?.[1] as number;
    expect(seen.at(-1)).toEqual([size, size]);
    expect(seen.map(([read]) => read)).toEqual(seen.map(([read]) => read).toSorted((a, b) => a - b));
  });

  test('has every key, and the index and term of its new log', async () => {
    const fs = disk();
    await restoreSnapshot(options(fs));
    expect(Object.keys(await records(fs, 'key'))).toHaveLength(fixtureRevision - 1);
    expect(await records(fs, 'meta')).toEqual({ consistent_index: '0000000000000003', term: '0000000000000001' });
  });

  test('starts with a log that adds the members in the order of their ids', async () => {
    const fs = disk();
    const { members, memberId, clusterId } = await restoreSnapshot(options(fs));
    const { metadata, hardState, entries } = await Wal.read('/data/m2/member/wal', { index: 0, term: 0 }, { fs });
    expect(metadata).toEqual({ nodeId: memberId, clusterId });
    expect(hardState).toMatchObject({ term: 1, vote: members[0]?.id, commit: 3 });
    expect(entries.map(({ Type, Term, Index }) => [Type, Term, Index])).toEqual(
      [1, 2, 3].map((index) => [EntryType.EntryConfChange, 1, index]),
    );
    const added = entries.map(({ Data }) => ConfChange.decode(Data as Uint8Array).node_id);
    expect(added).toEqual(members.map(({ id }) => id));
    const behind = await Wal.read('/data/m2/member/wal', { index: 3, term: 1 }, { fs });
    expect(behind.entries).toEqual([]);
    expect(await names(fs, '/data/m2/member/snap')).toEqual(['0000000000000001-0000000000000003.snap', 'db']);
  });

  test('has the same cluster id as the others, and its own member id', async () => {
    const restored = await Promise.all(
      ['m1', 'm2', 'm3'].map((name, i) =>
        restoreSnapshot(options(disk(), { name, initialAdvertisePeerUrls: [`http://127.0.0.1:${i + 1}380`] })),
      ),
    );
    expect(new Set(restored.map(({ clusterId }) => clusterId)).size).toBe(1);
    expect(new Set(restored.map(({ memberId }) => memberId)).size).toBe(3);
    const other = await restoreSnapshot(options(disk(), { initialClusterToken: 'newer' }));
    expect(other.clusterId).not.toBe(restored[0]?.clusterId);
  });

  test('can begin at a raised revision, with the history before it marked as compacted', async () => {
    const fs = disk();
    const { revision } = await restoreSnapshot(options(fs, { bumpRevision: 1000 }));
    expect(revision).toBe(fixtureRevision + 1000);
    const key = `0000000000000${revision.toString(16)}5f${'0'.repeat(16)}`;
    expect((await records(fs, 'meta')).scheduledCompactRev).toBe(key);
    expect((await records(fs, 'key'))[Buffer.from(key, 'hex').toString('latin1')]).toBe('');
  });

  test('can have its log elsewhere, or elsewhere in the data directory', async () => {
    const apart = disk();
    await restoreSnapshot(options(apart, { walDir: '/log/m2' }));
    expect([await names(apart, '/log'), await names(apart, '/data/m2/member')]).toEqual([['m2'], ['snap']]);
    const within = disk();
    await restoreSnapshot(options(within, { walDir: '/data/m2/log' }));
    expect(await names(within, '/data/m2')).toEqual(['log', 'member']);
  });

  test('is made in an empty directory that is there already', async () => {
    const fs = disk();
    await fs.makeDirectory('/data/m2');
    await restoreSnapshot(options(fs));
    expect(await names(fs, '/data')).toEqual(['m2']);
  });
});

describe('a refused restore leaves nothing behind and can be tried again:', () => {
  const titles = Object.keys(damagedCopies(Buffer.alloc(20_000), Buffer.alloc(20_032)));
  test.for(titles)('a snapshot with %s', async (title) => {
    const fs = disk(damagedCopies(database, snapshot)[title] as Buffer);
    await expect(restoreSnapshot(options(fs))).rejects.toThrow();
    expect(await names(fs, '/data')).toEqual([]);
    fs.seedFile('/s.db', snapshot);
    await restoreSnapshot(options(fs));
    expect(await names(fs, '/data')).toEqual(['m2']);
  });

  test('a database without hash, unless that is waived', async () => {
    const fs = disk(database);
    await expect(restoreSnapshot(options(fs))).rejects.toMatchObject({ code: 'SNAPSHOT_NO_HASH' });
    expect(await names(fs, '/data')).toEqual([]);
    expect((await restoreSnapshot(options(fs, { skipHashCheck: true }))).revision).toBe(fixtureRevision);
  });

  test('damage in the structure, even if the hash is waived', async () => {
    const broken = Buffer.from(database);
    broken.fill(0xff, 4096 * 3, 4096 * 3 + 64);
    broken.fill(0xff, 4096 * 5, 4096 * 5 + 64);
    broken.fill(0xff, 4096 * 8, 4096 * 8 + 64);
    const fs = disk(broken);
    await expect(restoreSnapshot(options(fs, { skipHashCheck: true }))).rejects.toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
    });
    expect(await names(fs, '/data')).toEqual([]);
  });

  test.for([
    ['a name that the cluster does not have', { name: 'm9' }, 'couldn\'t find local name "m9"'],
    ['other peer URLs than the cluster has', { initialAdvertisePeerUrls: ['http://127.0.0.1:9'] }, 'missing from'],
    ['a cluster that cannot be read', { initialCluster: 'm2=::' }, 'URL scheme must be'],
    ['a snapshot that is not there', { snapshotPath: '/nofile' }, 'open /nofile: no such file or directory'],
  ] as const)('%s', async ([, more, message]) => {
    const fs = disk();
    await expect(restoreSnapshot(options(fs, more))).rejects.toThrow(message);
    expect(fs.steps).toEqual([]);
  });

  test('what is in the way stays as it is', async () => {
    for (const file of ['/data/m2/precious', '/log/m2/precious']) {
      const fs = disk();
      fs.seedFile(file, Buffer.from('keep'));
      await expect(restoreSnapshot(options(fs, { walDir: '/log/m2' }))).rejects.toThrow(
        'not empty or could not be read',
      );
      expect(fs.steps).toEqual([]);
    }
  });

  test('a disk that fails at any step', async () => {
    const good = disk();
    await restoreSnapshot(options(good, { walDir: '/log/m2' }));
    const last = good.steps.length;
    for (let at = 1; at <= last; at++) {
      let steps = 0;
      const onStep = (): void => {
        if (++steps === at) throw Object.assign(new Error('EIO: input/output error'), { code: 'EIO' });
      };
      const fs = disk(snapshot, { onStep });
      const failed = await restoreSnapshot(options(fs, { walDir: '/log/m2' })).then(
        () => false,
        () => true,
      );
      expect(failed, `step ${at} of ${last}`).toBe(true);
      expect([await names(fs, '/data'), await names(fs, '/log')], `step ${at}`).toEqual([[], []]);
    }
  }, 60_000);
});

/** Whether there is a member that can start; fails when there is half of one. */
async function isRestored(fs: CrashFileSystem): Promise<boolean> {
  if (!(await fs.exists('/data/m2'))) return false;
  expect(Object.keys(await records(fs, 'key'))).toHaveLength(fixtureRevision - 1);
  const { entries } = await Wal.read('/data/m2/member/wal', { index: 3, term: 1 }, { fs });
  expect(entries).toEqual([]);
  expect(await names(fs, '/data/m2/member/snap')).toContain('0000000000000001-0000000000000003.snap');
  return true;
}

describe('after a power cut', () => {
  test.for([{ parent: 'there' }, { parent: 'not there' }])(
    'at any step, the data directory is complete or not there (the directory above: $parent)',
    { timeout: 60_000 },
    async ({ parent }) => {
      const start = (crash = {}): CrashFileSystem => {
        const fs = disk(snapshot, crash);
        if (parent === 'there') fs.seedFile('/data/other', Buffer.alloc(0));
        return fs;
      };
      const good = start();
      await restoreSnapshot(options(good));
      const outcomes = new Set<boolean>();
      for (let at = 1; at <= good.steps.length; at++) {
        for (const seed of [1, 2, 3]) {
          const fs = start({ crashAtStep: at, seed });
          await restoreSnapshot(options(fs)).catch(() => undefined);
          outcomes.add(await isRestored(fs.reboot()));
        }
      }
      expect(outcomes).toEqual(new Set([false, true]));
    },
  );

  test('at any step, with the log elsewhere: no data without its log, and a retry says what is in the way', async () => {
    const apart = (fs: CrashFileSystem) => options(fs, { walDir: '/log/m2' });
    const good = disk();
    await restoreSnapshot(apart(good));
    const outcomes = new Set<string>();
    for (let at = 1; at <= good.steps.length; at++) {
      for (const seed of [1, 2, 3]) {
        const fs = disk(snapshot, { crashAtStep: at, seed });
        await restoreSnapshot(apart(fs)).catch(() => undefined);
        const after = fs.reboot();
        if (await after.exists('/data/m2')) {
          const { entries } = await Wal.read('/log/m2', { index: 3, term: 1 }, { fs: after });
          expect(entries).toEqual([]);
          expect(Object.keys(await records(after, 'key'))).toHaveLength(fixtureRevision - 1);
          outcomes.add('complete');
          continue;
        }
        const again = await restoreSnapshot(apart(after)).catch((error: Error) => error);
        if (again instanceof Error) expect(again.message).toBe('wal-dir "/log/m2" not empty or could not be read');
        outcomes.add(again instanceof Error ? 'the log only' : 'nothing');
      }
    }
    expect(outcomes).toEqual(new Set(['nothing', 'the log only', 'complete']));
  }, 60_000);

  test('right after it was reported as done, it is there', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const fs = disk(snapshot, { seed });
      await restoreSnapshot(options(fs));
      expect(await isRestored(fs.reboot())).toBe(true);
    }
  });
});
