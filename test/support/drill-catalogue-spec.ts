/** What every drill of the catalogue promises, on whatever engine the lab runs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reportSchema } from '../../drills/report/report-schema.ts';
import { TestLab, type TestLabOptions } from './test-lab.ts';

/**
 * Each drill runs on the lab that the one before has left: that it can be is part of what is specified.
 *
 * @param drills names, each with a check that must be among those that passed: what the drill is there to show
 */
export function specifyDrills(options: () => TestLabOptions, drills: readonly (readonly [string, string])[]): void {
  let lab: TestLab;
  let before: Awaited<ReturnType<TestLab['keys']>>;

  beforeAll(async () => {
    lab = await TestLab.up(options());
    for (let i = 0; i < 5; i++) await lab.must('ctl', 'put', `mine/${i % 4}`, `value ${i}`);
    before = await lab.keys('mine/');
  });
  afterAll(() => lab?.close());

  test.each(drills)('%s is proved, by %s among others, and leaves the lab well', async (name, telling) => {
    const { exitCode, stdout, stderr } = await lab.run('drill', 'run', name, '--yes');
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
    const { json } = lab.report();
    expect(json).toMatchObject({ drill: name, result: 'passed' });
    expect(reportSchema.parse(json), 'the report has the published form, and nothing else').toEqual(json);
    expect(json.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(json.checks.map((check) => check.name)).toContain(telling);
    expect(json.rto?.healthyMs).toBeGreaterThan(0);
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
    expect((await lab.keys('mine/')).kvs, 'the user’s keys are as they were').toEqual(before.kvs);
    expect((await lab.keys('etcdlab-drill/')).kvs, 'a drill clears its keys away').toEqual([]);
    for (const names of Object.values(lab.hostFolders())) {
      expect(names).toEqual(['data', 'etcd.conf.yml', 'etcd.log', 'pki', 'process.json', 'service.json']);
    }
  });

  test('leave a lab that `up` finds as it should be', async () => {
    const { events } = await lab.events('up');
    expect(events.at(-1)).toMatchObject({ event: 'finished', changed: false });
  });
}
