/** Members that have lost their data, as somebody meets them who works with the command. */
import { existsSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestLab } from '../support/test-lab.ts';

let lab: TestLab;

beforeAll(async () => {
  lab = await TestLab.up();
  for (let i = 0; i < 5; i++) await lab.must('ctl', 'put', `mine/${i}`, `value ${i}`);
});
afterAll(() => lab?.close());

/** As a failing disk does it: the process is gone, and so is what it had written. */
async function lose(...names: string[]): Promise<void> {
  const opened = await lab.open();
  try {
    for (const name of names) {
      await opened.kill(name);
      rmSync(opened.node(name).paths.data, { recursive: true });
    }
  } finally {
    await opened.close();
  }
}

const keys = async (): Promise<string[]> =>
  (await lab.must('ctl', 'get', 'mine/', '--prefix', '--print-value-only')).split('\n');
const all = Array.from({ length: 5 }, (_, i) => `value ${i}`);

test('a member without its data is not started, whoever asks for it', async () => {
  await lose('node2');
  for (const args of [['up'], ['start', 'node2'], ['restart', 'node2']]) {
    const { exitCode, stderr } = await lab.run(...args);
    expect(stderr).toMatch(/node2 has lost its data.*\(LAB_DATA_LOST\)\n(.*\n)* {2}try: etcdlab replace node2/);
    expect(exitCode).toBe(1);
  }
  expect(existsSync(lab.state('hosts', 'node2', 'data'))).toBe(false);
  const { healthy, problems } = await lab.status();
  expect({ healthy, problems }).toEqual({
    healthy: false,
    problems: ['node2 has lost its data: etcdlab replace node2'],
  });
});

test('no member is replaced that the others need', async () => {
  await lab.must('stop', 'node3');
  const { exitCode, stderr } = await lab.run('replace', 'node2', '--yes');
  expect(stderr).toMatch(/the others have no quorum without node2; nothing was changed \(LAB_PREFLIGHT\)/);
  expect(exitCode).toBe(3);
});

test('`up` starts the others, so that it can be replaced', async () => {
  expect((await lab.run('up')).stderr).toContain('try: etcdlab replace node2');
  // It does not wait until they serve.
  const problems = async (): Promise<string[]> => (await lab.status()).problems;
  await expect.poll(problems, { timeout: 30_000 }).toEqual(['node2 has lost its data: etcdlab replace node2']);
  await expect.poll(() => keys().catch(() => []), { timeout: 30_000 }).toEqual(all);
});

test('it is replaced only when that is confirmed, and then holds what the others hold', async () => {
  const refused = await lab.run('replace', 'node2');
  expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('try: etcdlab replace node2 --yes') });
  expect(await lab.must('replace', 'node2', '--yes')).toContain('node2 is replaced');
  expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  expect(await keys()).toEqual(all);
  expect(await lab.must('ctl', '--node', 'node2', 'get', 'mine/3', '--print-value-only')).toBe('value 3');
});

test('a member that has joined later stays one: `up` changes nothing', async () => {
  expect((await lab.events('up')).events.at(-1)).toMatchObject({ event: 'finished', changed: false });
  await lab.must('down');
  await lab.must('up');
  expect(await keys()).toEqual(all);
});

test('a member that runs is replaced as well; its data is moved aside', async () => {
  await lab.must('replace', 'node1', '--yes');
  expect(await lab.status()).toMatchObject({ healthy: true });
  expect(lab.hostFolders().node1?.filter((name) => name.startsWith('data.before-replace-'))).toHaveLength(1);
  expect(await keys()).toEqual(all);
});

test('when all data is gone nothing is started, and the backup is named that brings it back', async () => {
  await lab.must('backup', 'create');
  const [{ id }] = JSON.parse(await lab.must('backup', 'list', '--json')) as [{ id: string }];
  await lab.must('backup', 'verify', id);
  await lose('node1', 'node2', 'node3');
  const { exitCode, stderr } = await lab.run('up');
  expect(stderr).toMatch(/node1, node2, node3 have lost their data.*\(LAB_CLUSTER_LOST\)/);
  expect(stderr).toMatch(new RegExp(`try: etcdlab restore --to ${id}: .*proven restorable.* with 5 keys`));
  expect(exitCode).toBe(3);
  expect((await lab.status()).members.every(({ report }) => report === undefined)).toBe(true);

  await lab.must('restore', '--yes');
  expect(await keys()).toEqual(all);
  expect((await lab.events('up')).events.at(-1)).toMatchObject({ event: 'finished', changed: false });
});
