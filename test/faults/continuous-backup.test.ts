/**
 * What goes wrong while backups are taken continuously: the tool is killed at each of its steps, the disk that it writes
 * to is full, the cluster does not answer. Nothing that is recorded is lost, and it goes on.
 */
import { rmSync, symlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { settledRevision } from '../../drills/recovery/record.ts';
import type { EtcdClient } from '../../server/client/mod.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { ContinuousRun } from '../support/continuous-run.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { TestLab } from '../support/test-lab.ts';

const signal = AbortSignal.timeout(600_000);
const canMount = SmallDisk.isPossible();
/** Each starts some commands, and waits for a whole round of the service's questions. */
const patience = { timeout: 180_000 };
let lab: TestLab;
let opened: Lab;
let client: EtcdClient;
let service: ContinuousRun | undefined;
let written = 0;

beforeAll(async () => {
  lab = await TestLab.up();
  opened = await lab.open();
  client = opened.client();
});
afterEach(() => service?.end('SIGKILL'));
afterAll(async () => {
  client?.close();
  await opened?.close();
  await lab?.close();
});

async function write(count: number, valueBytes = 10): Promise<void> {
  for (let i = 0; i < count; i++) {
    await client.put({ key: Buffer.from(`mine/${written++}`), value: Buffer.alloc(valueBytes, 'v') });
  }
}

interface ShownChain {
  revisions: [number, number];
}
const chains = async (): Promise<ShownChain[]> => JSON.parse(await lab.must('backup', 'deltas', '--json'));

/** The newest log has all that the cluster has. @returns the cluster's revision */
async function expectRecorded(): Promise<number> {
  const revision = await settledRevision(client, opened, signal);
  await expect.poll(async () => (await chains())[0]?.revisions[1], { timeout: 60_000 }).toBe(revision);
  expect(await chains()).toHaveLength(1);
  return revision;
}

test('killed at any of its steps, the next run goes on where it was', patience, async () => {
  // In this order: the first ends before there is a log.
  for (const step of ['backup', 'chain', 'caught-up', 'following', 'replayed', 'proved']) {
    await write(5);
    const flags = step === 'replayed' || step === 'proved' ? ['--once'] : [];
    const { endedBy } = await lab.signalAt(({ event }) => event === step, 'SIGKILL', 'backup', 'run', ...flags);
    expect(endedBy, step).toBe('SIGKILL');
  }
  await write(5);
  const { exitCode, events, stderr } = await lab.events('backup', 'run', '--once', '--verify-level', '2');
  expect(exitCode, `${JSON.stringify(events)}\n${stderr}`).toBe(0);
  expect(events.filter(({ event }) => event === 'chain' || event === 'trouble')).toEqual([]);
  expect(events.find(({ event }) => event === 'replayed')?.revisions).toBeGreaterThan(0);
  await expectRecorded();
  rmSync(lab.state('backups'), { recursive: true });
});

test('a cluster that does not answer is followed again when it does', patience, async () => {
  service = new ContinuousRun(lab, '--verify-level', '0');
  await service.told('caught-up');
  for (const { name } of opened.nodes) await opened.freeze(name);
  await service.told('trouble', ({ step }) => step === 'deltas');
  for (const { name } of opened.nodes) await opened.thaw(name);
  await lab.must('up');
  await write(5);
  await expectRecorded();
  expect(await service.end('SIGTERM')).toBe(0);
  rmSync(lab.state('backups'), { recursive: true });
});

test.skipIf(!canMount)(
  'a full disk costs nothing that was recorded, is told, and is filled up when there is room',
  patience,
  async () => {
    // A full backup wants 64 MiB to be left free.
    const disk = SmallDisk.mount(160) as SmallDisk;
    symlinkSync(disk.directory, lab.state('backups'));
    try {
      service = new ContinuousRun(lab, '--verify-level', '0');
      await service.told('caught-up');
      // Nothing but the log is written any more.
      await service.told('proved');
      await write(5);
      disk.fill();
      await write(20, 20_000);
      const trouble = await service.told('trouble');
      expect(trouble).toMatchObject({ step: 'deltas', problem: expect.stringMatching(/cannot be written: .*ENOSPC/) });
      disk.free();
      await write(5);
      const revision = await expectRecorded();
      expect(await service.end('SIGTERM')).toBe(0);
      expect(await lab.must('restore', '--to', `r${revision - 10}`, '--dry-run')).toContain('Nothing was changed.');
    } finally {
      await service?.end('SIGKILL');
      rmSync(lab.state('backups'));
      disk.unmount();
    }
  },
);
