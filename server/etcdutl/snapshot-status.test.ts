import { beforeAll, describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { type SnapshotStatus, snapshotStatus } from './mod.ts';
import { damagedCopies, fixtureRevision, snapshotFixture } from './testing/snapshot-fixture.ts';

let database: Buffer;
let snapshot: Buffer;
beforeAll(async () => {
  ({ database, snapshot } = await snapshotFixture());
});

function statusOf(bytes: Buffer): Promise<SnapshotStatus> {
  const fs = new CrashFileSystem();
  fs.seedFile('/s.db', bytes);
  return snapshotStatus('/s.db', fs);
}

test('a sound snapshot has its revision, its records and its size, and its hash holds', async () => {
  const status = await statusOf(snapshot);
  expect(status).toMatchObject({ revision: fixtureRevision, totalKeys: fixtureRevision - 1 + 3, trailer: 'ok' });
  expect(status.totalSizeBytes).toBe(database.length);
});

test('a copied database has the same figures, and no hash', async () => {
  expect(await statusOf(database)).toEqual({ ...(await statusOf(snapshot)), trailer: 'missing' });
});

test('a missing file is named', async () => {
  await expect(snapshotStatus('/nofile', new CrashFileSystem())).rejects.toMatchObject({
    code: 'SNAPSHOT_NOT_FOUND',
    message: 'stat /nofile: no such file or directory',
  });
});

describe('a damaged snapshot has no figures but a reason:', () => {
  const reasons: Record<string, RegExp> = {
    'one bit flipped in a value': /^\/s\.db is damaged: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}/,
    'one bit flipped in the first meta page': /expected sha256/,
    'one bit flipped in the hash': /expected sha256/,
    'its last page cut out': /expected sha256/,
    'its second half missing': /is damaged: \d+ bytes, but transaction \d+ has \d+ pages of 4096/,
    'its last 100 bytes missing': /is damaged: \d+ bytes, but transaction/,
    'its last 512 bytes missing': /expected sha256/,
    'only zeros': /expected sha256|is damaged/,
    nothing: /^file size too small 0$/,
    'too few bytes': /^file size too small 3000$/,
  };
  test.for(Object.entries(reasons))('%s', async ([title, reason]) => {
    await expect(statusOf(damagedCopies(database, snapshot)[title] as Buffer)).rejects.toThrow(reason);
  });
});

test('a database that is not etcd’s is refused', async () => {
  const { BoltDatabase } = await import('../bolt/mod.ts');
  const fs = new CrashFileSystem();
  await fs.makeDirectory('/d');
  const db = await BoltDatabase.open('/d/db', { fs, create: true });
  await db.close();
  await expect(snapshotStatus('/d/db', fs)).rejects.toThrow('/d/db is not a database of etcd');
});
