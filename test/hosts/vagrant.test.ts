/**
 * Provider vagrant, with the machines of these tests in the place of virtual ones: a program called vagrant says how to
 * log in to them, and writes down what it was asked to do.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { users } from './support/base-system.ts';
import { haveMachines, labName, MachineLab } from './support/machine-lab.ts';

describe.skipIf(!haveMachines())('a lab on machines of Vagrant', () => {
  let lab: MachineLab;
  const asked = () => readFileSync(path.join(lab.folder, 'asked'), 'utf8').trim().split('\n');

  beforeAll(async () => {
    lab = await MachineLab.create();
    const { machines, keyFile } = lab.machines;
    const blocks = machines.map(
      ({ name, address }) =>
        `Host ${name}\n  HostName ${address}\n  User ${users.administrator}\n  Port 22\n  IdentityFile "${keyFile}"\n`,
    );
    const bin = path.join(lab.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      path.join(bin, 'vagrant'),
      `#!/bin/sh\necho "$* for $ETCDLAB_NAME" >> ${lab.folder}/asked\n[ "$1" != ssh-config ] || cat <<'END'\n${blocks.join('\n')}\nEND\n`,
    );
    chmodSync(path.join(bin, 'vagrant'), 0o755);
    lab.environment = { PATH: `${bin}:${process.env.PATH}` };
    const nodes = machines.map(({ name, address }) => `  - { name: ${name}, address: ${address} }\n`);
    lab.write(`name: ${labName}\nprovider: vagrant\nvagrant: { memoryMiB: 768 }\nnodes:\n${nodes.join('')}`);
  }, 300_000);
  afterAll(() => lab?.close(), 60_000);

  it('comes up with one command, and is reached without Vagrant from then on', async () => {
    await lab.must('up');
    expect(asked()).toEqual([`up --no-provision for ${labName}`, `ssh-config for ${labName}`]);
    expect(await lab.status()).toMatchObject({ healthy: true });
    expect(await lab.must('exec', 'node3', 'hostname')).toBe('node3');
    expect(asked()).toHaveLength(2);
  });

  const exercises = ['users-and-roles', 'database-full', 'replace-a-member'];
  it.each(exercises)('has exercises that work on machines, and take back what they do there: %s', async (exercise) => {
    const events = await lab.events('workshop', 'author-check', exercise, '--yes');
    const [report] = events.filter(({ event }) => event === 'author-checked');
    expect(report).toMatchObject({ exercise, problems: [] });
    expect(report).not.toHaveProperty('notTried');
    for (const { name } of lab.machines.machines) expect(await lab.on(name, 'sudo ls /var/lib/etcd')).toBe('data');
  });

  it('has no exercise that needs members on this machine, and says why', async () => {
    const refused = await lab.run('workshop', 'start', 'full-restore', '--yes');
    expect(refused).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('must be on this machine') });
  });

  it('changes nothing when it is brought up again', async () => {
    expect((await lab.events('up')).at(-1)).toMatchObject({ event: 'finished', changed: false });
  });

  it('is removed with its machines', async () => {
    await lab.must('destroy', '--yes');
    expect(asked().at(-1)).toBe(`destroy --force for ${labName}`);
    expect((await lab.run('status')).stderr).toContain('LAB_MISSING');
  });
});
