/** Restores that are killed, or that meet a cluster which does not come up: nothing is lost, and the next command works. */
import { existsSync } from 'node:fs';
import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Backup, BackupStore } from '../../drills/backup/backup-store.ts';
import { newRunId, restoreBackup } from '../../drills/backup/restore-backup.ts';
import type { LabError } from '../../toolkit/errors.ts';
import { type LabEvent, TestLab } from '../support/test-lab.ts';

let lab: TestLab;
let backup: Backup;

beforeAll(async () => {
  lab = await TestLab.up();
  await lab.must('ctl', 'put', 'mine', 'of the backup');
  await lab.must('backup', 'create');
  backup = (await new BackupStore(lab.state('backups')).list())[0] as Backup;
  await lab.must('ctl', 'put', 'mine', 'newer');
});
afterAll(() => lab?.close());

const value = () => lab.must('ctl', 'get', 'mine', '--print-value-only');
/** On each member, the folders of data that was moved aside. */
const asideFolders = (kind: 'before' | 'failed' | 'after') =>
  Object.values(lab.hostFolders()).map((names) => names.filter((name) => name.startsWith(`data.${kind}-`)).length);
const saying =
  (text: string) =>
  ({ event, text: told }: LabEvent): boolean =>
    event === 'progress' && String(told).startsWith(text);
const signal = new AbortController().signal;

/** In this process, so that something can happen at a step of it. */
async function restoreHere(chosen: Backup, progress: (text: string) => void) {
  const opened = await lab.open();
  try {
    return await restoreBackup(opened, chosen, { runId: newRunId(), signal, progress });
  } finally {
    await opened.close();
  }
}

test('there is nothing to go on with unless a restore was killed', async () => {
  const { exitCode, stderr } = await lab.run('restore', '--resume');
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('nothing to go on with') });
});

test('a cluster that does not come up gets its data from before again: a port is taken', async () => {
  const { peerPort } = (await lab.open()).node('node2');
  const thief = net.createServer();
  const steps: string[] = [];
  const restoring = restoreHere(backup, (text) => {
    steps.push(text);
    if (text.startsWith('etcdutl snapshot restore on node2')) thief.listen(peerPort, '127.0.0.1');
    if (text.startsWith('undoing it')) thief.close();
  });
  const error = (await restoring.catch((caught: unknown) => caught)) as LabError;
  expect(error).toMatchObject({ code: 'LAB_RESTORE_UNDONE' });
  expect(steps).toContain('starting all members');
  await lab.must('up');
  expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  expect(await value()).toBe('newer');
  expect(asideFolders('before')).toEqual([0, 0, 0]);
  // The two others were started, and may have been written to.
  expect(asideFolders('after')).toEqual([1, 1, 1]);
});

test('so does one that serves something else than the manifest says', async () => {
  const { hashKv = 0 } = backup.manifest;
  const another = { ...backup, manifest: { ...backup.manifest, hashKv: hashKv ^ 1 } };
  await expect(restoreHere(another, () => undefined)).rejects.toMatchObject({
    code: 'LAB_RESTORE_UNDONE',
    message: expect.stringContaining('HashKV'),
  });
  await lab.must('up');
  expect(await value()).toBe('newer');
  expect(asideFolders('before')).toEqual([0, 0, 0]);
  expect(asideFolders('after')).toEqual([2, 2, 2]);
});

test.each([
  ['stopping all members', 'up'],
  ['etcdutl snapshot restore', 'restore --resume'],
  ['starting all members', 'restore --resume'],
])('killed at "%s", it is undone or gone on with by `%s`', async (step, next) => {
  const { endedBy } = await lab.signalAt(saying(step), 'SIGKILL', 'restore', '--yes', '--to', backup.id);
  expect(endedBy).toBe('SIGKILL');
  expect(existsSync(lab.state('drill-journal.json'))).toBe(true);
  await lab.must(...next.split(' '));
  expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  expect(await value()).toBe(next === 'up' ? 'newer' : 'of the backup');
  expect(existsSync(lab.state('drill-journal.json'))).toBe(false);
  await lab.must('ctl', 'put', 'mine', 'newer');
});

test('interrupted, it says that it was undone, and that it starts over', async () => {
  const step = saying('etcdutl snapshot restore');
  const { exitCode, events } = await lab.signalAt(step, 'SIGINT', 'restore', '--yes', '--to', backup.id);
  expect({ exitCode, last: events.at(-1) }).toMatchObject({
    exitCode: 130,
    last: {
      code: 'LAB_INTERRUPTED',
      message: expect.stringContaining('undone'),
      advice: [expect.stringContaining('starts over')],
    },
  });
  await lab.must('up');
  expect(await value()).toBe('newer');
});

test('the top rung asks first, replaces the data of the lab, and says what was there', async () => {
  const refused = await lab.run('backup', 'verify', backup.id, '--level', '6');
  expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('--level 6 --yes') });
  expect(await value()).toBe('newer');
  const told = await lab.must('backup', 'verify', backup.id, '--level', '6', '--yes');
  expect(told).toMatch(/^L6: the lab was restored from it: all 3 members hold .*; the lab held backup \d/m);
  expect(told).toContain('is proven at level 6');
  expect(await value()).toBe('of the backup');
  expect(await lab.must('ctl', 'get', 'etcdlab-drill', '--prefix')).toBe('');
  expect(await lab.must('backup', 'list')).toMatch(new RegExp(`${backup.id} .* L6 `));
});
