/** The check behind every test of whole clusters: it must find what it is there to find. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFileSystem } from '../../../server/base/file-system.ts';
import { BareMember, memberConfig } from '../../../server/member/testing/bare-member.ts';
import { damageIn } from '../../support/check-directory.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'etcdlab-check-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

/** What a member leaves that has lived for a while. */
async function live(): Promise<void> {
  const member = await BareMember.start(memberConfig(nodeFileSystem, { dataDir }));
  for (let i = 0; i < 30; i++) await member.put(`key ${i}`);
  await member.takeSnapshot();
  await member.put('behind the snapshot');
  await member.close();
}

async function overwrite(file: string, position: number): Promise<void> {
  const handle = await open(path.join(dataDir, file), 'r+');
  await handle.write(Buffer.alloc(16, 0xa5), 0, 16, position);
  await handle.close();
}

test('a directory that nothing has used yet is sound, and so is what a member has left', async () => {
  expect(await damageIn(dataDir)).toEqual([]);
  await live();
  expect(await damageIn(dataDir)).toEqual([]);
});

test('a page of the database that was overwritten is found', async () => {
  await live();
  await overwrite('member/snap/db', 4 * 4096);
  expect((await damageIn(dataDir)).join()).toMatch(/member\/snap\/db: page \d+/);
});

test('a record of the log that was overwritten is found', async () => {
  await live();
  await overwrite('member/wal/0000000000000000-0000000000000000.wal', 2000);
  expect((await damageIn(dataDir)).join()).toMatch(/0000000000000000-0000000000000000\.wal/);
});
