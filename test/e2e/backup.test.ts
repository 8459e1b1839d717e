/** Backups and restores through the command, in the order of a user's day. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestLab } from '../support/test-lab.ts';

let lab: TestLab;
let first: string;

interface Listed {
  id: string;
  proven: boolean;
  revision: number;
  keysByPrefix: Record<string, number>;
  reason?: string;
}

beforeAll(async () => {
  lab = await TestLab.up();
  for (let i = 0; i < 4; i++) await lab.must('ctl', 'put', `mine/${i % 3}`, `value ${i}`);
});
afterAll(() => lab?.close());

const backups = async (): Promise<Listed[]> => JSON.parse(await lab.must('backup', 'list', '--json'));
const value = async (key: string): Promise<string> => lab.must('ctl', 'get', key, '--print-value-only');

test('a backup is taken, with a manifest that says what it is', async () => {
  const { exitCode, events } = await lab.events('backup', 'create', '--reason', 'before the storm');
  expect(exitCode, JSON.stringify(events)).toBe(0);
  const [listed] = await backups();
  expect(listed).toMatchObject({ reason: 'before the storm', keysByPrefix: { 'mine/': 3 }, proven: false });
  first = listed?.id as string;
  expect(await lab.must('backup', 'show', first)).toContain('not verified');
});

test('no backup that is not proven is restored by itself; nothing is touched', async () => {
  const { exitCode, stderr } = await lab.run('restore', '--yes');
  expect(exitCode).toBe(3);
  expect(stderr).toMatch(/none of the 1 backups is proven restorable.*\n {2}try: etcdlab backup verify/);
  expect(await lab.status()).toMatchObject({ healthy: true });
});

test('a backup is proven by a member that serves it elsewhere; the lab is not touched', async () => {
  const before = lab.hostFolders();
  const stdout = await lab.must('backup', 'verify', first);
  expect(stdout).toMatch(/^L2: structure sound/m);
  expect(stdout).toMatch(/^L4: 1 member serves revision \d+ with 3 keys, HashKV \d+$/m);
  expect((await backups())[0]).toMatchObject({ id: first, proven: true });
  expect(lab.hostFolders()).toEqual(before);
});

test('a dry run checks the backup, says what would be done, and changes nothing', async () => {
  await lab.must('ctl', 'put', 'later', 'lost by restoring');
  const before = lab.hostFolders();
  const { stdout, stderr } = await lab.run('restore', '--dry-run');
  expect(stdout).toMatch(/node3: stop; move .*data aside; .*etcdutl snapshot restore/);
  expect(stderr).toMatch(/clients that watch .* miss revisions? \d+/);
  expect(lab.hostFolders()).toEqual(before);
  expect(await value('later')).toBe('lost by restoring');
});

test('a restore brings back what the backup holds, keeps the data of before, and backs it up', async () => {
  const { stdout, stderr } = await lab.run('restore', '--yes');
  expect(stdout).toContain(`Restored backup ${first}: all 3 members hold revision`);
  expect(stderr).toMatch(/clients that watch .* miss revisions? \d+/);
  expect([await value('mine/0'), await value('mine/1')]).toEqual(['value 3', 'value 1']);
  expect(await value('later')).toBe('');
  expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  for (const names of Object.values(lab.hostFolders())) {
    expect(names.filter((name) => name.startsWith('data.before-'))).toHaveLength(1);
  }
  expect((await backups())[0]).toMatchObject({ reason: `before the restore of ${first}` });
  expect((await lab.events('up')).events.at(-1)).toMatchObject({ event: 'finished', changed: false });
});

test('a restore can be done twice in a row', async () => {
  expect(await lab.must('restore', '--yes', '--to', first)).toContain(`Restored backup ${first}`);
  expect(await value('mine/0')).toBe('value 3');
});

test('a restore that is killed is undone by the next `up`', async () => {
  await lab.must('ctl', 'put', 'mine/0', 'newer');
  const isStarting = ({ event, text }: { event: string; text?: unknown }): boolean =>
    event === 'progress' && String(text).startsWith('etcdutl snapshot restore');
  const { endedBy } = await lab.signalAt(isStarting, 'SIGKILL', 'restore', '--yes', '--to', first);
  expect(endedBy).toBe('SIGKILL');
  expect(existsSync(lab.state('drill-journal.json'))).toBe(true);
  await lab.must('up');
  expect(await lab.status()).toMatchObject({ healthy: true });
  expect(await value('mine/0')).toBe('newer');
});

test('a backup is carried elsewhere encrypted, and comes back byte for byte', async () => {
  const identity = await generateX25519Identity();
  lab.write('key.txt', `# a comment\n${identity}\n`);
  lab.write('wrong.txt', `${await generateX25519Identity()}\n`);
  const recipient = await identityToRecipient(identity);
  await lab.must('backup', 'export', first, 'away', '--recipient', recipient);
  expect(readdirSync(lab.path('away')).sort()).toEqual([`${first}.db.zst.age`, `${first}.json`]);
  const original = readFileSync(lab.state('backups', first, 'snapshot.db'));
  rmSync(lab.state('backups', first), { recursive: true });

  const about = path.join('away', `${first}.json`);
  const wrong = await lab.run('backup', 'import', about, '--identity-file', 'wrong.txt');
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(LAB_BACKUP)') });
  expect((await backups()).map(({ id }) => id)).not.toContain(first);
  await lab.must('backup', 'import', about, '--identity-file', 'key.txt');
  expect(readFileSync(lab.state('backups', first, 'snapshot.db')).equals(original)).toBe(true);
  await lab.must('backup', 'verify', first, '--level', '2');
});

test('a damaged backup is found out, and restored by nobody', async () => {
  const file = lab.state('backups', first, 'snapshot.db');
  const bytes = readFileSync(file);
  bytes[5000] = (bytes[5000] as number) ^ 1;
  writeFileSync(file, bytes);
  const folders = lab.hostFolders();
  const { exitCode, stderr } = await lab.run('restore', '--yes', '--to', first);
  expect(exitCode).toBe(3);
  expect(stderr).toMatch(/cannot be restored; nothing was touched(.|\n)*L1: its SHA-256 is/);
  expect(lab.hostFolders()).toEqual(folders);
  expect(await lab.status()).toMatchObject({ healthy: true });
  expect(await lab.must('backup', 'list')).toMatch(new RegExp(`${first} .*DAMAGED`));
  expect((await lab.run('backup', 'verify', first, '--level', '1')).exitCode).toBe(1);
});

test('the checks on backups and on drills find all that is wrong with damaged copies', async () => {
  const stdout = await lab.must('drill', 'selftest');
  expect(stdout).toMatch(/^caught +L4 +the manifest says another HashKV$/m);
  expect(stdout).not.toContain('MISSED');
});

test('pruning shows what goes, removes it when told, and never the newest that is proven', async () => {
  const all = await backups();
  const proven = all.at(-2)?.id as string;
  await lab.must('backup', 'verify', proven);
  expect(await lab.must('backup', 'prune', '--keep', '1')).toContain('Nothing was removed');
  expect(await backups()).toHaveLength(all.length);
  await lab.must('backup', 'prune', '--keep', '1', '--yes');
  expect((await backups()).map(({ id }) => id)).toEqual([...new Set([all[0]?.id, proven])]);
});
