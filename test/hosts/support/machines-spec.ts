/** What a lab on machines with systemd promises, on whatever engine it runs: from the first contact to its end. */
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MachineLab } from './machine-lab.ts';

/** The worst that systemd-analyze gives to a service is 10. What is left: a network, and V8's executable memory. */
const acceptedExposure = 2;
const nodes = ['node1', 'node2', 'node3'];

/** Where engines are installed on a machine. */
export const enginePaths = {
  builtIn: /\/opt\/etcdlab\/built-in-[0-9a-f]{16}\/etcd /,
  upstream: /\/opt\/etcdlab\/upstream-[0-9a-f]{16}\/etcd /,
} as const;

export interface MachinesSpec {
  /** Of lab.yaml: a line that begins with `engine:`, or nothing for the built-in engine. @param folder of the lab */
  readonly engine: (folder: string) => Promise<string>;
  /** What `systemctl` shows of the engine's path. */
  readonly installed: RegExp;
  /** Names of drills, each with a check that must be among those that passed: what the drill is there to show. */
  readonly drills: readonly (readonly [string, string])[];
  /** What `etcdlab engine switch` is given for the engine that takes over in the end, if there is one, and where that is. */
  readonly other?: { readonly args: readonly string[]; readonly installed: RegExp };
}

/** The steps build on each other, in this order. */
export function specifyMachines(spec: MachinesSpec): void {
  let lab: MachineLab;
  let engine: string;
  let untouched: readonly string[];

  beforeAll(async () => {
    lab = await MachineLab.create();
    engine = await spec.engine(lab.folder);
    lab.describe(engine);
    untouched = await everything();
  }, 300_000);
  afterAll(() => lab?.close(), 60_000);

  const everything = () => Promise.all(nodes.map((node) => lab.everything(node)));
  const filesOfAll = () => Promise.all(nodes.map((node) => lab.files(node)));
  /** What a node's machine runs, as systemd knows it. */
  const executable = (node: string) => lab.on(node, 'systemctl show etcd -p ExecStart --value');
  const checkCertificates = async () => expect(await lab.must('certs', 'check')).not.toMatch(/ (due|failed) /);

  it('is refused while nobody has vouched for the host keys, and no machine is touched', async () => {
    const { exitCode, stderr } = await lab.run('up');
    expect(exitCode).toBe(3);
    for (const { address } of lab.machines.machines) expect(stderr).toContain(`${address}:22 ssh-ed25519 SHA256:`);
    expect(await everything()).toEqual(untouched);
  });

  it('comes up', async () => {
    await lab.must('up', '--accept-new-host-keys');
    const { healthy, members } = await lab.status();
    expect(healthy).toBe(true);
    expect(members.map(({ process }) => process)).toEqual(['running', 'running', 'running']);
    for (const node of nodes) expect(await executable(node)).toMatch(spec.installed);
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

  it('tells systemd when its members are ready', async () => {
    // Until then it is `activating`, as long as it takes.
    for (const node of nodes) {
      await expect.poll(() => lab.on(node, 'systemctl is-active etcd || true'), { timeout: 30_000 }).toBe('active');
    }
  });

  it('changes nothing when it is brought up again, and says so', async () => {
    const before = { pids: await lab.pids(), files: await filesOfAll() };
    expect((await lab.events('up')).at(-1)).toMatchObject({ event: 'finished', changed: false });
    expect({ pids: await lab.pids(), files: await filesOfAll() }).toEqual(before);
  });

  it('changes with lab.yaml what must change, where it must, and nothing else: certificates without a restart', async () => {
    const before = { pids: await lab.pids(), files: await filesOfAll() };
    lab.describe(engine, { node2: 'alternativeNames: [10.200.20.11]' });
    expect((await lab.events('up')).at(-1)).toMatchObject({ changed: true });
    expect(await lab.pids()).toEqual(before.pids);
    const changed = (await filesOfAll()).map((after, i) => {
      const old = before.files[i]?.split('\n') ?? [];
      const lines = after.split('\n').filter((line) => !old.includes(line));
      return lines.map((line) => line.split(' ')[0]).filter((name) => !name?.endsWith('/pki'));
    });
    const pairs = ['peer-key.pem', 'peer.pem', 'server-key.pem', 'server.pem'];
    expect(changed).toEqual([[], pairs.map((name) => `/etc/etcd/pki/${name}`), []]);
  });

  it('has its certificates renewed without a restart, and without a failed request', async () => {
    await checkCertificates();
    const [before, pids] = [await filesOfAll(), await lab.pids()];
    const { failed } = await lab.underLoad('certs', 'renew', '--all');
    expect(failed).toEqual([]);
    expect(await lab.pids()).toEqual(pids);
    for (const [i, files] of (await filesOfAll()).entries()) expect(files).not.toBe(before[i]);
    await checkCertificates();
  });

  it('has its authorities replaced member by member, without a failed request', async () => {
    const pids = await lab.pids();
    const { failed } = await lab.underLoad('certs', 'rotate-ca');
    expect(failed).toEqual([]);
    for (const [node, pid] of Object.entries(await lab.pids())) expect(pid).not.toBe(pids[node]);
    await checkCertificates();
  });

  it('refuses a certificate that was revoked, and replaces that of a member', async () => {
    await lab.must('certs', 'issue', 'alice');
    const alice = ['--cert', lab.state('pki/client-alice.pem'), '--key', lab.state('pki/client-alice-key.pem')];
    const get = ['ctl', '--node', 'node2', '--command-timeout=5s', ...alice, 'get', 'greeting'];
    expect(await lab.must(...get)).toContain('hello');
    const pids = await lab.pids();
    await lab.must('certs', 'revoke', 'client-alice', '--yes');
    expect((await lab.run(...get)).exitCode).not.toBe(0);
    const server = await lab.on('node2', 'sudo cat /etc/etcd/pki/server.pem');
    await lab.must('certs', 'revoke', 'server-node2', '--yes', '--reason', 'keyCompromise');
    expect(await lab.on('node2', 'sudo cat /etc/etcd/pki/server.pem')).not.toBe(server);
    expect(await lab.pids()).toEqual(pids);
    await checkCertificates();
  });

  it('is logged in to, shows what a member logs, and goes on with that while the member restarts', async () => {
    // Without anything to read, the shell on the other side ends at once.
    await lab.must('ssh', 'node1');
    const before = (await lab.pids()).node2;
    const following = lab.spawn('logs', '--follow', '--readable', '--lines', '1', 'node2');
    const lines = following.iterable();
    expect((await lines.next()).value).toMatch(/^[^{]/);
    await lab.must('restart', 'node2');
    expect((await lab.pids()).node2).not.toBe(before);
    expect(await lines.next()).toMatchObject({ done: false });
    following.kill('SIGINT');
    await following;
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

  it('takes back a member that has lost its data, under a new identity', async () => {
    await lab.must('stop', 'node3');
    await lab.on('node3', 'sudo rm -r /var/lib/etcd/data');
    const { exitCode, stderr } = await lab.run('up');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('etcdlab replace node3')]);
    await lab.must('replace', 'node3', '--yes');
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
    expect(await lab.must('ctl', '--node', 'node3', 'get', 'greeting', '--print-value-only')).toBe('hello');
  });

  it.each(spec.drills)('passes the drill %s, by %s among others', async (drill, telling) => {
    const output = await lab.must('drill', 'run', drill, '--yes', '--keys', '300');
    expect(output).toMatch(/PASSED: \d+ checks, all proved on 3 members/);
    const { result, checks } = lab.report(drill);
    expect(result).toBe('passed');
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain(telling);
    expect(await lab.status()).toMatchObject({ healthy: true, problems: [] });
    expect(await lab.must('ctl', 'get', 'greeting', '--print-value-only')).toBe('hello');
    for (const node of nodes) expect(await lab.on(node, 'sudo ls /var/lib/etcd')).toBe('data');
  });

  it.skipIf(!spec.other)('changes its engine member by member, without a failed request', async () => {
    const { args, installed } = spec.other as NonNullable<MachinesSpec['other']>;
    const { failed } = await lab.underLoad('engine', 'switch', ...args);
    expect(failed).toEqual([]);
    for (const node of nodes) {
      expect(await executable(node)).toMatch(installed);
      expect((await lab.on(node, 'ls /opt/etcdlab')).split('\n')).toHaveLength(1);
    }
    expect(await lab.must('ctl', 'get', 'greeting', '--print-value-only')).toBe('hello');
  });

  it('makes an archive for support without a key in it', async () => {
    await lab.must('support', '--output', 'support.tar.gz');
    const { stdout: text } = await execa('tar', ['-xzOf', `${lab.folder}/support.tar.gz`]);
    expect(text).toContain('Overall exposure level');
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
  });

  it('leaves nothing behind when it is destroyed', async () => {
    await lab.must('destroy', '--yes');
    expect(await everything()).toEqual(untouched);
    expect((await lab.run('status')).stderr).toContain('LAB_MISSING');
  });
}
