/**
 * The verifier itself, on real clusters and real files: restores in which exactly one thing is wrong must fail, by the
 * check that is about it, on the member that it is about.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findDrill } from '../../drills/engine/catalog.ts';
import type { DrillContext } from '../../drills/engine/context.ts';
import { stepCatalogue } from '../../drills/steps/catalogue.ts';
import type { Step } from '../../drills/steps/step.ts';
import { type Executables, ensureBuilt } from '../../scripts/build.ts';
import { BoltDatabase, type WriteTx } from '../../server/bolt/mod.ts';
import { saveSnapshot } from '../../server/client/mod.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';
import type { Cli } from '../../toolkit/commands/cli.ts';
import { runOnLab } from '../../toolkit/commands/drill.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { Ui } from '../../toolkit/output/ui.ts';
import { runCommand, TestCluster } from '../support/test-cluster.ts';
import { listing, TestLab } from '../support/test-lab.ts';

describe('a restore in which one thing is wrong', () => {
  let testLab: TestLab;
  afterEach(() => testLab?.close());

  test('an older snapshot on one member fails, as seen in its bytes, revision, hash, keys and leases', async () => {
    const { lab, drill } = await newLab();
    const older = testLab.path('older.db');
    const client = lab.client('node1');
    await saveSnapshot(client, older);
    client.close();
    const { exitCode, screen, failed } = await drill(async (context) => {
      const { lab: restored, found } = context;
      await restoreAgain(restored, 'node2', older, memberFlags(restored, 'node2'));
      found.restoredFrom.node2 = createHash('sha256').update(readFileSync(older)).digest('hex');
    });
    // Times and keys of leases are the leader's to tell: if node2 leads, those of the others are wrong too.
    const ofTheLeader = ['leases node1', 'leases node3'];
    expect(failed.filter((check) => !ofTheLeader.includes(check))).toEqual([
      'snapshot-bytes node2',
      'revision node2',
      'hash-kv node2',
      'keys node2',
      'canaries node2',
      'leases node2',
      // What cannot be read is never taken for well.
      'later-writes node2',
      'linearizable-write node2',
    ]);
    expect(exitCode).toBe(1);
    expect(screen).toMatch(/keys on node2\n +expected +\d+ keys.*\n +seen +.*required revision is a future revision/);
  });

  test('one changed byte of one value fails by hash and key, which is named', async () => {
    const { drill } = await newLab();
    let changed = '';
    const { exitCode, screen, report, failed } = await drill(({ lab }) =>
      edit(lab, 'node2', (database) => {
        const [revision, record] = find(database, /\/plain\/000042$/);
        const value = Buffer.from(record.value);
        value[7] = (value[7] as number) ^ 1;
        database.put('key', revision, KeyValue.encode({ ...record, value }));
        changed = Buffer.from(record.key).toString();
      }),
    );
    expect(failed).toEqual(['hash-kv node2', 'keys node2']);
    expect(exitCode).toBe(1);
    expect(screen).toContain(`1 changed: ${changed} (valueSha256)`);
    expect(report().json.differences).toMatchObject({
      node1: [],
      node2: [{ key: changed, kind: 'changed' }],
      node3: [],
    });
    expect(report().markdown).toContain(`\`${changed}\` changed: valueSha256`);
  });

  test('a key that is missing on one member fails by hash and key, which is named', async () => {
    const { drill } = await newLab();
    let removed = '';
    const { exitCode, screen, report, failed } = await drill(({ lab }) =>
      edit(lab, 'node3', (database) => {
        const [revision, record] = find(database, /\/plain\/000007$/);
        database.delete('key', revision);
        removed = Buffer.from(record.key).toString();
      }),
    );
    expect(failed).toEqual(['hash-kv node3', 'keys node3']);
    expect(exitCode).toBe(1);
    expect(screen).toContain(`1 missing: ${removed}`);
    expect(report().json.differences.node3).toMatchObject([{ key: removed, kind: 'missing' }]);

    // The way back that the screen shows.
    expect(screen).toContain("etcdlab down; put each of these in the place of 'data' beside it; etcdlab up");
    await testLab.must('down');
    for (const folder of Object.values(report().json.keptData ?? {})) {
      const data = path.join(folder, '../data');
      rmSync(data, { recursive: true });
      renameSync(folder, data);
    }
    await testLab.must('up');
    expect(await testLab.must('ctl', 'get', 'mine', '--print-value-only')).toBe('kept');
    expect(await testLab.status()).toMatchObject({ healthy: true });
  });

  test('a lease that is missing on one member fails, though its keys are all there', async () => {
    const { drill } = await newLab();
    let removed = '';
    const { exitCode, screen, failed } = await drill(({ lab }) =>
      edit(lab, 'node2', (database) => {
        database.scan('lease', Buffer.alloc(0), undefined, (id) => {
          removed = Buffer.from(id).toString('hex');
          return false;
        });
        database.delete('lease', Buffer.from(removed, 'hex'));
      }),
    );
    // As leader, it is also the one whom the others ask for times to live.
    expect(failed).toContain('leases node2');
    expect(failed.filter((check) => !check.startsWith('leases '))).toEqual([]);
    expect(exitCode).toBe(1);
    expect(screen).toContain(`${removed} missing`);
  });

  test('members that were each restored without name and cluster fail: each is a cluster of its own', async () => {
    const { drill } = await newLab();
    const { exitCode, screen, failed } = await drill(async ({ lab, found }) => {
      for (const { name } of lab.nodes) await restoreAgain(lab, name, found.snapshot?.path as string, []);
    });
    expect(failed).toEqual([
      'member-ids',
      ...['node1', 'node2', 'node3'].flatMap((name) => [`member-list ${name}`, `linearizable-write ${name}`]),
    ]);
    expect(exitCode).toBe(1);
    expect(screen).toMatch(
      /linearizable-write on node1\n.*\n +seen +written at revision \d+, read through no other member/,
    );
  });

  test('a member that was restored under another token fails: it is in another cluster', async () => {
    const { drill } = await newLab();
    const { exitCode, screen, failed } = await drill(async ({ lab, found }) => {
      const flags = memberFlags(lab, 'node3').map((flag) => (flag.includes('-token=') ? `${flag}-other` : flag));
      await restoreAgain(lab, 'node3', found.snapshot?.path as string, flags);
    });
    expect(failed).toEqual(
      expect.arrayContaining([
        'healthy',
        'cluster-id',
        'one-leader',
        'linearizable-write node1',
        'linearizable-write node3',
      ]),
    );
    // The two others are a quorum, and well.
    expect(failed).not.toContain('keys node1');
    expect(failed).not.toContain('hash-kv node2');
    expect(exitCode).toBe(1);
    expect(screen).toMatch(/healthy\n +expected.*\n +seen +.*node3/);
  });

  /** Brings up a lab with a key in it. `drill` runs the drill `restore` on it, with a fault right after the restore. */
  async function newLab() {
    testLab = await TestLab.up();
    await testLab.must('ctl', 'put', 'mine', 'kept');
    const lab = await testLab.open();
    const drill = async (fault: (context: DrillContext) => Promise<void>) => {
      const restore = stepCatalogue.get('restore-all-members') as Step;
      const faulty: Step = {
        ...restore,
        run: async (context, parameters) => {
          const summary = await restore.run(context, parameters);
          await fault(context);
          return summary;
        },
      };
      const { cli, screen } = newCli();
      const exitCode = await runOnLab(cli, lab, await findDrill('restore'), {
        overrides: { 'write-dataset': { keys: 200 } },
        steps: new Map([...stepCatalogue, [faulty.name, faulty]]),
      });
      const { json } = testLab.report();
      expect(json.result).toBe('failed');
      await expectOldDataKept(json.keptData);
      const failed = json.checks
        .filter(({ passed }) => !passed)
        .map(({ name, member }) => (member === undefined ? name : `${name} ${member}`));
      expect(screen()).toContain(`FAILED: ${failed.length} of ${json.checks.length} checks do not hold.`);
      return { exitCode, screen: screen(), failed, report: () => testLab.report() };
    };
    return { lab, drill };
  }

  /** A drill that fails never throws away what the user had. */
  async function expectOldDataKept(keptData: Record<string, string> | undefined): Promise<void> {
    expect(Object.keys(keptData ?? {})).toEqual(['node1', 'node2', 'node3']);
    for (const folder of Object.values(keptData ?? {})) {
      const database = await BoltDatabase.open(path.join(folder, 'member/snap/db'), { readOnly: true });
      const view = database.view();
      const keys = [...view.pairs('key')].map(([, value]) => Buffer.from(KeyValue.decode(value).key).toString());
      view.close();
      await database.close();
      expect(keys).toContain('mine');
    }
  }
});

describe('a snapshot file that is damaged', () => {
  let cluster: TestCluster;
  let folder: string;
  let executables: Executables;
  let sound: Buffer;

  beforeAll(async () => {
    executables = await ensureBuilt();
    cluster = await TestCluster.start(executables, { members: 1 });
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
    const client = cluster.client();
    for (let i = 0; i < 200; i++) await client.put({ key: Buffer.from(`key/${i}`), value: Buffer.alloc(500, i) });
    await saveSnapshot(client, path.join(folder, 'sound.db'));
    client.close();
    sound = readFileSync(path.join(folder, 'sound.db'));
  });
  afterAll(async () => {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    for (const name of readdirSync(folder))
      if (name !== 'sound.db') rmSync(path.join(folder, name), { recursive: true });
  });

  const status = (file: string) => runCommand(executables.etcdutl, ['snapshot', 'status', file]);
  const restore = (file: string) =>
    runCommand(executables.etcdutl, ['snapshot', 'restore', file, `--data-dir=${path.join(folder, 'restored')}`]);
  const write = (content: Uint8Array): string => {
    const file = path.join(folder, 'damaged.db');
    writeFileSync(file, content);
    return file;
  };
  const flipped = (position: number): Buffer => {
    const bytes = Buffer.from(sound);
    bytes[position] = (bytes[position] as number) ^ 0x10;
    return bytes;
  };
  const trailerBytes = 32;

  test('is accepted before it is damaged, or this would prove nothing', async () => {
    const file = path.join(folder, 'sound.db');
    expect(await status(file)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await restore(file)).toMatchObject({ exitCode: 0 });
  });

  test.each<[string, () => Uint8Array, RegExp]>([
    [
      'one bit flipped in a value',
      () => flipped(sound.lastIndexOf(Buffer.alloc(100, 77))),
      /is damaged: expected sha256/,
    ],
    ['one bit flipped in its first page', () => flipped(20), /is damaged/],
    ['one bit flipped in its SHA-256', () => flipped(sound.length - 1), /is damaged: expected sha256/],
    ['its last 100 bytes cut off', () => sound.subarray(0, -100), /damaged|missing hash/],
    ['its second half cut off', () => sound.subarray(0, sound.length / 2), /damaged|missing hash/],
    ['all but two pages cut off', () => sound.subarray(0, 8192), /damaged|missing hash/],
    ['the first page cut off', () => sound.subarray(4096), /damaged/],
    ['a page of zeros in the middle', () => Buffer.from(sound).fill(0, 8192, 12_288), /damaged/],
    ['nothing in it', () => Buffer.alloc(0), /file size too small|missing hash/],
    ['a line of text in it', () => Buffer.from('not a snapshot\n'), /file size too small|missing hash/],
    ['as much junk as a database', () => Buffer.alloc(sound.length, 'junk'), /damaged/],
  ])('with %s is refused by status and restore, and leaves nothing behind', async (_, content, reason) => {
    const file = write(content());
    const before = listing(folder);
    for (const run of [status, restore]) {
      const { exitCode, stdout, stderr } = await run(file);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toMatch(reason);
      expect(stderr).not.toMatch(/^ +at /m);
    }
    expect(listing(folder)).toEqual(before);
  });

  test('without its SHA-256 is not restored, and status says that damage would not show', async () => {
    const file = write(sound.subarray(0, -trailerBytes));
    const before = listing(folder);
    expect(await restore(file)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('snapshot missing hash'),
    });
    expect((await status(file)).stderr).toContain('has no SHA-256 at its end');
    expect(listing(folder)).toEqual(before);
  });

  test('that is not there is refused', async () => {
    const file = path.join(folder, 'nowhere.db');
    for (const run of [status, restore]) {
      expect(await run(file)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no such file') });
    }
    expect(readdirSync(folder)).toEqual(['sound.db']);
  });

  test('is never restored over data that is there', async () => {
    expect((await restore(path.join(folder, 'sound.db'))).exitCode).toBe(0);
    const before = listing(folder);
    expect(await restore(path.join(folder, 'sound.db'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('not empty'),
    });
    expect(listing(folder)).toEqual(before);
  });
});

/** The flags by which a member is restored as itself, under the token that its cluster has now. */
function memberFlags(lab: Lab, name: string): string[] {
  return [
    `--name=${name}`,
    `--initial-cluster=${lab.initialCluster()}`,
    `--initial-cluster-token=${lab.bootstrap(name).token}`,
    `--initial-advertise-peer-urls=${lab.node(name).peerUrl}`,
  ];
}

/** Restores one member anew, from another file or with other flags. */
async function restoreAgain(lab: Lab, name: string, file: string, flags: string[]): Promise<void> {
  const { data } = lab.node(name).paths;
  rmSync(data, { recursive: true });
  const { exitCode, stderr } = await lab.etcdutl(['snapshot', 'restore', file, `--data-dir=${data}`, ...flags]);
  expect(exitCode, stderr).toBe(0);
}

/** Changes the database of a member that does not run. */
async function edit(lab: Lab, name: string, change: (database: WriteTx) => void): Promise<void> {
  const database = await BoltDatabase.open(path.join(lab.node(name).paths.data, 'member/snap/db'));
  const transaction = database.begin();
  change(transaction);
  await transaction.commit();
  await database.close();
}

/** @returns the first record of a key, with its revision as the database has it */
function find(database: WriteTx, pattern: RegExp): [Buffer, KeyValue] {
  let found: [Buffer, KeyValue] | undefined;
  database.scan('key', Buffer.alloc(0), undefined, (revision, value) => {
    const record = KeyValue.decode(Buffer.from(value));
    if (!pattern.test(Buffer.from(record.key).toString())) return true;
    found = [Buffer.from(revision), record];
    return false;
  });
  if (found === undefined) throw new Error(`no key matches ${pattern}`);
  return found;
}

/** The command's surroundings, with a screen that can be read. */
function newCli(): { cli: Cli; screen: () => string } {
  let text = '';
  const stream = { write: (more: string) => (text += more) };
  const io = {
    stdin: Readable.from([]),
    stdout: stream,
    stderr: stream,
    environment: {},
    workingDirectory: os.tmpdir(),
  };
  const cli: Cli = {
    io,
    signal: new AbortController().signal,
    ui: new Ui('plain', stream, stream),
    exitCode: 0,
    opened: [],
  };
  return { cli, screen: () => text };
}
