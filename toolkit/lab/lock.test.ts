import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectPid, ownIdentity } from '../hosts/process-identity.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { isLockFile, LabLock } from './lock.ts';

const owner = (change: object) =>
  JSON.stringify({ ...ownIdentity(), command: 'drill', since: '2026-11-20T08:00:00.000Z', released: false, ...change });

describe("a lab's lock", () => {
  it('is held by one command at a time, and says by which', async () => {
    const folder = join(scratchFolder(), 'new');
    const lock = await LabLock.acquire(folder, 'up');
    await expect(LabLock.acquire(folder, 'down')).rejects.toMatchObject({
      code: 'LAB_LOCKED',
      exitCode: 3,
      message: expect.stringContaining(`'etcdlab up' (pid ${process.pid}) has been working on ${folder} since`),
    });
    await lock.release();
    await (await LabLock.acquire(folder, 'down')).release();
  });

  it('says of a second backup run that the first does not end by itself', async () => {
    const folder = scratchFolder();
    const lock = await LabLock.acquire(folder, 'backup run');
    const refused = (command: string) => LabLock.acquire(folder, command).catch((error) => error.advice);
    expect(await refused('backup run')).toEqual(['end it there: it runs until it is ended']);
    expect(await refused('down')).toEqual(['wait until it is done']);
    await lock.release();
  });

  it('leaves one file, however often it was taken', async () => {
    const folder = scratchFolder();
    for (let i = 0; i < 5; i++) await (await LabLock.acquire(folder, 'up')).release();
    expect(readdirSync(folder)).toEqual(['lock.5']);
    expect(isLockFile('lock.5')).toBe(true);
  });

  it('is taken over from a process that has ended', async () => {
    const folder = scratchFolder();
    const child = spawn('true');
    const startTime = inspectPid(child.pid as number)?.startTime ?? 'gone';
    await once(child, 'exit');
    writeFileSync(join(folder, 'lock.7'), owner({ pid: child.pid, startTime }));
    await (await LabLock.acquire(folder, 'up')).release();
  });

  it('is taken over from a process whose pid now belongs to another', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'lock.1'), owner({ startTime: 'before the reboot' }));
    await (await LabLock.acquire(folder, 'up')).release();
  });

  it('is taken over when a power failure left its file empty', async () => {
    const folder = scratchFolder();
    writeFileSync(join(folder, 'lock.1'), '');
    await (await LabLock.acquire(folder, 'up')).release();
  });

  it('is given to exactly one of many who try at once', async () => {
    const folder = scratchFolder();
    for (let round = 0; round < 20; round++) {
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => LabLock.acquire(folder, 'up')));
      const locks = results.filter((result) => result.status === 'fulfilled').map((result) => result.value);
      expect(locks).toHaveLength(1);
      await locks[0]?.release();
    }
  });

  it('can be released after the lab was removed', async () => {
    const folder = join(scratchFolder(), 'lab');
    mkdirSync(folder);
    const lock = await LabLock.acquire(folder, 'destroy');
    renameSync(folder, `${folder}.removed`);
    await lock.release();
  });
});
