/** A log that ends before what the database holds: the member may have promised others more than it knows now. */
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { CrashFileSystem } from '../base/testing/crash-file-system.ts';
import { BareMember, memberConfig } from './testing/bare-member.ts';

const walDir = '/srv/etcd/m1/member/wal';

async function contentsOf(fs: CrashFileSystem): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const name of await fs.list(walDir)) {
    const file = await fs.open(path.join(walDir, name), 'read');
    const bytes = Buffer.alloc(await file.size());
    await file.read(bytes, 0);
    await file.close();
    contents.set(name, bytes);
  }
  return contents;
}

async function putBack(fs: CrashFileSystem, contents: Map<string, Uint8Array>): Promise<void> {
  for (const name of await fs.list(walDir)) await fs.remove(path.join(walDir, name));
  for (const [name, bytes] of contents) {
    const file = await fs.open(path.join(walDir, name), 'create');
    await file.write([bytes], 0);
    await file.datasync();
    await file.close();
  }
  await fs.syncDirectory(walDir);
}

/** A member whose log was put back to an earlier moment, and its database was not. */
async function withOldLog(): Promise<CrashFileSystem> {
  const fs = new CrashFileSystem();
  const first = await BareMember.start(memberConfig(fs));
  for (const key of ['a', 'b', 'c']) await first.put(key);
  await first.close();
  const old = await contentsOf(fs);
  const second = await BareMember.start(memberConfig(fs));
  for (const key of ['d', 'e']) await second.put(key);
  await second.close();
  await putBack(fs, old);
  return fs;
}

describe('a member whose log ends before what its database holds', () => {
  test.each([
    { how: 'a usual start', forceNewCluster: false },
    { how: '--force-new-cluster', forceNewCluster: true },
  ])('is refused by $how, naming both, and nothing is changed', async ({ forceNewCluster }) => {
    const fs = await withOldLog();
    const before = await contentsOf(fs);
    await expect(BareMember.start(memberConfig(fs, { forceNewCluster }))).rejects.toThrow(
      '/srv/etcd/m1/member/snap/db holds the effect of entries up to 6, but the log in /srv/etcd/m1/member/wal ' +
        'ends at entry 4',
    );
    expect(await contentsOf(fs)).toEqual(before);
  });
});
