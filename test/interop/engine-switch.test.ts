/** The engine of a lab is switched member by member, while clients write: stopped half-way, reversed, and carried on. */
import { readlinkSync, realpathSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordedWriter } from '../support/recorded-writer.ts';
import { type LabEvent, TestLab } from '../support/test-lab.ts';
import { haveUpstream, upstreamExecutables } from '../support/upstream.ts';

let lab: TestLab;
beforeAll(async () => {
  if (haveUpstream()) lab = await TestLab.up();
});
afterAll(() => lab?.close());

const upstream = process.env.ETCDLAB_UPSTREAM ?? '';

/** What each member runs, as its process shows it. */
async function engines(of: TestLab): Promise<string[]> {
  const opened = await of.open();
  try {
    const states = await Promise.all(opened.nodes.map(({ host }) => host.service.status()));
    const theirs = realpathSync(upstreamExecutables().etcd);
    return states.map(({ pid }) => {
      if (pid === undefined) return 'none';
      return readlinkSync(`/proc/${pid}/exe`) === theirs ? 'upstream' : 'built-in';
    });
  } finally {
    await opened.close();
  }
}

/** The first member has been moved, and the second is about to be. */
function secondBegins({ event, path }: LabEvent): boolean {
  return event === 'task-started' && (path as string[]).join().endsWith('configuration,node2');
}

describe.skipIf(!haveUpstream())('engine switch', () => {
  test('that is refused is none: nothing is to be gone on with, or undone', async () => {
    const { exitCode, stderr } = await lab.run('engine', 'switch', 'upstream', '--path', '/nowhere');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('/nowhere') });
    expect(stderr).not.toContain('either engine');
    expect((await lab.run('engine', 'switch', '--back')).stderr).toContain('no switch was interrupted');
  });

  test('moves a cluster under load there and back, stopped and killed half-way, and loses no acknowledged write', {
    timeout: 180_000,
  }, async () => {
    const opened = await lab.open();
    const client = opened.client();
    const writer = new RecordedWriter(client, { concurrency: 3 });
    try {
      const to = ['engine', 'switch', 'upstream', '--path', upstream];

      const stopped = await lab.signalAt(secondBegins, 'SIGINT', ...to);
      expect(stopped).toMatchObject({ exitCode: 130 });
      expect(await engines(lab)).toEqual(expect.arrayContaining(['upstream', 'built-in']));
      await writer.moreAcknowledged(20);
      expect((await lab.run('engine', 'switch', '--back', '--path', upstream)).stderr).toContain('knows the engine');
      const back = await lab.must('engine', 'switch', '--back');
      expect(back).toContain('All members hold what they held before: HashKV');
      expect(back).not.toContain('lab.yaml');
      expect(await engines(lab)).toEqual(['built-in', 'built-in', 'built-in']);

      const killed = await lab.signalAt(secondBegins, 'SIGKILL', ...to);
      expect(killed).toMatchObject({ endedBy: 'SIGKILL' });
      await lab.must(...to);
      expect(await engines(lab)).toEqual(['upstream', 'upstream', 'upstream']);
      await lab.must('engine', 'switch', 'built-in');
      expect(await engines(lab)).toEqual(['built-in', 'built-in', 'built-in']);
      expect((await lab.run('engine', 'switch', '--back')).stderr).toContain('no switch was interrupted');

      await writer.moreAcknowledged(20);
      await writer.stop();
      expect(await writer.lostWrites(client)).toEqual([]);
      expect(writer.acknowledged.size).toBeGreaterThan(20);
    } finally {
      await writer.stop();
      client.close();
      await opened.close();
    }
  });

  test.each<[string, string[]]>([
    ['engine-move', ['every-mix-healthy', 'acknowledged-writes']],
    ['other-engine', ['keys']],
  ])('is what the drill %s rehearses, from the built-in engine too', { timeout: 120_000 }, async (drill, telling) => {
    await lab.must('drill', 'run', drill, '--yes');
    const { json } = lab.report();
    expect(json).toMatchObject({ drill, result: 'passed' });
    expect(json.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(telling));
    expect(await engines(lab)).toEqual(['built-in', 'built-in', 'built-in']);
  });

  test('away from upstream is stopped half-way and undone as well', { timeout: 120_000 }, async () => {
    const theirs = await TestLab.up({ upstream });
    try {
      await theirs.must('ctl', 'put', 'kept', 'all the way');
      const stopped = await theirs.signalAt(secondBegins, 'SIGINT', 'engine', 'switch', 'built-in');
      expect(stopped).toMatchObject({ exitCode: 130 });
      expect(await engines(theirs)).toEqual(expect.arrayContaining(['upstream', 'built-in']));
      expect(await theirs.must('engine', 'switch', '--back')).toContain(
        'All members hold what they held before: HashKV',
      );
      expect(await engines(theirs)).toEqual(['upstream', 'upstream', 'upstream']);
      expect(await theirs.must('ctl', 'get', 'kept')).toContain('all the way');
    } finally {
      await theirs.close();
    }
  });
});
