import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fileHashKv } from './hash-kv.ts';
import { runEtcdutl } from './main.ts';
import { damagedCopies, fixtureRevision, snapshotFixture } from './testing/snapshot-fixture.ts';

let database: Buffer;
let snapshot: Buffer;
let folder: string;
beforeAll(async () => {
  ({ database, snapshot } = await snapshotFixture());
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'hash-kv-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(bytes: Buffer): Promise<string> {
  const name = path.join(folder, 's.db');
  await writeFile(name, bytes);
  return name;
}

test('a snapshot and a copied database have the same hash, and are left as they are', async () => {
  const name = await file(snapshot);
  const hash = await fileHashKv(name, 0);
  expect(hash.hashRevision).toBe(fixtureRevision);
  expect(await readFile(name)).toEqual(snapshot);
  expect(await readdir(folder)).toEqual(['s.db']);
  expect(await fileHashKv(await file(database), 0)).toEqual(hash);
  expect(await fileHashKv(await file(database), fixtureRevision)).toEqual(hash);
  expect((await fileHashKv(name, fixtureRevision - 1)).hash).not.toBe(hash.hash);
});

test('a revision that is still to come is refused, and so is a damaged file', async () => {
  await expect(fileHashKv(await file(snapshot), fixtureRevision + 1)).rejects.toThrow('future revision');
  const damaged = damagedCopies(database, snapshot)['one bit flipped in a value'] as Buffer;
  await expect(fileHashKv(await file(damaged), 0)).rejects.toMatchObject({ code: 'SNAPSHOT_HASH_MISMATCH' });
});

test.for([
  ['simple', /^\d+, \d+, -?\d+\n$/],
  ['json', /^\{"hash":\d+,"hashRevision":\d+,"compactRevision":-?\d+\}\n$/],
  ['fields', /^"Hash" : \d+\n"Hash revision" : \d+\n"Compact revision" : -?\d+\n$/],
] as const)('prints %s', async ([format, pattern]) => {
  const out: string[] = [];
  const sink = { write: (chunk: string | Uint8Array) => out.push(String(chunk)) };
  const io = { stdin: Readable.from([]), stdout: sink, stderr: sink, env: {} };
  expect(await runEtcdutl(['hashkv', await file(snapshot), '-w', format], io)).toBe(0);
  expect(out.join('')).toMatch(pattern);
});
