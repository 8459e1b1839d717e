/**
 * libvirt for tests, apart from any other of this machine: its daemon runs in a network namespace that has no way out,
 * and with files of its own in the place of /etc/libvirt and /var/lib/libvirt. Needs root.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/** The first time, the daemon asks qemu what it can do, which takes eight seconds. */
const startDeadlineMs = 60_000;

const qemuSettings = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = [ ]
cgroup_controllers = [ ]
stdio_handler = "file"
`;
const daemonSettings = `auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
`;

/** FOLDER: mounts what the daemon is to see as its own, and becomes the daemon. */
const daemonScript = `set -e
mkdir -p /run/libvirt /var/log/libvirt /var/cache/libvirt
for pair in etc:/etc/libvirt lib:/var/lib/libvirt run:/run/libvirt log:/var/log/libvirt cache:/var/cache/libvirt; do
  mount --bind "$1/\${pair%%:*}" "\${pair#*:}"
done
mount -t sysfs sysfs /sys
exec libvirtd --timeout 0`;

export class Libvirt {
  private readonly folder: string;
  private readonly namespace: string;
  private readonly pid: number;

  private constructor(folder: string, namespace: string, pid: number) {
    this.folder = folder;
    this.namespace = namespace;
    this.pid = pid;
  }

  /** @param folder for its files; they go with `close` */
  static async start(folder: string): Promise<Libvirt> {
    for (const name of ['run', 'log', 'cache']) await mkdir(path.join(folder, name), { recursive: true });
    await cp('/etc/libvirt', path.join(folder, 'etc'), { recursive: true });
    await cp('/var/lib/libvirt', path.join(folder, 'lib'), { recursive: true });
    // The network that libvirt brings wants a way out.
    await rm(path.join(folder, 'etc/qemu/networks/autostart'), { recursive: true, force: true });
    await writeFile(path.join(folder, 'etc/qemu.conf'), qemuSettings);
    await writeFile(path.join(folder, 'etc/libvirtd.conf'), daemonSettings);
    const namespace = `etcdlab-vm-${randomBytes(4).toString('hex')}`;
    await execa('ip', ['netns', 'add', namespace]);
    await execa('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    const output = openSync(path.join(folder, 'libvirtd.log'), 'a');
    const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', daemonScript, 'libvirt', folder];
    const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, ...unshare], {
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    child.unref();
    const libvirt = new Libvirt(folder, namespace, child.pid as number);
    try {
      await libvirt.answers();
    } catch (error) {
      await libvirt.close();
      throw error;
    }
    return libvirt;
  }

  /** What runs a command where this libvirt and its machines are: put it before the command. */
  prefix(workingDirectory: string): string[] {
    return ['nsenter', '-t', String(this.pid), '-m', '-n', `--wd=${workingDirectory}`];
  }

  private async answers(): Promise<void> {
    const [file = '', ...args] = [...this.prefix('/'), 'virsh', '-c', 'qemu:///system', 'version'];
    const end = performance.now() + startDeadlineMs;
    while ((await execa(file, args, { reject: false, timeout: 30_000 })).exitCode !== 0) {
      if (performance.now() > end) {
        throw new Error(`libvirtd does not answer:\n${await readFile(path.join(this.folder, 'libvirtd.log'), 'utf8')}`);
      }
      await delay(100);
    }
  }

  /** Ends whatever runs in the namespace, machines included, and removes it with all files. */
  async close(): Promise<void> {
    const end = performance.now() + 30_000;
    for (;;) {
      const { stdout } = await execa('ip', ['netns', 'pids', this.namespace], { reject: false });
      const pids = stdout.split('\n').filter((line) => line !== '');
      if (pids.length === 0) break;
      if (performance.now() > end) throw new Error(`${pids.join(', ')} in ${this.namespace} do not end`);
      await execa('kill', ['-9', ...pids], { reject: false });
      await delay(100);
    }
    await execa('ip', ['netns', 'del', this.namespace]);
    await rm(this.folder, { recursive: true, force: true });
  }
}
