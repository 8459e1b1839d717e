/** Files of a data directory and snapshots: damaged, they are refused by name, or what is read is what was written. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../../../server/base/testing/crash-file-system.ts';
import { BoltError } from '../../../server/bolt/mod.ts';
import { restoreSnapshot, SnapshotError, snapshotStatus } from '../../../server/etcdutl/mod.ts';
import { snapshotFixture } from '../../../server/etcdutl/testing/snapshot-fixture.ts';
import { BareMember, memberConfig } from '../../../server/member/testing/bare-member.ts';
import { ConfState } from '../../../server/proto/gen/raft.ts';
import { Wal, WalError } from '../../../server/wal/mod.ts';
import { contentsOf, entries, type ModelRecord, plain } from '../../../server/wal/testing/log-model.ts';
import { type Damage, damaged, damages, fuzzRuns, withinMemory } from './damage.ts';

/** The largest piece that is read at once is 4 MiB, of a snapshot file. */
const memoryLimitBytes = 5 * 1024 * 1024;
const runs = { numRuns: Math.ceil(fuzzRuns / 3) };

function asText(contents: Parameters<typeof plain>[0]): string {
  return JSON.stringify(plain(contents), (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}

describe('a write-ahead log of several segments', () => {
  const snapshot = { index: 9, term: 2 };
  let files: Map<string, Uint8Array>;
  /** What the log held after each save, as something comparable, behind index 0 and behind the snapshot. */
  let states: { all: Set<string>; behindSnapshot: Set<string> };

  beforeAll(async () => {
    const fs = new CrashFileSystem();
    const options = { fs, segmentSizeBytes: 2000 };
    const wal = await Wal.create('/wal', { nodeId: 1n, clusterId: 2n }, options);
    const records: ModelRecord[] = [];
    const text = (from: number) => records.map((_, i) => asText(contentsOf(records.slice(0, i + 1), from)));
    for (let round = 1; round <= 12; round++) {
      const batch = entries(round * 2 - 1, round * 2 + 1, round, 150);
      const hardState = { term: round, vote: 1n, commit: round * 2 };
      records.push(...batch.map((entry) => ({ entry })), { state: hardState });
      await wal.save(hardState, batch, true);
      if (round === 5) await wal.saveSnapshot({ ...snapshot, confState: ConfState.create({ voters: [1n] }) });
    }
    await wal.close();
    files = new Map((await fs.list('/wal')).map((name) => [name, fs.contents(`/wal/${name}`)]));
    expect(files.size).toBeGreaterThan(3);
    const nothing = asText(contentsOf([]));
    states = { all: new Set([nothing, ...text(0)]), behindSnapshot: new Set([nothing, ...text(snapshot.index)]) };
  });

  async function look(fs: CrashFileSystem): Promise<'read' | 'refused'> {
    const attempts = [
      async () => expect(states.all).toContain(asText(await Wal.read('/wal', { index: 0, term: 0 }, { fs }))),
      async () => expect(states.behindSnapshot).toContain(asText(await Wal.read('/wal', snapshot, { fs }))),
      () => Wal.validSnapshots('/wal', { fs }),
      async () => {
        const { wal, entries: found, hardState } = await Wal.open('/wal', { index: 0, term: 0 }, { fs });
        const next = (found.at(-1)?.Index ?? 0) + 1;
        await wal.save(hardState, entries(next, next, 99), true);
        await wal.close();
        const read = await Wal.read('/wal', { index: 0, term: 0 }, { fs });
        expect(read.entries).toHaveLength(found.length + 1);
      },
    ];
    let outcome: 'read' | 'refused' = 'read';
    for (const attempt of attempts) {
      try {
        await attempt();
      } catch (error) {
        if (!(error instanceof WalError)) throw error;
        expect(error.message).toContain('/wal');
        if (error.code === 'WAL_CORRUPT') expect(error.offset).toBeDefined();
        outcome = 'refused';
      }
    }
    return outcome;
  }

  test(
    'is read up to some save, or refused with file and offset, whatever happened to one of its files',
    async () => {
      const counts = { read: 0, refused: 0 };
      const which = fc.nat(files.size - 1);
      const property = fc.asyncProperty(which, damages, fc.boolean(), async (index, changes, isGone) => {
        const fs = new CrashFileSystem();
        for (const [i, [name, bytes]] of [...files].entries()) {
          if (i !== index) fs.seedFile(`/wal/${name}`, bytes);
          else if (!isGone || changes.length > 1) fs.seedFile(`/wal/${name}`, damaged(bytes, changes));
        }
        counts[await look(fs)]++;
      });
      await withinMemory(memoryLimitBytes, () => fc.assert(property, runs));
      expect(Math.min(counts.read, counts.refused)).toBeGreaterThan(0);
    },
    30_000 + 30 * fuzzRuns,
  );
});

describe('a snapshot file', () => {
  let database: Buffer;
  let sealed: Buffer;
  beforeAll(async () => {
    ({ database, snapshot: sealed } = await snapshotFixture());
  });

  async function outcome(bytes: Buffer, skipHashCheck: boolean): Promise<'accepted' | 'refused'> {
    const fs = new CrashFileSystem();
    fs.seedFile('/s.db', bytes);
    const restore = async () => {
      await restoreSnapshot({
        snapshotPath: '/s.db',
        dataDir: '/m1',
        name: 'm1',
        initialCluster: 'm1=http://127.0.0.1:2380',
        initialClusterToken: 'token',
        initialAdvertisePeerUrls: ['http://127.0.0.1:2380'],
        skipHashCheck,
        fs,
      });
    };
    const attempts = [() => snapshotStatus('/s.db', fs), restore];
    let result: 'accepted' | 'refused' = 'accepted';
    for (const attempt of attempts) {
      try {
        await attempt();
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        expect(error.message).toMatch(/\/s\.db|file size too small|snapshot missing hash/);
        result = 'refused';
      }
    }
    if (result === 'refused') expect((await fs.list('/')).filter((name) => name.startsWith('m1.'))).toEqual([]);
    return result;
  }

  test(
    'with its hash is refused, whatever happened to it',
    async () => {
      const property = fc.asyncProperty(damages, async (changes) => {
        const bytes = damaged(sealed, changes);
        expect(await outcome(bytes, false)).toBe(bytes.equals(sealed) ? 'accepted' : 'refused');
      });
      await withinMemory(memoryLimitBytes, () => fc.assert(property, runs));
    },
    30_000 + 30 * fuzzRuns,
  );

  test(
    'without its hash, or with the hash waived, is used or refused by name',
    async () => {
      const counts = { accepted: 0, refused: 0 };
      const property = fc.asyncProperty(damages, fc.boolean(), async (changes, isSealed) => {
        counts[await outcome(damaged(isSealed ? sealed : database, intoPages(changes, database.length)), true)]++;
      });
      await withinMemory(memoryLimitBytes, () => fc.assert(property, runs));
      expect(Math.min(counts.accepted, counts.refused)).toBeGreaterThan(0);
    },
    30_000 + 30 * fuzzRuns,
  );
});

/** Moves half of the changes to the heads of pages, where they matter most. */
function intoPages(changes: readonly Damage[], sizeBytes: number): Damage[] {
  return changes.map((change, i) => {
    if (i % 2 === 0 || change.kind === 'cut') return change;
    const position = Math.floor(change.at * sizeBytes);
    return { ...change, at: (position - (position % 4096) + (position % 64)) / sizeBytes };
  });
}

describe('a member’s data directory', () => {
  let files: { path: string; bytes: Uint8Array }[];
  beforeAll(async () => {
    const fs = new CrashFileSystem();
    const member = await BareMember.start(memberConfig(fs));
    for (let i = 0; i < 30; i++) await member.put(`key ${i}`);
    await member.takeSnapshot();
    await member.put('the last one');
    await member.boot.backend.commit();
    const databaseBytes = member.boot.backend.sizeBytes();
    await member.close();
    const member1 = '/srv/etcd/m1/member';
    const paths = (
      await Promise.all(
        ['snap', 'wal'].map(async (name) =>
          (await fs.list(`${member1}/${name}`)).map((file) => `${member1}/${name}/${file}`),
        ),
      )
    ).flat();
    files = paths.map((path) => ({
      path,
      bytes: withoutTail(fs.contents(path), path.endsWith('/db') ? databaseBytes : 0),
    }));
    expect(files.map(({ path }) => path.replace(/.*\./, ''))).toEqual(expect.arrayContaining(['snap', 'wal']));
  });

  test(
    'with a damaged file makes the member start, or say which file it is',
    async () => {
      const counts = { started: 0, refused: 0 };
      const property = fc.asyncProperty(fc.nat(2), damages, async (index, changes) => {
        const fs = new CrashFileSystem();
        for (const [i, { path, bytes }] of files.entries()) {
          fs.seedFile(
            path,
            i === index ? damaged(bytes, path.endsWith('db') ? intoPages(changes, bytes.length) : changes) : bytes,
          );
        }
        try {
          const member = await BareMember.start(memberConfig(fs));
          member.keys();
          counts.started++;
        } catch (error) {
          expect((error as Error).message).toContain('/srv/etcd/m1/member/');
          if (!(error instanceof BoltError || error instanceof WalError))
            expect((error as Error).name).toBe('BootstrapError');
          counts.refused++;
        }
      });
      await withinMemory(memoryLimitBytes, () => fc.assert(property, runs));
      expect(Math.min(counts.started, counts.refused)).toBeGreaterThan(0);
    },
    30_000 + 30 * fuzzRuns,
  );
});

/** A file without most of the space that it has reserved: the changes shall meet what is in it. */
function withoutTail(bytes: Uint8Array, leastBytes: number): Uint8Array {
  const usedBytes = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return bytes.slice(0, Math.max(leastBytes, usedBytes + (leastBytes === 0 ? 512 : 0)));
}
