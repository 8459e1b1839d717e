/**
 * One lab on machines with systemd, from the first contact to its end. The steps build on each other, in this order.
 */
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveUpstream } from '../support/upstream.ts';
import { haveMachines, MachineLab } from './support/machine-lab.ts';

const nodes = ['node1', 'node2', 'node3'];
/** The worst that systemd-analyze gives to a service is 10. What is left: a network, and V8's executable memory. */
const acceptedExposure = 2;

describe.skipIf(!haveMachines())('a lab on machines', () => {
  let lab: MachineLab;

  beforeAll(async () => {
    lab = await MachineLab.create();
  }, 300_000);
  afterAll(() => lab?.close(), 60_000);

  it('is refused while nobody has vouched for the host keys, and no machine is touched', async () => {
    const { exitCode, stderr } = await lab.run('up');
    expect(exitCode).toBe(3);
    for (const { address } of lab.machines.machines) expect(stderr).toContain(`${address}:22 ssh-ed25519 SHA256:`);
    for (const node of nodes) expect(await lab.traces(node)).toBe('');
  });

  it('comes up', async () => {
    await lab.must('up', '--accept-new-host-keys');
    const { healthy, members } = await lab.status();
    expect(healthy).toBe(true);
    expect(members.map(({ process }) => process)).toEqual(['running', 'running', 'running']);
    await lab.must('ctl', 'put', 'greeting', 'hello');
    expect(await lab.must('exec', 'node2', '--', 'hostname')).toBe('node2');
    expect(await lab.must('exec', 'node3', 'sh', '-c', 'echo "$0"', "it's $HOME")).toBe("it's $HOME");
  });

  it('gives each machine only what is its own, for its member only', async () => {
    for (const node of nodes) {
      const keys = await lab.on(node, "sudo find /etc/etcd /var/lib/etcd -name '*key*' -printf '%f %m %u\\n' | sort");
      expect(keys.split('\n')).toEqual(['peer-key.pem 600 etcd', 'server-key.pem 600 etcd']);
      const folders = await lab.on(node, "sudo stat -c '%n %a %U' /var/lib/etcd /etc/etcd/pki /opt/etcdlab");
      expect(folders.split('\n')).toEqual([
        '/var/lib/etcd 700 etcd',
        '/etc/etcd/pki 700 etcd',
        '/opt/etcdlab 755 root',
      ]);
      expect(await lab.on(node, 'ps -o user= -p $(systemctl show etcd -p MainPID --value)')).toBe('etcd');
    }
  });

  it('runs members that can do little else', async () => {
    const report = await lab.on('node1', 'systemd-analyze security etcd.service --no-pager');
    const exposure = Number(/Overall exposure level for etcd.service: ([0-9.]+)/.exec(report)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(acceptedExposure);
  });

  it('changes nothing when it is brought up again, and says so', async () => {
    const before = { pids: await lab.pids(), files: await Promise.all(nodes.map((node) => lab.files(node))) };
    const events = await lab.events('up');
    expect(events.at(-1)).toMatchObject({ event: 'finished', changed: false });
    const after = { pids: await lab.pids(), files: await Promise.all(nodes.map((node) => lab.files(node))) };
    expect(after).toEqual(before);
  });

  it('changes with lab.yaml what must change, and nothing else: certificates without a restart', async () => {
    const before = { pids: await lab.pids(), files: await lab.files('node1') };
    lab.describe('certificates: { algorithm: ecdsa-p384 }');
    expect((await lab.events('up')).at(-1)).toMatchObject({ changed: true });
    expect(await lab.pids()).toEqual(before.pids);
    const old = before.files.split('\n');
    const changed = (await lab.files('node1')).split('\n').filter((line) => !old.includes(line));
    const names = changed.map((line) => line.split(' ')[0]).sort();
    expect(names.filter((name) => !name?.endsWith('/pki'))).toEqual(
      ['peer-key.pem', 'peer.pem', 'server-key.pem', 'server.pem'].map((name) => `/etc/etcd/pki/${name}`),
    );
  });

  it('stays writable while one member is killed, and is repaired', async () => {
    await lab.must('stop', 'node3');
    await lab.must('ctl', '--node', 'node1', 'put', 'without', 'node3');
    expect((await lab.status()).problems).toEqual(['node3 is stopped: etcdlab up starts it']);
    await lab.must('start', 'node3');
    // As the kernel does when memory runs out: systemd starts it again without being asked.
    const before = (await lab.pids()).node2;
    await lab.on('node2', 'sudo systemctl kill --signal=SIGKILL etcd');
    await expect
      .poll(async () => (await lab.pids()).node2, { timeout: 30_000 })
      .toSatisfy((pid) => pid && pid !== before);
    await lab.must('up');
  });

  it('comes back by itself after a power cut', async () => {
    await lab.machines.cutPower('node1');
    // It may have been the leader: the others need a moment to elect another.
    await expect
      .poll(async () => (await lab.run('ctl', '--node', 'node2', 'put', 'without', 'power')).exitCode, {
        timeout: 30_000,
      })
      .toBe(0);
    const { healthy, problems } = await lab.status();
    expect(healthy).toBe(false);
    expect(problems.join()).toContain('node1 (10.200.10.10:22) cannot be reached over SSH');
    await lab.machines.boot('node1');
    await expect.poll(async () => (await lab.status()).healthy, { timeout: 60_000, interval: 500 }).toBe(true);
  });

  it('elects anew when its leader is cut off, says so, and heals', async () => {
    const leader = (await lab.status()).members.find(({ report }) => report?.role === 'leader')?.node as string;
    const other = nodes.find((node) => node !== leader) as string;
    await lab.must('cut', leader);
    await expect
      .poll(async () => (await lab.run('ctl', '--node', other, 'put', 'without', 'leader')).exitCode, {
        timeout: 30_000,
      })
      .toBe(0);
    // Cut off from a quorum, it must not answer what only a quorum knows.
    expect((await lab.run('ctl', '--node', leader, '--command-timeout=3s', 'get', 'without')).exitCode).not.toBe(0);
    expect((await lab.status()).problems.join()).toContain(`${leader} is cut off from`);
    await lab.must('heal', leader);
    await expect.poll(async () => (await lab.status()).healthy, { timeout: 30_000, interval: 500 }).toBe(true);
    expect(await lab.must('ctl', '--node', leader, 'get', 'without', '--print-value-only')).toBe('leader');
  });

  it('passes the restore drill', async () => {
    const output = await lab.must('drill', 'run', 'restore', '--yes', '--keys', '300');
    expect(output).toMatch(/PASSED: \d+ checks, all proved on 3 members/);
    expect(await lab.must('ctl', 'get', 'greeting', '--print-value-only')).toBe('hello');
    for (const node of nodes) expect(await lab.on(node, 'sudo ls /var/lib/etcd')).toBe('data');
  });

  it.skipIf(!haveUpstream())(
    'changes its engine member by member on the same data, and serves all the time',
    async () => {
      const upstream = process.env.ETCDLAB_UPSTREAM as string;
      const switched = lab.run('engine', 'switch', 'upstream', '--path', upstream);
      let ended = false;
      void switched.then(() => {
        ended = true;
      });
      let writes = 0;
      while (!ended) {
        // A write may meet a member that stops in this moment: a client then tries again, and finds another.
        let isWritten = false;
        for (let tries = 0; tries < 5 && !isWritten; tries++) {
          isWritten = (await lab.run('ctl', 'put', 'during/switch', String(writes))).exitCode === 0;
        }
        expect(isWritten).toBe(true);
        writes += 1;
      }
      const { exitCode, stdout, stderr } = await switched;
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toMatch(/All members hold what they held before: HashKV \d+ at revision \d+/);
      expect(writes).toBeGreaterThan(3);
      for (const node of nodes) {
        expect(await lab.on(node, 'systemctl show etcd -p ExecStart --value')).toContain('/opt/etcdlab/upstream-');
        expect(await lab.on(node, 'ls /opt/etcdlab')).toMatch(/^upstream-[0-9a-f]{16}$/);
      }
      expect(await lab.must('ctl', 'get', 'greeting', '--print-value-only')).toBe('hello');
    },
  );

  it('makes an archive for support without a key in it', async () => {
    await lab.must('support', '--output', 'support.tar.gz');
    const { stdout: text } = await execa('tar', ['-xzOf', `${lab.folder}/support.tar.gz`]);
    expect(text).toContain('Overall exposure level');
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
  });

  it('leaves nothing behind when it is destroyed', async () => {
    await lab.must('destroy', '--yes');
    for (const node of nodes) expect(await lab.traces(node)).toBe('');
    expect((await lab.run('status')).stderr).toContain('LAB_MISSING');
  });
});
