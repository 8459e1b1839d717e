/** Several labs on one machine, from one description: a seat for every learner. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestLab } from '../support/test-lab.ts';

const names = ['seat1', 'seat2', 'seat3'];

describe('etcdlab workshop seats', () => {
  let lab: TestLab;
  let told: string;
  beforeAll(async () => {
    lab = await TestLab.create({ seats: names.length });
    told = await lab.must('workshop', 'seats', '3');
  });
  afterAll(async () => {
    await lab?.run('workshop', 'seats', '3', '--destroy', '--yes');
    await lab?.close();
  });
  /** Whether the members run: on a busy machine, one that is well may be slow to answer. */
  const processesOf = async () => {
    const told = await Promise.all(names.map((name) => lab.run('status', '--json', '--name', name)));
    return told.map(({ stdout }) => JSON.parse(stdout).members.map(({ process }: { process: string }) => process));
  };
  const all = Array.from({ length: 3 }, () => 'running');

  test('brings up labs that serve side by side, and says what each learner types', async () => {
    expect(await processesOf()).toEqual([all, all, all]);
    for (const name of names) expect(told).toMatch(new RegExp(`^${name} .* export ETCDLAB_NAME=${name}$`, 'm'));
  });

  test('keeps them apart: each has its own keys, and one that is hurt hurts no other', async () => {
    for (const name of names) await lab.must('ctl', '--name', name, 'put', 'whose', name);
    for (const name of names) {
      expect(await lab.must('ctl', '--name', name, 'get', '--print-value-only', 'whose')).toBe(name);
    }
    await lab.must('stop', 'node1', '--name', 'seat2');
    expect(await processesOf()).toEqual([all, ['stopped', 'running', 'running'], all]);
  });

  test('keeps each learner’s progress apart', async () => {
    await lab.must('workshop', 'start', 'first-contact', '--name', 'seat1');
    const current = async (name: string) =>
      JSON.parse(await lab.must('workshop', 'status', '--json', '--name', name)).current;
    expect([await current('seat1'), await current('seat3')]).toEqual(['first-contact', undefined]);
  });

  test('run again, mends what is not healthy and leaves the rest', async () => {
    const { events } = await lab.events('workshop', 'seats', '3');
    const finished = events.filter(({ event }) => event === 'finished').map(({ name, changed }) => [name, changed]);
    expect(finished).toEqual([
      ['seat1', false],
      ['seat2', true],
      ['seat3', false],
    ]);
    expect(await processesOf()).toEqual([all, all, all]);
  });

  test.each(['0', '31', 'many'])('refuses %s of them', async (count) => {
    expect(await lab.run('workshop', 'seats', '--', count)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`seats takes a number from 1 to 30, not '${count}'`),
    });
  });

  test('removes them all when asked to', async () => {
    const { exitCode, stderr } = await lab.run('workshop', 'seats', '3', '--destroy');
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining('must be confirmed') });
    await lab.must('workshop', 'seats', '3', '--destroy', '--yes');
    expect(names.filter((name) => existsSync(lab.path('.etcdlab', name)))).toEqual([]);
  });
});
