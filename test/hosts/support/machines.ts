/**
 * Machines to test on: systemd-nspawn containers with systemd and sshd, each with an address of its own, in a network
 * namespace that has no way out. Needs root.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { ensureBaseSystem, installTools, users } from './base-system.ts';

export interface Machine {
  readonly name: string;
  readonly address: string;
}

const tools = {
  debootstrap: 'debootstrap',
  'systemd-nspawn': 'systemd-container',
  nft: 'nftables',
  ip: 'iproute2',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
};
const network = '10.200.10';
const bootDeadlineMs = 60_000;

/** Where each machine has a cgroup of its own: without it they would share one, and end together. */
const cgroupRoots = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'].filter((folder) => existsSync(folder));
if (cgroupRoots.length === 0) cgroupRoots.push('/sys/fs/cgroup');

/** Why no machines can be made here, or undefined. */
export function whyNoMachines(): string | undefined {
  if (process.platform !== 'linux') return 'systemd-nspawn needs Linux';
  if (process.getuid?.() !== 0) return 'making machines needs root';
  return undefined;
}

/** For the root file system, kept from run to run. */
export function machinesCache(): string {
  return process.env.ETCDLAB_HOSTS_CACHE ?? path.join(os.tmpdir(), 'etcdlab-hosts-cache');
}

/** Installs and makes whatever machines are made of, and removes what runs that were killed have left. Once per run. */
export async function prepareMachines(): Promise<void> {
  await installTools(tools);
  await mkdir(machinesCache(), { recursive: true, mode: 0o700 });
  await removeAbandoned(machinesCache());
  await ensureBaseSystem(machinesCache());
}

export class Machines {
  readonly machines: readonly Machine[];
  /** Of a key that logs in as `lab`, and as the user who may not use sudo. */
  readonly keyFile: string;
  private readonly folder: string;
  private readonly namespace: string;
  private readonly base: string;

  private constructor(folder: string, namespace: string, base: string, machines: readonly Machine[]) {
    this.folder = folder;
    this.namespace = namespace;
    this.base = base;
    this.machines = machines;
    this.keyFile = path.join(folder, 'key');
  }

  /**
   * Makes machines, once `prepareMachines` has been called, and waits until all can be logged in to.
   * @param folder for their files; on a file system that overlayfs can use
   * @param isKept they are to outlive this process, and later runs leave them alone
   */
  static async up(folder: string, isKept = false): Promise<Machines> {
    const base = await ensureBaseSystem(machinesCache());
    const machines = Array.from({ length: 3 }, (_, i) => ({
      name: `node${i + 1}`,
      address: `${network}.${10 + i}`,
    }));
    const all = new Machines(folder, `etcdlab-${randomBytes(4).toString('hex')}`, base, machines);
    await Machines.remove(folder);
    if (!isKept) await appendFile(path.join(machinesCache(), `run-${process.pid}`), `${folder}\n`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(path.join(folder, 'namespace'), all.namespace);
    try {
      await all.makeNetwork();
      await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'etcdlab test', '-f', all.keyFile]);
      for (const machine of machines) await all.make(machine);
      // All are waited for: one that is still starting could not be removed.
      const boots = await Promise.allSettled(machines.map(({ name }) => all.boot(name)));
      for (const boot of boots) if (boot.status === 'rejected') throw boot.reason;
    } catch (error) {
      await all.close();
      throw error;
    }
    return all;
  }

  /** What runs a command in the machines' network: put it before the command. */
  get prefix(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace}`];
  }

  machine(name: string): Machine {
    const machine = this.machines.find((candidate) => candidate.name === name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  /** The machine's files as they are seen from outside. */
  root(name: string, ...parts: string[]): string {
    return path.join(this.folder, name, 'root', ...parts);
  }

  private async makeNetwork(): Promise<void> {
    const { namespace } = this;
    await execa('ip', ['netns', 'add', namespace]);
    const ip = (...args: string[]) => execa('ip', ['-n', namespace, ...args]);
    await ip('link', 'set', 'lo', 'up');
    await ip('link', 'add', 'br0', 'type', 'bridge');
    await ip('addr', 'add', `${network}.1/24`, 'dev', 'br0');
    await ip('link', 'set', 'br0', 'up');
  }

  private async make({ name, address }: Machine): Promise<void> {
    const { namespace } = this;
    const root = this.root(name);
    const layer = (part: string) => path.join(this.folder, name, part);
    for (const folder of [layer('upper'), layer('work'), root]) await mkdir(folder, { recursive: true });
    const layers = `lowerdir=${this.base},upperdir=${layer('upper')},workdir=${layer('work')}`;
    const { exitCode } = await execa('mount', ['-t', 'overlay', 'overlay', '-o', layers, root], { reject: false });
    // On another overlay there can be none.
    if (exitCode !== 0) await execa('cp', ['-a', `${this.base}/.`, root]);
    await writeFile(path.join(root, 'etc/hostname'), `${name}\n`);
    await appendFile(path.join(root, 'etc/hosts'), `127.0.1.1 ${name}\n`);
    await writeFile(path.join(root, 'etc/machine-id'), `${crypto.randomUUID().replaceAll('-', '')}\n`);
    await this.newHostKey(name);
    for (const user of Object.values(users)) {
      const home = path.join('/home', user);
      await mkdir(path.join(root, home, '.ssh'), { recursive: true, mode: 0o700 });
      await writeFile(path.join(root, home, '.ssh/authorized_keys'), await readFile(`${this.keyFile}.pub`));
      await execa('chroot', [root, 'chown', '-R', `${user}:${user}`, home]);
    }
    const own = `${namespace}-${name}`;
    await execa('ip', ['netns', 'add', own]);
    await execa('ip', ['-n', namespace, 'link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'eth0', 'netns', own]);
    await execa('ip', ['-n', namespace, 'link', 'set', `v-${name}`, 'master', 'br0', 'up']);
    await execa('ip', ['-n', own, 'link', 'set', 'lo', 'up']);
    await execa('ip', ['-n', own, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
    await execa('ip', ['-n', own, 'link', 'set', 'eth0', 'up']);
  }

  /** As if the machine was installed anew, or as if somebody else answered in its place. */
  async newHostKey(name: string): Promise<void> {
    const file = this.root(name, 'etc/ssh/ssh_host_ed25519_key');
    await rm(file, { force: true });
    await rm(`${file}.pub`, { force: true });
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  }

  /** Switches the machine on, and returns when it can be logged in to. */
  async boot(name: string): Promise<void> {
    const cgroups = cgroupRoots.map((folder) => path.join(folder, `${this.namespace}-${name}`));
    for (const cgroup of cgroups) await mkdir(cgroup, { recursive: true });
    const console = path.join(this.folder, name, 'console.log');
    // The process puts itself into the cgroups, so that all it ever starts is in them.
    const script = 'for g in $1; do echo $$ > "$g/cgroup.procs"; done; shift; exec "$@"';
    const nspawn = [
      'systemd-nspawn',
      '--quiet',
      '--boot',
      `--directory=${this.root(name)}`,
      `--machine=${this.namespace}-${name}`,
      `--hostname=${name}`,
      '--register=no',
      '--keep-unit',
      `--network-namespace-path=/run/netns/${this.namespace}-${name}`,
      '--capability=CAP_NET_ADMIN',
      '--resolv-conf=off',
      '--timezone=off',
      '--link-journal=no',
      '--console=pipe',
    ];
    const output = openSync(console, 'a');
    const child = spawn('sh', ['-c', script, 'boot', cgroups.join(' '), ...nspawn], {
      env: { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' },
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    child.unref();
    await writeFile(path.join(this.folder, name, 'pid'), String(child.pid));
    const end = performance.now() + bootDeadlineMs;
    for (;;) {
      const { exitCode } = await this.ssh(name, 'true');
      if (exitCode === 0) return;
      if (performance.now() > end) {
        throw new Error(`${name} cannot be logged in to:\n${await readFile(console, 'utf8')}`);
      }
      await delay(100);
    }
  }

  /**
   * Runs a shell command on the machine by the `ssh` of this machine, as its administrator.
   * @param inputFile of this machine
   */
  ssh(name: string, command: string, inputFile?: string) {
    const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
    const args = options.flatMap((option) => ['-o', option]);
    const [file = '', ...prefix] = this.prefix;
    return execa(
      file,
      [
        ...prefix,
        'ssh',
        '-i',
        this.keyFile,
        '-o',
        'ConnectTimeout=2',
        ...args,
        `${users.administrator}@${this.machine(name).address}`,
        command,
      ],
      { reject: false, stdin: inputFile === undefined ? 'ignore' : { file: inputFile }, timeout: 60_000 },
    );
  }

  /** Takes the power away: everything in the machine ends at once. Its disk stays. */
  async cutPower(name: string): Promise<void> {
    await powerOff(this.folder, this.namespace, name);
  }

  /** Takes the network cable of the machine out, or puts it in. */
  async link(name: string, state: 'up' | 'down'): Promise<void> {
    await execa('ip', ['-n', this.namespace, 'link', 'set', `v-${name}`, state]);
  }

  /** Removes the machines and their network. */
  async close(): Promise<void> {
    await Machines.remove(this.folder);
  }

  /** Removes the machines that were made in a folder, whoever made them. */
  static async remove(folder: string): Promise<void> {
    const namespace = await readFile(path.join(folder, 'namespace'), 'utf8').catch(() => undefined);
    if (namespace === undefined) return;
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    await Promise.all(
      names.map(async (name) => {
        await powerOff(folder, namespace, name);
        const root = path.join(folder, name, 'root');
        const { exitCode } = await execa('mountpoint', ['-q', root], { reject: false });
        if (exitCode === 0) await execa('umount', [root]);
        await execa('ip', ['netns', 'del', `${namespace}-${name}`], { reject: false });
        for (const cgroup of cgroupRoots) await removeCgroup(path.join(cgroup, `${namespace}-${name}`));
      }),
    );
    await execa('ip', ['netns', 'del', namespace], { reject: false });
    await rm(folder, { recursive: true });
  }
}

async function powerOff(folder: string, namespace: string, name: string): Promise<void> {
  const text = await readFile(path.join(folder, name, 'pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text);
  const isAlive = async () => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(namespace);
  const end = performance.now() + 30_000;
  while (await isAlive()) {
    if (performance.now() > end) throw new Error(`${name} (pid ${pid}) does not end`);
    // Killing systemd-nspawn would leave the machine running without it: its first process is what must end.
    const group = path.join(cgroupRoots[0] as string, `${namespace}-${name}`, 'payload/init.scope/cgroup.procs');
    const [init] = (await readFile(group, 'utf8').catch(() => '')).split('\n');
    try {
      if (init) process.kill(Number(init), 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await delay(20);
  }
  await rm(path.join(folder, name, 'pid'), { force: true });
}

/** The kernel counts a process that has just ended for a moment. */
async function removeCgroup(folder: string): Promise<void> {
  for (let tries = 0; existsSync(folder) && tries < 100; tries++) {
    await execa('find', [folder, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'], { reject: false });
    if (existsSync(folder)) await delay(50);
  }
}

/** Machines outlive a test run that was killed: the next one removes those whose run is gone, and what is half made. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const [, kind, pid] = /^(run|making|box)-([0-9]+)$/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const listed = kind === 'run' ? (await readFile(path.join(cache, name), 'utf8')).split('\n') : [];
    let isStuck = false;
    for (const folder of listed.filter((line) => line !== '')) {
      await Machines.remove(folder).catch((error: Error) => {
        isStuck = true;
        console.warn(`machines of a run that was killed are left in ${folder}: ${error.message}`);
      });
    }
    // What could not be removed stays listed: the next run tries again.
    if (!isStuck) await rm(path.join(cache, name), { recursive: true, force: true });
  }
}
