/** What goes wrong while a lab comes up on machines: it is said what, and the next `up` finishes the job. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { users } from './support/base-system.ts';
import { haveMachines, MachineLab } from './support/machine-lab.ts';

const nodes = ['node1', 'node2', 'node3'];

describe.skipIf(!haveMachines())('bringing a lab up on machines', () => {
  let lab: MachineLab;

  // Upstream's binaries are smaller: what is tested here does not depend on the engine.
  const engine = haveUpstream() ? `engine: { kind: upstream, path: ${process.env.ETCDLAB_UPSTREAM} }` : '';
  const chooseEngine = haveUpstream() ? 'Choose upstream binaries' : 'Build the executable';

  beforeAll(async () => {
    lab = await MachineLab.create();
    lab.describe(engine);
  }, 300_000);
  afterAll(() => lab?.close(), 60_000);

  /** What `up` must come to, whatever happened before. */
  async function finishesTheJob(): Promise<void> {
    await lab.must('up');
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
  }

  /** Lets no member reach another, so that the cluster does not become healthy. */
  async function blockPeers(): Promise<void> {
    const chain = 'add chain inet outage in { type filter hook input priority 0; }';
    const rules = `add table inet outage; ${chain}; add rule inet outage in tcp dport 2380 drop`;
    for (const node of ['node2', 'node3']) await lab.on(node, `sudo nft '${rules}'`);
  }

  async function leavesNothing(): Promise<void> {
    lab.describe(engine);
    await lab.must('destroy', '--yes');
    for (const node of nodes) expect(await lab.traces(node)).toBe('');
  }

  it('is shown without being done, and refused with all that is wrong with the machines', async () => {
    const dry = await lab.must('up', '--dry-run', '--accept-new-host-keys');
    for (const node of nodes) expect(dry).toContain(`${node}: `);
    expect(dry).toMatch(/write +\/etc\/etcd\/pki\/server-key.pem {2}0600 member, \d+ bytes/);
    expect(dry).toMatch(/run +useradd --system/);
    expect(existsSync(lab.state())).toBe(false);

    // Nobody's member: a socket of systemd, which goes on listening however often it is connected to.
    await lab.on('node2', 'sudo systemd-run --quiet --unit squatter systemd-socket-activate --accept -l 2380 /bin/cat');
    await lab.on('node3', 'sudo mv /usr/bin/gzip /usr/bin/gzip.away');
    // Nobody may set the clock of a container: it is asked for by a program that says another time.
    await lab.on(
      'node1',
      `sudo mv /usr/bin/date /usr/bin/date.away; sudo tee /usr/bin/date <<'END' >/dev/null; sudo chmod 755 /usr/bin/date
#!/bin/sh
exec date.away -d "@$(($(date.away +%s) - 600))" "$@"
END`,
    );
    try {
      await expect.poll(() => lab.on('node2', 'ss -Hltn sport = :2380'), { timeout: 30_000 }).toContain('LISTEN');
      const doctor = await lab.run('doctor', '--accept-new-host-keys');
      expect(doctor).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('checks: 3 errors') });
      // The machines are known from then on.
      const { exitCode, stderr } = await lab.run('up');
      expect(exitCode).toBe(3);
      expect(stderr).toContain('3 problems must be solved before the lab can come up; nothing was changed');
      expect(stderr).toMatch(/node2 10\.200\.10\.11:2380: in use by systemd-socket-/);
      expect(stderr).toMatch(/node1: (59|60)\d\.\d s behind this machine: certificates would not be valid there/);
      expect(stderr).toContain('node3: gzip is not there');
      expect(stderr).toContain('→ install it: sudo apt-get install gzip');
      for (const node of nodes) expect(await lab.traces(node)).toBe('');
    } finally {
      await lab.on('node2', 'sudo systemctl stop squatter');
      await lab.on('node3', 'sudo mv /usr/bin/gzip.away /usr/bin/gzip');
      await lab.on('node1', 'sudo mv /usr/bin/date.away /usr/bin/date');
    }
    lab.describe(engine, {}, users.withoutSudo);
    const refused = await lab.run('up', '--accept-new-host-keys');
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain(`${users.withoutSudo} may not use sudo without a password on node1`);
    await leavesNothing();
  });

  it('goes on after Ctrl-C at each step', async () => {
    for (const step of [
      'Check the machines',
      chooseEngine,
      'Open the lab',
      'Prepare the machines',
      // The engine is on its way to a machine.
      'Install the engine,node',
      'Certificates',
      'Configure the members',
      'Start the members',
      'Wait until the cluster is healthy',
    ]) {
      // From here on nobody can be so quick that there is nothing left to interrupt.
      if (step === 'Configure the members') await blockPeers();
      const { exitCode, happened } = await lab.during(
        ({ event, path }) => event === 'task-started' && String(path).startsWith(step),
        (running) => running.kill('SIGINT'),
        'up',
        '--accept-new-host-keys',
      );
      expect([step, exitCode, happened]).toEqual([step, 130, true]);
    }
    for (const node of ['node2', 'node3']) await lab.on(node, 'sudo nft delete table inet outage');
    await finishesTheJob();
    // A transfer that was cut off leaves no half file, under no name.
    expect(await lab.on('node1', 'sudo find /opt/etcdlab /etc/etcd -name ".etcdlab-*"')).toBe('');
    await leavesNothing();
  });

  it('goes on after it was killed while it configured the members', async () => {
    const { happened } = await lab.during(
      ({ event, path }) => event === 'task-started' && String(path) === 'Configure the members',
      (running) => running.kill('SIGKILL'),
      'up',
      '--accept-new-host-keys',
    );
    expect(happened).toBe(true);
    await finishesTheJob();
    await leavesNothing();
  });

  it('names the machine that dies meanwhile, and goes on when it is back', async () => {
    const { exitCode, stdout, happened } = await lab.during(
      ({ event, path }) => event === 'task-started' && String(path).startsWith('Install the engine,'),
      () => lab.machines.cutPower('node2'),
      'up',
      '--accept-new-host-keys',
    );
    expect([exitCode, happened]).toEqual([1, true]);
    expect(stdout).toMatch(/"code":"LAB_HOST_UNREACHABLE","message":"node2 /);
    const again = await lab.run('up');
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toContain('node2 (10.200.10.11:22) cannot be reached over SSH');
    await lab.machines.boot('node2');
    await finishesTheJob();
    await leavesNothing();
  });

  it('says that a disk is full, and goes on when it is not', async () => {
    await lab.on('node3', 'sudo mount -t tmpfs -o size=20m tmpfs /opt');
    const { exitCode, stderr } = await lab.run('up', '--accept-new-host-keys');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\/opt\/etcdlab\/.*\/etcd cannot be written on node3: .*No space left on device/);
    await lab.on('node3', 'sudo umount /opt');
    await finishesTheJob();
  });

  it('repairs what somebody has damaged on a machine, and clears away what died half written', async () => {
    await lab.on(
      'node2',
      'sudo touch -d "2 hours ago" /etc/etcd/pki/.etcdlab-half; sudo touch /etc/etcd/pki/.etcdlab-new',
    );
    await lab.on('node1', 'sudo truncate -s 100 /etc/etcd/pki/server-key.pem; sudo chmod 755 /var/lib/etcd');
    await lab.on('node2', 'sudo systemctl stop etcd && sudo truncate -s 1000000 /opt/etcdlab/*/etcd');
    await lab.on('node3', 'sudo rm /etc/systemd/system/etcd.service /etc/etcd/etcd.conf.yml');
    await finishesTheJob();
    expect(await lab.on('node1', 'sudo stat -c %a /var/lib/etcd')).toBe('700');
    expect(await lab.on('node2', 'sudo sh -c "ls -d /etc/etcd/pki/.etcdlab-*"')).toBe('/etc/etcd/pki/.etcdlab-new');
    expect((await lab.events('up')).at(-1)).toMatchObject({ event: 'finished', changed: false });
  });

  it('leaves a machine alone that belongs to another lab', async () => {
    const before = await lab.files('node1');
    const { exitCode, stderr } = await lab.run('up', '--name', 'other', '--accept-new-host-keys');
    expect(exitCode).toBe(3);
    expect(stderr).toContain("node1: belongs to lab 'machines'");
    expect(await lab.files('node1')).toBe(before);
    await lab.must('destroy', '--name', 'other', '--yes');
    expect(await lab.status()).toMatchObject({ healthy: true });
  });

  it('sends nothing to a machine that shows another host key', async () => {
    await lab.machines.cutPower('node1');
    await lab.machines.newHostKey('node1');
    await lab.machines.boot('node1');
    const { exitCode, stderr } = await lab.run('up');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /the SSH host key of node1 \(10\.200\.10\.10:22\) has changed: SHA256:\S+ is trusted, it shows/,
    );
    const forget = /ssh-keygen -R '[^']+' -f '[^']+'/.exec(stderr)?.[0] as string;
    await lab.locally(forget);
    // Forgotten is not trusted: it is met for the first time again.
    expect((await lab.run('up')).exitCode).toBe(3);
    await lab.must('up', '--accept-new-host-keys');
    await leavesNothing();
  });
});
