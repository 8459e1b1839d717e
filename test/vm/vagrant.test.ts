/** Provider vagrant from end to end: virtual machines by Vagrant and libvirt, emulated where there is no KVM. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installTools } from '../hosts/support/base-system.ts';
import { haveMachines } from '../hosts/support/machine-lab.ts';
import { machinesCache } from '../hosts/support/machines.ts';
import { noLabChosen } from '../support/lab-environment.ts';
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
const program = path.resolve(import.meta.dirname, '../../toolkit/main.ts');
const minuteMs = 60_000;

describe.skipIf(!haveMachines())('a lab on virtual machines of Vagrant', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'etcdlab-vm-'));
  const lab = path.join(folder, 'lab');
  let libvirt: Libvirt;

  beforeAll(async () => {
    await installTools(tools);
    const box = await ensureBox(machinesCache());
    libvirt = await Libvirt.start(path.join(folder, 'libvirt'));
    await run('vagrant', 'box', 'add', '--name', 'etcdlab-test', '--provider', 'libvirt', box);
    const nodes = [10, 11, 12].map((n, i) => `  - { name: node${i + 1}, address: 10.200.10.${n} }`);
    const settings = 'vagrant: { box: etcdlab-test, memoryMiB: 768 }';
    writeFileSync(path.join(folder, 'lab.yaml'), `provider: vagrant\n${settings}\nnodes:\n${nodes.join('\n')}\n`);
  }, 10 * minuteMs);

  afterAll(async () => {
    await libvirt?.close();
    rmSync(folder, { recursive: true, force: true });
  }, minuteMs);

  /** @returns what it wrote @throws Error with that when it fails */
  async function run(...command: string[]): Promise<string> {
    const [file = '', ...args] = [...libvirt.prefix(folder), ...command];
    const environment = {
      VAGRANT_HOME: path.join(folder, 'vagrant'),
      VAGRANT_DOTFILE_PATH: path.join(folder, 'machines'),
      VAGRANT_DEFAULT_PROVIDER: 'libvirt',
      VAGRANT_CHECKPOINT_DISABLE: '1',
      SSH_AUTH_SOCK: '',
      ...noLabChosen,
      ETCDLAB_STATE_DIR: lab,
    };
    const { exitCode, all, stdout } = await execa(file, args, {
      env: environment,
      stdin: 'ignore',
      all: true,
      reject: false,
      timeout: 8 * minuteMs,
    });
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit code ${exitCode}\n${all}`);
    return stdout;
  }
  const etcdlab = (...args: string[]) => run(process.execPath, program, ...args);

  it(
    'comes up with one command, passes the restore drill, and has its certificates renewed',
    async () => {
      await etcdlab('up');
      expect(JSON.parse(await etcdlab('status', '--json'))).toMatchObject({ healthy: true });
      expect(await etcdlab('drill', 'run', 'restore', '--yes', '--keys', '200')).toMatch(/PASSED: \d+ checks/);
      await etcdlab('certs', 'renew', '--all');
      await etcdlab('certs', 'check');
      expect(await etcdlab('up', '--json')).toMatch(/"event":"finished".*"changed":false/);
    },
    10 * minuteMs,
  );

  it(
    'is gone with its machines',
    async () => {
      await etcdlab('destroy', '--yes');
      expect((await run('virsh', '-c', 'qemu:///system', 'list', '--all', '--name')).trim()).toBe('');
    },
    5 * minuteMs,
  );
});
