/** A drill that is interrupted, at any moment and in any way, costs nobody a key. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { phases } from '../../drills/engine/events.ts';
import { BoltDatabase } from '../../server/bolt/mod.ts';
import { KeyValue } from '../../server/proto/gen/kv.ts';
import { type LabEvent, TestLab } from '../support/test-lab.ts';

let lab: TestLab;
let before: Awaited<ReturnType<TestLab['keys']>>;
let folders: Record<string, string[]>;

beforeAll(async () => {
  lab = await TestLab.up();
  for (let i = 0; i < 4; i++) await lab.must('ctl', 'put', `mine/${i % 3}`, `value ${i}`);
});
afterAll(() => lab?.close());
beforeEach(async () => {
  // Each test leaves the lab well; this keeps one that fails from failing the rest.
  await lab.must('up');
  before = await lab.keys('mine/');
  folders = lab.hostFolders();
});

/** Enough keys for the verification to take a while. */
const drill = ['drill', 'run', 'restore', '--yes', '--keys', '1000'];
const begins =
  (phase: string) =>
  ({ event, phase: of }: LabEvent): boolean =>
    event === 'step-started' && of === phase;

/** The lab serves the user's keys as they were, in the cluster of before, and nothing of the drill lies around. */
async function expectAllAsBefore(keptWrites: readonly string[] = []): Promise<void> {
  expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  expect(await lab.keys('mine/')).toEqual(before);
  const also = keptWrites.map((folder) => path.basename(folder));
  expect(lab.hostFolders()).toEqual(
    Object.fromEntries(
      Object.entries(folders).map(([host, names]) => [host, [...new Set([...names, ...also])].sort()]),
    ),
  );
}

async function keysOfDatabase(file: string): Promise<string[]> {
  const database = await BoltDatabase.open(file, { readOnly: true });
  const view = database.view();
  const keys = [...view.pairs('key')].map(([, value]) => Buffer.from(KeyValue.decode(value).key).toString());
  view.close();
  await database.close();
  return keys;
}

const undone = 'an interrupted drill was undone: the members have their data from before it again';
const warnings = (events: readonly LabEvent[]) =>
  events.filter(({ event }) => event === 'warning').map(({ text }) => text);

/** Where `up` says that it has kept what was written to the restored members. */
const keptWritesOf = (events: readonly LabEvent[]): string[] =>
  warnings(events).flatMap((text) => /until you remove it: (.*)$/.exec(String(text))?.[1]?.split(', ') ?? []);

describe('SIGINT', () => {
  test.each(phases)('in the phase %s undoes the drill and ends with exit code 130', async (phase) => {
    const { exitCode, events } = await lab.signalAt(begins(phase), 'SIGINT', ...drill);
    expect(exitCode, JSON.stringify(events.at(-1))).toBe(130);
    expect(events.at(-1)).toMatchObject({ event: 'error', code: 'LAB_INTERRUPTED' });
    await expectAllAsBefore();
    const { json, markdown } = lab.report();
    expect(json).toMatchObject({ result: 'inconclusive', error: expect.stringContaining('interrupted') });
    expect(markdown).toContain('INCONCLUSIVE: the drill could not be carried through, so nothing is proved');
    // Nothing is left to be undone.
    const again = await lab.events('up');
    expect(again.events.at(-1), JSON.stringify(again.events)).toMatchObject({ event: 'finished', changed: false });
    expect(warnings(again.events)).not.toContain(undone);
  });
});

describe('a reader that goes away', () => {
  test('is an interruption too: the drill is undone, and no stack trace is shown', async () => {
    const running = lab.spawn(...drill);
    running.stdout.once('data', () => running.stdout.destroy());
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('interrupted (LAB_INTERRUPTED)');
    expect(stderr).not.toMatch(/^ +at /m);
    await expectAllAsBefore();
  });
});

describe('SIGKILL', () => {
  test.each(['prepare', 'backup'])('in the phase %s leaves a lab that serves on', async (phase) => {
    const { endedBy } = await lab.signalAt(begins(phase), 'SIGKILL', ...drill);
    expect(endedBy).toBe('SIGKILL');
    await expectAllAsBefore();
    expect((await lab.events('up')).events.at(-1)).toMatchObject({ event: 'finished', changed: false });
  });

  test.each(['disaster', 'detect', 'recover', 'verify'])(
    'in the phase %s is undone by the next `up`, which says so',
    async (phase) => {
      const { endedBy } = await lab.signalAt(begins(phase), 'SIGKILL', ...drill);
      expect(endedBy).toBe('SIGKILL');
      // The signal may come just before the first member is touched: then there is nothing to be undone.
      const wasTouched = existsSync(lab.state('drill-journal.json'));
      if (phase !== 'disaster') expect(wasTouched).toBe(true);
      const { exitCode, events } = await lab.events('up');
      expect(exitCode, JSON.stringify(events.at(-1))).toBe(0);
      expect(warnings(events).includes(undone)).toBe(wasTouched);
      const kept = keptWritesOf(events);
      expect(kept.length).toBe(phase === 'verify' ? 3 : 0);
      await expectAllAsBefore(kept);
    },
  );

  test('after the members serve again costs nothing of what is written to them until it is undone', async () => {
    await lab.signalAt(begins('verify'), 'SIGKILL', ...drill);
    await lab.must('ctl', 'put', 'written/meanwhile', 'and not lost');
    const { events } = await lab.events('up');
    const kept = keptWritesOf(events);
    expect(kept).toHaveLength(3);
    for (const folder of kept) expect(existsSync(path.join(folder, 'member/snap/db'))).toBe(true);
    expect((await lab.keys('written/')).kvs).toEqual([]);
    const [database] = kept.map((folder) => path.join(folder, 'member/snap/db'));
    expect(await keysOfDatabase(database as string)).toContain('written/meanwhile');
  });

  test('is undone by the next drill, which says so and passes', async () => {
    await lab.signalAt(begins('recover'), 'SIGKILL', ...drill);
    const { exitCode, events } = await lab.events(...drill);
    expect(exitCode, JSON.stringify(events.at(-1))).toBe(0);
    expect(warnings(events)).toEqual([undone]);
    expect(events.at(-1)).toMatchObject({ event: 'drill-finished', result: 'passed' });
    expect((await lab.keys('mine/')).kvs).toEqual(before.kvs);
    expect(lab.hostFolders()).toEqual(folders);
  });

  test('while a drill is being undone is made good by the next `up`', async () => {
    await lab.signalAt(begins('recover'), 'SIGKILL', ...drill);
    await lab.signalAt(({ event, text }) => event === 'warning' && text === undone, 'SIGKILL', 'up');
    await lab.must('up');
    await expectAllAsBefore();
  });

  test.each<[string, (event: LabEvent) => boolean, boolean]>([
    ['before new ones are made, they are back', begins('detect'), false],
    ['while new authorities take over, these do', ({ text }) => text === 'Issue all certificates anew', true],
  ])('of a drill that has lost the keys of the authorities: %s', async (_, isTheMoment, mustRotate) => {
    const keyFile = lab.state('pki', 'client-ca-key.pem');
    const keyBefore = readFileSync(keyFile, 'utf8');
    await lab.signalAt(isTheMoment, 'SIGKILL', 'drill', 'run', 'lost-ca-key', '--yes');
    // The drill goes on until the signal comes: new authorities may have begun to take over by then.
    const rotates = existsSync(lab.state('pki', 'rotation.json')) || existsSync(keyFile);
    if (mustRotate) expect(rotates).toBe(true);
    await lab.must('up');
    expect(readFileSync(keyFile, 'utf8') === keyBefore).toBe(!rotates);
    await lab.must('certs', 'check');
    await expectAllAsBefore();
  });

  test('of a drill does not keep its lab from being destroyed', async () => {
    await lab.signalAt(begins('recover'), 'SIGKILL', ...drill);
    await lab.must('destroy', '--yes');
    expect(Object.keys(lab.listing())).toEqual(['lab.yaml']);
  });
});
