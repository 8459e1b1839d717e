/** Provider vagrant from end to end: virtual machines by Vagrant and libvirt, emulated where there is no KVM. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installTools } from '../hosts/support/base-system.ts';
import { haveMachines } from '../hosts/support/machine-lab.ts';
import { machinesCache } from '../hosts/support/machines.ts';
import { noLabChosen } from '../support/lab-environment.ts';
import type { CommandResult } from '../support/test-cluster.ts';
import { ensureBox } from './support/box.ts';
import { Libvirt } from './support/libvirt.ts';

const tools = {
  debootstrap: 'debootstrap',
  ip: 'iproute2',
  libvirtd: 'libvirt-daemon-system',
  virsh: 'libvirt-clients',
  dnsmasq: 'dnsmasq-base',
  iptables: 'iptables',
  'qemu-img': 'qemu-utils',
  'qemu-system-x86_64': 'qemu-system-x86',
  vagrant: 'vagrant-libvirt',
};
const projectRoot = path.resolve(import.meta.dirname, '../..');
const program = path.join(projectRoot, 'toolkit/main.ts');
const minuteMs = 60_000;

/** The steps build on each other, in this order: what one leaves, the next begins with. */
describe.skipIf(!haveMachines())('a lab on virtual machines of Vagrant', () => {
  let libvirt: Libvirt;

  beforeAll(async () => {
    // Vitest's process can be ended without this one: what is held here is to go then, too.
    process.once('disconnect', () => process.exit());
    await installTools(tools);
    const box = await ensureBox(machinesCache());
    libvirt = await Libvirt.start();
    await must('vagrant', 'box', 'add', '--name', 'etcdlab-test', '--provider', 'libvirt', box);
    const nodes = [10, 11, 12].map((n, i) => `  - { name: node${i + 1}, address: 10.200.10.${n} }`);
    const settings = 'vagrant: { box: etcdlab-test, memoryMiB: 768 }';
    writeFileSync(labFile(), `provider: vagrant\n${settings}\nnodes:\n${nodes.join('\n')}\n`);
  }, 10 * minuteMs);

  afterAll(() => libvirt?.close(), minuteMs);

  const labFile = () => path.join(libvirt.folder, 'lab.yaml');

  /** Runs a command where the machines can be reached. */
  async function run(...command: string[]): Promise<CommandResult> {
    const { folder } = libvirt;
    const [file = '', ...args] = [...libvirt.prefix(folder), ...command];
    const environment = {
      VAGRANT_CWD: projectRoot,
      VAGRANT_HOME: path.join(folder, 'vagrant'),
      VAGRANT_DOTFILE_PATH: path.join(folder, 'machines'),
      VAGRANT_DEFAULT_PROVIDER: 'libvirt',
      VAGRANT_CHECKPOINT_DISABLE: '1',
      SSH_AUTH_SOCK: '',
      ...noLabChosen,
      ETCDLAB_STATE_DIR: path.join(folder, 'lab'),
      // The Vagrantfile of the project reads it, whoever calls Vagrant.
      ETCDLAB_FILE: labFile(),
    };
    const options = { env: environment, stdin: 'ignore', reject: false, timeout: 9 * minuteMs } as const;
    const { exitCode, stdout, stderr } = await execa(file, args, options);
    return { exitCode: exitCode ?? -1, stdout, stderr };
  }

  /** @returns what it wrote @throws Error with all that when it fails */
  async function must(...command: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await run(...command);
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit code ${exitCode}\n${stdout}\n${stderr}`);
    return stdout;
  }
  const etcdlab = (...args: string[]) => must(process.execPath, program, ...args);
  const setClock = (node: string, change: string) =>
    must('vagrant', 'ssh', node, '--command', `sudo date --set '${change}'`);

  it('has machines that `vagrant up` alone makes', { timeout: 10 * minuteMs }, async () => {
    await must('vagrant', 'up', '--no-color');
    expect(await must('vagrant', 'ssh', 'node3', '--command', 'hostname --all-ip-addresses')).toContain('10.200.10.12');
  });

  it('is refused while a clock is wrong, and told which and by how much', { timeout: 5 * minuteMs }, async () => {
    await setClock('node2', '10 minutes ago');
    await setClock('node3', '10 minutes');
    const { exitCode, stderr } = await run(process.execPath, program, 'up');
    expect(exitCode, stderr).toBe(3);
    expect(stderr).toMatch(/a problem must be solved .*; nothing was changed/);
    expect(stderr).toMatch(/node2: (59|60)\d\.\d s behind this machine: certificates would not be valid there yet/);
    expect(stderr).toContain('timedatectl set-ntp true');
    // Also right after a clock was set back, systemd and SSH go on.
    await setClock('node2', '10 minutes');
    await setClock('node3', '10 minutes ago');
  });

  it('comes up on them, and says that nothing changes when it is brought up again', {
    timeout: 10 * minuteMs,
  }, async () => {
    await etcdlab('up');
    expect(JSON.parse(await etcdlab('status', '--json'))).toMatchObject({ healthy: true });
    expect(await etcdlab('up', '--json')).toMatch(/"event":"finished".*"changed":false/);
  });

  it('passes the restore drill', { timeout: 10 * minuteMs }, async () => {
    expect(await etcdlab('drill', 'run', 'restore', '--yes', '--keys', '200')).toMatch(/PASSED: \d+ checks/);
  });

  it('has its certificates renewed', { timeout: 5 * minuteMs }, async () => {
    await etcdlab('certs', 'renew', '--all');
    await etcdlab('certs', 'check');
    expect(JSON.parse(await etcdlab('status', '--json'))).toMatchObject({ healthy: true });
  });

  it('is gone with its machines', { timeout: 5 * minuteMs }, async () => {
    await etcdlab('destroy', '--yes');
    expect((await must('virsh', '-c', 'qemu:///system', 'list', '--all', '--name')).trim()).toBe('');
  });
});

describe.skipIf(!haveMachines())('a libvirt of these tests', () => {
  it('is gone when the process that started it is killed', { timeout: 2 * minuteMs }, async () => {
    await installTools(tools);
    const source = `const { Libvirt } = await import(${JSON.stringify(path.join(import.meta.dirname, 'support/libvirt.ts'))});
console.log((await Libvirt.start()).folder);
setInterval(() => {}, 1000);`;
    const killed = execa(process.execPath, ['--input-type=module', '--eval', source], { reject: false });
    const folder = String((await killed.iterable()[Symbol.asyncIterator]().next()).value);
    expect(existsSync(folder)).toBe(true);
    killed.kill('SIGKILL');
    await killed;
    const namespace = path.join('/run/netns', path.basename(folder));
    await expect.poll(() => existsSync(folder) || existsSync(namespace), { timeout: minuteMs }).toBe(false);
  });
});
