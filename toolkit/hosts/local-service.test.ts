import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { LocalHost } from './local-host.ts';

/** @param script run by sh */
async function service(script: string) {
  const folder = scratchFolder();
  const host = new LocalHost('node1', folder);
  onTestFinished(() => host.service.kill());
  const definition = { executable: 'sh', args: ['-c', script], revision: 'r1' };
  await host.service.define(definition);
  return { service: host.service, folder, definition };
}

const forever = 'echo started; while :; do sleep 0.02; done';
/** The first line of output says that the script has set its traps. */
const untilItSays = async (folder: string, text: string) => {
  await expect.poll(() => readFileSync(join(folder, 'etcd.log'), 'utf8'), { interval: 10 }).toContain(text);
};

describe('a local service', () => {
  it('is stopped before it was ever started', async () => {
    const { service: never } = await service(forever);
    expect(await never.status()).toEqual({ state: 'stopped' });
    await never.stop();
    await never.kill();
    expect(await never.logTail(5)).toEqual([]);
  });

  it('cannot be started before it is defined', async () => {
    const host = new LocalHost('node1', scratchFolder());
    await expect(host.service.start()).rejects.toMatchObject({ code: 'LAB_SERVICE_UNDEFINED' });
  });

  it('runs in the background, and is found by another program', async () => {
    const { service: first, folder } = await service(forever);
    await first.start();
    const { pid, state, revision } = await first.status();
    expect({ state, revision }).toEqual({ state: 'running', revision: 'r1' });
    expect(await new LocalHost('node1', folder).service.status()).toMatchObject({ state: 'running', pid });
  });

  it('is started once, however often it is asked for', async () => {
    const { service: one } = await service(forever);
    await one.start();
    const { pid } = await one.status();
    await one.start();
    expect((await one.status()).pid).toBe(pid);
  });

  it('remembers the revision it was started with, not the one that was defined since', async () => {
    const { service: one, definition } = await service(forever);
    await one.start();
    expect(await one.define(definition)).toBe(false);
    expect(await one.define({ ...definition, revision: 'r2' })).toBe(true);
    expect((await one.status()).revision).toBe('r1');
  });

  it('sees no ETCD_ variable of its caller', async () => {
    process.env.ETCD_NAME = 'stray';
    onTestFinished(() => {
      delete process.env.ETCD_NAME;
    });
    const { service: one, folder } = await service(`env; echo complete; ${forever}`);
    await one.start();
    await untilItSays(folder, 'complete');
    expect(readFileSync(join(folder, 'etcd.log'), 'utf8')).not.toContain('ETCD_NAME');
  });

  it('is asked to end, and is stopped then', async () => {
    const { service: one, folder } = await service(`trap 'echo bye; exit 0' TERM; ${forever}`);
    await one.start();
    await untilItSays(folder, 'started');
    await one.stop();
    expect(await one.status()).toEqual({ state: 'stopped' });
    expect(await one.logTail(1)).toEqual(['bye']);
  });

  it('is killed if it does not end in time', async () => {
    const { service: one, folder } = await service(`trap '' TERM; ${forever}`);
    await one.start();
    await untilItSays(folder, 'started');
    await one.stop({ graceMs: 60 });
    expect(await one.status()).toEqual({ state: 'stopped' });
  });

  it('has exited, not stopped, after a kill', async () => {
    const { service: one } = await service(forever);
    await one.start();
    await one.kill();
    expect(await one.status()).toMatchObject({ state: 'exited', revision: 'r1' });
    await one.start();
    expect(await one.status()).toMatchObject({ state: 'running' });
  });

  it('has exited when it ends by itself', async () => {
    const { service: one, folder } = await service(`trap 'echo failed; exit 1' USR1; ${forever}`);
    await one.start();
    await untilItSays(folder, 'started');
    process.kill((await one.status()).pid as number, 'SIGUSR1');
    await expect.poll(async () => (await one.status()).state, { interval: 10 }).toBe('exited');
    expect(await one.logTail(1)).toEqual(['failed']);
  });

  it('can be frozen, thawed, and stopped while frozen', async () => {
    const { service: one, folder } = await service(`trap 'echo bye; exit 0' TERM; ${forever}`);
    await one.start();
    await untilItSays(folder, 'started');
    await one.freeze();
    expect(await one.status()).toMatchObject({ state: 'frozen' });
    await one.thaw();
    expect(await one.status()).toMatchObject({ state: 'running' });
    await one.freeze();
    await one.stop();
    expect(await one.status()).toEqual({ state: 'stopped' });
    expect(await one.logTail(1), 'it ended by itself, and was not killed').toEqual(['bye']);
    await expect(one.freeze()).rejects.toMatchObject({ code: 'LAB_SERVICE_NOT_RUNNING' });
  });

  it('says which executable cannot be started', async () => {
    const { service: one } = await service(forever);
    await one.define({ executable: '/nowhere/etcd', args: [], revision: 'r' });
    await expect(one.start()).rejects.toMatchObject({
      code: 'LAB_SERVICE_START',
      message: '/nowhere/etcd could not be started for node1',
    });
    expect(await one.status()).toEqual({ state: 'stopped' });
  });

  it('starts a new log when the old one has grown large', async () => {
    const { service: one, folder } = await service(forever);
    writeFileSync(join(folder, 'etcd.log'), 'old\n');
    truncateSync(join(folder, 'etcd.log'), 33 * 1024 * 1024);
    await one.start();
    expect(statSync(join(folder, 'etcd.log.1')).size).toBe(33 * 1024 * 1024);
    expect(statSync(join(folder, 'etcd.log')).size).toBeLessThan(1024);
  });
});
