import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { damageLogRecord } from './member-files.ts';
import { snapshotDamages } from './snapshot-files.ts';

const sound = Buffer.concat([Buffer.alloc(16 * 4096, 'pages of a database '), Buffer.alloc(32, 7)]);

describe('a damaged copy of a snapshot', () => {
  test.each(snapshotDamages.map(({ how, apply }) => [how, apply] as const))('with %s is another file', (_, apply) => {
    const before = Buffer.from(sound);
    expect(apply(sound).equals(sound)).toBe(false);
    expect(sound.equals(before), 'the sound one is not touched').toBe(true);
  });

  test('differs even where the middle was never used', () => {
    const unused = Buffer.concat([Buffer.alloc(8 * 4096, 1), Buffer.alloc(24 * 4096), Buffer.alloc(32, 7)]);
    for (const { apply } of snapshotDamages) expect(apply(unused).equals(unused)).toBe(false);
  });
});

describe('a damaged log', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('with too few records is left alone', async () => {
    const file = path.join(folder, '0.wal');
    writeFileSync(file, Buffer.alloc(512));
    await expect(damageLogRecord(file)).rejects.toThrow('holds 0 records');
  });
});
