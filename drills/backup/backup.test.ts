import { createHash } from 'node:crypto';
import {
  cpSync,
  type Dirent,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SnapshotManifest } from '../engine/manifest.ts';
import { parseFreeBytes } from '../recovery/host-space.ts';
import { type Backup, BackupStore, type Backups, isProven, type Proof } from './backup-store.ts';
import { ForeignBackups } from './foreign-backups.ts';
import { decidePrune, type Retention } from './prune.ts';
import { chooseBackup } from './restore-backup.ts';
import { requireSpace } from './space.ts';
import { FolderStore } from './stores/folder-store.ts';
import { exportBackup, importBackup } from './transport.ts';
import { verifyBackup } from './verify-backup.ts';

const sha256 = 'c0535e4be2b79ffd93291305436bf889314e4a3faec05ecffcbb7df31ad9e51a';
const manifest = {
  format: 'etcdlab-snapshot-manifest/1',
  sha256,
  sizeBytes: 12,
  revision: 7,
  keys: 3,
} as SnapshotManifest;
const proof = (change: Partial<Proof> = {}): Proof => ({
  level: 4,
  passed: true,
  at: '2026-11-20T08:15:00.000Z',
  durationMs: 1,
  sha256,
  engine: 'built-in',
  evidence: [],
  ...change,
});
const backup = (id: string, proofs: Proof[] = []): Backup => ({
  id,
  folder: id,
  snapshot: `${id}/snapshot.db`,
  manifest: { ...manifest, createdAt: `2026-11-${id.slice(6, 8)}T08:15:00.000Z` },
  proofs,
});

describe('room on the disk', () => {
  test('is asked for before it is used', async () => {
    await requireSpace(os.tmpdir(), 0, 'a backup');
    await expect(requireSpace(os.tmpdir(), 2 ** 60, 'backup x')).rejects.toMatchObject({
      code: 'LAB_PREFLIGHT',
      message: expect.stringMatching(/no room for backup x in .*: \d+ MiB free, \d+ MiB needed; nothing was touched/),
    });
  });

  test.each<[string, string, number | undefined]>([
    [
      'Linux',
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 264212084 1 72354152 25% /',
      72354152,
    ],
    [
      'macOS',
      'Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/disk3s1 9 1 5 3% /System/Volumes/My Data\n',
      5,
    ],
    ['a name with a space', 'Filesystem\nmap auto_home 0 0 7 100% /home', 7],
    ['nothing', '', undefined],
    ['a heading only', 'Filesystem 1024-blocks Used Available Capacity Mounted on', undefined],
  ])('is read from what df says: %s', (_, text, kibibytes) => {
    expect(parseFreeBytes(text)).toBe(kibibytes && kibibytes * 1024);
  });
});

describe('what counts as proven', () => {
  test.each<[string, Proof[], boolean]>([
    ['nothing', [], false],
    ['a member that served it', [proof()], true],
    ['a file that was read only', [proof({ level: 3 })], false],
    ['a proof of other bytes', [proof({ sha256: 'f'.repeat(64) })], false],
    ['a proof that failed since', [proof(), proof({ level: 1, passed: false })], false],
    ['a proof after one that failed', [proof({ passed: false }), proof()], true],
  ])('%s', (_, proofs, expected) => {
    expect(isProven(backup('20261120-081500', proofs))).toBe(expected);
  });

  test('the newest of those is chosen, not the newest', () => {
    const all = [backup('20261123-081500'), backup('20261122-081500', [proof()]), backup('20261121-081500', [proof()])];
    expect(chooseBackup(all).id).toBe('20261122-081500');
    expect(() => chooseBackup(all.slice(0, 1))).toThrow('none of the 1 backups is proven restorable');
    expect(() => chooseBackup([])).toThrow('there is no backup');
  });
});

describe('pruning', () => {
  const days = fc.array(fc.tuple(fc.integer({ min: 1, max: 28 }), fc.boolean()), { maxLength: 30 });

  test('never lets go the newest that is proven, nor any of the newest that are to be kept', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 5 }), (made, keep, keepDaily) => {
        const sorted = [...made].sort(([a], [b]) => b - a);
        const all = sorted.map(([day, isGood], i) =>
          backup(`202611${String(day).padStart(2, '0')}-${String(999_999 - i)}`, isGood ? [proof()] : []),
        );
        const decisions = decidePrune(all, { keep, keepDaily });
        expect(decisions.map((each) => each.backup)).toEqual(all);
        const staying = decisions.filter(({ stays }) => stays).map((each) => each.backup);
        for (const kept of all.slice(0, keep)) expect(staying).toContain(kept);
        const proven = all.find(isProven);
        if (proven !== undefined) expect(staying).toContain(proven);
        expect(staying.length).toBeLessThanOrEqual(keep + keepDaily + 1);
      }),
    );
  });

  const taken = (createdAt: string, change: Partial<Backup> = {}): Backup => ({
    ...backup(createdAt),
    manifest: { ...manifest, createdAt: `${createdAt}:00.000Z` },
    ...change,
  });
  const reasons = (all: Backup[], retention: Retention) =>
    decidePrune(all, retention).map((each) => (each.stays ? each.reason : 'goes'));

  test('never lets go what is marked to be kept', () => {
    const at = '2026-11-20T08:15:00.000Z';
    const all = [
      taken('2026-11-20T10:00'),
      taken('2026-11-20T09:00', { kept: { at, reason: 'the audit' } }),
      taken('2026-11-20T08:00', { kept: { at } }),
      taken('2026-11-20T07:00'),
    ];
    expect(reasons(all, { keep: 1 })).toEqual([
      'one of the newest 1',
      'marked to be kept: the audit',
      'marked to be kept',
      'goes',
    ]);
  });

  test('keeps the newest of each hour, day, week and month that has any', () => {
    const all = ['2026-11-20T10:30', '2026-11-20T10:00', '2026-11-20T09:00', '2026-11-19T09:00', '2026-11-16T00:00']
      .concat(['2026-11-15T23:59', '2026-10-31T12:00', '2026-10-01T12:00'])
      .map((time) => taken(time));
    const of = (retention: Omit<Retention, 'keep'>) => reasons(all, { keep: 1, ...retention }).slice(1);
    const goes = Array(7).fill('goes') as string[];
    expect(of({})).toEqual(goes);
    expect(of({ keepHourly: 2 })).toEqual(goes.with(1, 'the newest of 2026-11-20T09:00'));
    expect(of({ keepDaily: 2 })).toEqual(goes.with(2, 'the newest of 2026-11-19'));
    expect(of({ keepWeekly: 2 })).toEqual(goes.with(4, 'the newest of the week of 2026-11-09'));
    expect(of({ keepMonthly: 2 })).toEqual(goes.with(5, 'the newest of 2026-10'));
  });
});

/** What each test below has: a folder, and backups in it or, encrypted, in a store elsewhere. */
let folder: string;
let backups: Backups;
const identities = Promise.all([generateX25519Identity(), generateX25519Identity()]);
const signal = new AbortController().signal;
const at = new Date('2026-11-20T08:15:00.000Z');
const add = (content = 'hello world\n') =>
  backups.add(at, async (into) => {
    writeFileSync(path.join(into, 'snapshot.db'), content);
    const digest = createHash('sha256').update(content).digest('hex');
    return { ...manifest, sha256: digest, sizeBytes: content.length, createdAt: at.toISOString() };
  });
const contentOf = (made: Backup) => backups.borrow(made, async ({ snapshot }) => readFileSync(snapshot, 'utf8'));
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param identity which of the secret keys is at hand */
async function elsewhere(identity?: 0 | 1): Promise<ForeignBackups> {
  const keys = await identities;
  mkdirSync(path.join(folder, 'elsewhere'), { recursive: true });
  return new ForeignBackups({
    store: new FolderStore(path.join(folder, 'elsewhere')),
    lab: 'lab',
    scratch: path.join(folder, 'backups', '.fetched'),
    recipient: identity === undefined ? undefined : await identityToRecipient(keys[0]),
    identity: identity === undefined ? undefined : keys[identity],
    signal,
  });
}

describe.each([
  ['the folder of the lab', async () => new BackupStore(path.join(folder, 'backups'))],
  ['a store elsewhere', () => elsewhere()],
  ['a store elsewhere, encrypted', () => elsewhere(0)],
])('backups in %s', (_, open) => {
  beforeEach(async () => {
    backups = await open();
  });

  test('are told apart within one second, and listed with the newest first', async () => {
    await add();
    await add();
    expect((await backups.list()).map(({ id }) => id)).toEqual(['20261120-081500-2', '20261120-081500']);
  });

  test('come back byte for byte, with what was proved of them and that they are to be kept', async () => {
    const made = await add('x'.repeat(100_000));
    await backups.mark(await backups.addProof(made, proof()), { at: at.toISOString(), reason: 'the audit' });
    const found = await backups.find(made.id);
    expect(found).toMatchObject({ proofs: [proof()], kept: { reason: 'the audit' } });
    expect(await contentOf(found)).toBe('x'.repeat(100_000));
    expect((await backups.mark(found, undefined)).kept).toBeUndefined();
    expect((await backups.find(made.id)).kept).toBeUndefined();
    expect(await backups.find('20000101-000000').catch((error: unknown) => error)).toMatchObject({
      code: 'LAB_BACKUP_UNKNOWN',
    });
  });

  test('leave nothing when they fail, or are removed', async () => {
    await expect(backups.add(at, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    await backups.remove(await add());
    expect(await backups.list()).toEqual([]);
    const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(left).toEqual([]);
  });
});

describe('a store elsewhere', () => {
  const files = (): string[] =>
    (readdirSync(path.join(folder, 'elsewhere'), { recursive: true, withFileTypes: true }) as Dirent[])
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
  const fetched = () => readdirSync(path.join(folder, 'backups', '.fetched'));

  test('gives an encrypted backup to whoever has its key, and to nobody else', async () => {
    backups = await elsewhere(0);
    const made = await add();
    expect(files().map((file) => path.basename(file))).toEqual(['manifest.json', 'snapshot.db.zst.age']);
    for (const other of [await elsewhere(1), await elsewhere()]) {
      const [listed] = await other.list();
      const borrowing = other.borrow(listed as Backup, async () => undefined);
      await expect(borrowing).rejects.toMatchObject({ code: 'LAB_BACKUP' });
      expect(fetched()).toEqual([]);
    }
    expect(await contentOf(made)).toBe('hello world\n');
  });

  test('gives out nothing that was damaged there', async () => {
    backups = await elsewhere();
    const made = await add('x'.repeat(10_000));
    const file = files().find((name) => name.endsWith('.zst')) as string;
    const bytes = readFileSync(file);
    for (const damaged of [bytes.subarray(0, -3), bytes.with(5, (bytes[5] as number) ^ 1), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      await expect(contentOf(made)).rejects.toMatchObject({ code: 'LAB_STORE_OBJECT' });
      expect(fetched()).toEqual([]);
    }
  });

  test('is fetched for each command apart, and what killed ones have left is removed', async () => {
    backups = await elsewhere();
    const made = await add();
    const other = await elsewhere();
    const left = path.join(folder, 'backups', '.fetched', '4194304999-killed');
    mkdirSync(left, { recursive: true });
    await backups.borrow(made, async ({ snapshot }) => {
      await other.borrow(await other.find(made.id), async (same) => expect(same.snapshot).not.toBe(snapshot));
      expect(readFileSync(snapshot, 'utf8')).toBe('hello world\n');
      expect(fetched()).toHaveLength(1);
    });
    expect(fetched()).toEqual([]);
  });

  test('shows no backup whose upload was killed, and removes what is left of it a day later', async () => {
    backups = await elsewhere();
    await add();
    const half = path.join(folder, 'elsewhere', 'lab', '20261101-000000', 'snapshot.db.zst');
    mkdirSync(path.dirname(half));
    writeFileSync(half, 'half');
    expect(await backups.list()).toHaveLength(1);
    await add();
    expect(files()).toContain(half);
    utimesSync(half, 1, 1);
    await add();
    expect(files()).not.toContain(half);
    expect(await backups.list()).toHaveLength(3);
  });

  test('keeps the backups of another lab out of sight', async () => {
    backups = await elsewhere();
    await add();
    const others = path.join(folder, 'elsewhere', 'laboratory');
    cpSync(path.join(folder, 'elsewhere', 'lab'), others, { recursive: true });
    await backups.remove((await backups.list())[0] as Backup);
    expect(await backups.list()).toEqual([]);
    expect(readdirSync(others)).toHaveLength(1);
  });

  test('says which manifest cannot be read', async () => {
    backups = await elsewhere();
    await add();
    writeFileSync(files().find((name) => name.endsWith('manifest.json')) as string, '{');
    await expect(backups.list()).rejects.toMatchObject({
      code: 'LAB_BACKUP',
      message: expect.stringContaining('20261120-081500/manifest.json'),
    });
  });
});

describe('the folder of the lab', () => {
  let store: BackupStore;
  beforeEach(() => {
    store = new BackupStore(path.join(folder, 'backups'));
    backups = store;
  });

  test('says which file cannot be read', async () => {
    const { folder: broken } = await add();
    writeFileSync(path.join(broken, 'manifest.json'), '{');
    await expect(store.list()).rejects.toMatchObject({ code: 'LAB_BACKUP', message: expect.stringContaining(broken) });
  });

  test('finds a changed byte on the rung of digests, and climbs no further', async () => {
    const made = await add();
    writeFileSync(made.snapshot, 'hello_world\n');
    const found = await verifyBackup(made, { level: 2, engine: { kind: 'built-in' }, workFolder: folder, signal });
    expect(found).toMatchObject({ level: 1, passed: false });
    expect(found.evidence.at(-1)).toMatch(/^L1: its SHA-256 is/);
  });

  test('carries a backup away and back', async () => {
    const made = await add();
    const away = path.join(folder, 'away');
    const [about] = await exportBackup(made, away, undefined, signal);
    await expect(exportBackup(made, away, undefined, signal)).rejects.toMatchObject({ code: 'LAB_FILE' });
    await store.remove(made);
    const back = await importBackup(store, about as string, undefined, signal);
    expect(readFileSync(back.snapshot, 'utf8')).toBe('hello world\n');
  });

  test('carries it encrypted, for one key only', async () => {
    const made = await add();
    const identity = await generateX25519Identity();
    const away = path.join(folder, 'away');
    const [about] = await exportBackup(made, away, await identityToRecipient(identity), signal);
    await store.remove(made);
    expect(readdirSync(away).some((name) => name.endsWith('.db.zst.age'))).toBe(true);
    const other = await generateX25519Identity();
    for (const wrong of [other, undefined]) {
      await expect(importBackup(store, about as string, wrong, signal)).rejects.toMatchObject({ code: 'LAB_BACKUP' });
    }
    const back = await importBackup(store, about as string, identity, signal);
    expect(readFileSync(back.snapshot, 'utf8')).toBe('hello world\n');
  });

  test('takes nothing that was damaged on its way', async () => {
    const made = await add('x'.repeat(10_000));
    const [about, file] = (await exportBackup(made, path.join(folder, 'away'), undefined, signal)) as [string, string];
    await store.remove(made);
    const bytes = readFileSync(file);
    for (const damaged of [bytes.subarray(0, -3), Buffer.from('no zstd at all'), Buffer.alloc(0)]) {
      writeFileSync(file, damaged);
      await expect(importBackup(store, about, undefined, signal)).rejects.toMatchObject({ code: 'LAB_BACKUP' });
      expect(readdirSync(path.join(folder, 'backups'))).toEqual([]);
    }
  });

  test('refuses a recipient that is none before a file is made', async () => {
    const made = await add();
    const away = path.join(folder, 'away');
    await expect(exportBackup(made, away, 'age1nonsense', signal)).rejects.toMatchObject({ code: 'LAB_USAGE' });
    expect(readdirSync(folder)).not.toContain('away');
  });
});
