import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAuthority, systemSources } from '../../pki/mod.ts';
import { assembleBundle, findRun } from './evidence-bundle.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function makeRun(files: Record<string, string>, name = 'own-20261120-081500'): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name, file)), { recursive: true });
    writeFileSync(path.join(folder, name, file), text);
  }
  return path.join(folder, name);
}
const target = () => path.join(folder, 'bundle');

test('a bundle has report, manifest, logs, member lists and journal, and neither snapshot nor delta log', async () => {
  const run = makeRun({
    'report.json': '{}',
    'snapshot.db': 'values',
    'snapshot.db.manifest.json': '{}',
    'evidence/node1.log': 'line',
    'evidence/members.json': '[]',
    'evidence/journal.json': '{}',
    'moment/snapshot.db': 'values',
    'deltas/x/00000001.delta': 'values',
    'pki/client-ca-key.pem': 'secret',
  });
  const names = await assembleBundle(run, target());
  expect(names).toEqual([
    'SHA256SUMS',
    'evidence/journal.json',
    'evidence/members.json',
    'evidence/node1.log',
    'report.json',
    'snapshot.db.manifest.json',
  ]);
  const there = readdirSync(target(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(there).toHaveLength(names.length);
});

test('each file has the SHA-256 that the list says', async () => {
  const run = makeRun({ 'report.md': 'proved', 'evidence/node1.log': 'line\n' });
  await assembleBundle(run, target());
  const sums = readFileSync(path.join(target(), 'SHA256SUMS'), 'utf8').trim().split('\n');
  expect(sums).toHaveLength(2);
  for (const line of sums) {
    const [sum, name] = line.split('  ') as [string, string];
    const bytes = readFileSync(path.join(target(), name));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sum);
  }
});

test('no key and no password is left in it, wherever it was', async () => {
  const { key } = createAuthority({ commonName: 'x', validityMs: 86_400_000 }, systemSources);
  const secret = 'correct horse battery staple';
  const run = makeRun({
    'report.json': JSON.stringify({ error: `password: "${secret}"`, password: secret }),
    'evidence/node1.log': `${key}\n{"msg":"x","password":"${secret}"}\n`,
    'evidence/journal.json': `authorization="${secret}"`,
  });
  await assembleBundle(run, target());
  const body = key.split('\n')[1] as string;
  const files = readdirSync(target(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files).toHaveLength(4);
  for (const { parentPath, name } of files) {
    const text = readFileSync(path.join(parentPath, name), 'utf8');
    expect(text).not.toContain('PRIVATE KEY-----');
    expect(text).not.toContain(body);
    expect(text).not.toContain(secret);
  }
});

test('a run is found by its name, by its time, or as the newest', async () => {
  const older = makeRun({ 'report.md': 'x' });
  const newer = makeRun({ 'report.md': 'x' }, 'other-20261120-081501');
  expect(await findRun(folder, undefined)).toBe(newer);
  expect(await findRun(folder, '20261120-081500')).toBe(older);
  expect(await findRun(folder, 'other-20261120-081501')).toBe(newer);
  await expect(findRun(folder, 'nope')).rejects.toMatchObject({ code: 'LAB_USAGE' });
});
