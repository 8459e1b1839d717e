import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SnapshotManifest } from '../engine/manifest.ts';
import { type Backup, BackupStore, isProven, type Proof } from './backup-store.ts';
import { decidePrune } from './prune.ts';
import { chooseBackup } from './restore-backup.ts';
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
});

describe('the store', () => {
  let folder: string;
  let store: BackupStore;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
    store = new BackupStore(path.join(folder, 'backups'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const at = new Date('2026-11-20T08:15:00.000Z');
  const add = (content = 'hello world\n') =>
    store.add(at, async (into) => {
      writeFileSync(path.join(into, 'snapshot.db'), content);
      const digest = createHash('sha256').update(content).digest('hex');
      return { ...manifest, sha256: digest, sizeBytes: content.length, createdAt: at.toISOString() };
    });
  const signal = new AbortController().signal;

  test('tells two backups of one second apart, and lists the newest first', async () => {
    await add();
    await add();
    expect((await store.list()).map(({ id }) => id)).toEqual(['20261120-081500-2', '20261120-081500']);
  });

  test('leaves nothing of a backup that failed', async () => {
    await expect(store.add(at, () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    expect(readdirSync(path.join(folder, 'backups'))).toEqual([]);
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
