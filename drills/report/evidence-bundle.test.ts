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
  const secret = 'correct "horse" battery staple';
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJ1c2VyIjoiYWxpY2UifQ.c2lnbmF0dXJl';
  const message = `password: ${JSON.stringify(secret)}`;
  const run = makeRun({
    'report.json': JSON.stringify({ error: message, password: secret, keysByPrefix: { secret: 12, other: 1 } }),
    'report.html': `<pre>password: &quot;${secret.replaceAll('"', '')}&quot;</pre>`,
    'evidence/node1.log': [
      key,
      JSON.stringify({ msg: message, password: secret, token }),
      JSON.stringify({ msg: `Authorization: Bearer ${token}` }),
      `Authorization: Bearer ${token}`,
    ].join('\n'),
    'evidence/journal.json': `${JSON.stringify({ authorization: secret, error: `it sent ${token}` }, undefined, 2)}\n`,
  });
  await assembleBundle(run, target());
  const words = [...secret.split(/\W+/), ...token.split('.'), key.split('\n')[1] as string, 'PRIVATE KEY-----'];
  const files = readdirSync(target(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files).toHaveLength(5);
  for (const { parentPath, name } of files) {
    const text = readFileSync(path.join(parentPath, name), 'utf8');
    for (const word of words) expect(text).not.toContain(word);
    if (name.endsWith('.json')) expect(() => JSON.parse(text)).not.toThrow();
  }
  expect(JSON.parse(readFileSync(path.join(target(), 'report.json'), 'utf8')).keysByPrefix.secret).toBe(12);
});

test('a run is found by its name, by its time, or as the newest', async () => {
  const older = makeRun({ 'report.md': 'x' });
  const newer = makeRun({ 'report.md': 'x' }, 'other-20261120-081501');
  expect(await findRun(folder, undefined)).toBe(newer);
  expect(await findRun(folder, '20261120-081500')).toBe(older);
  expect(await findRun(folder, 'other-20261120-081501')).toBe(newer);
  await expect(findRun(folder, 'nope')).rejects.toMatchObject({ code: 'LAB_USAGE' });
});
