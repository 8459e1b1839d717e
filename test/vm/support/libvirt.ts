/**
 * libvirt for tests, apart from any other of this machine: its daemon runs in a network namespace that has no way out,
 * and with files of its own in the place of /etc/libvirt and /var/lib/libvirt. Needs root.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/** What a namespace and a folder are called, before the id of the process that made them. */
const namePrefix = 'etcdlab-vm-';
/** Where `ip netns` keeps its names. */
const namespaces = '/run/netns';

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

/**
 * NAMESPACE FOLDER: when its input ends, which it does however the process ends that started it, everything in the
 * namespace is ended, machines included, and is removed with the folder.
 */
const keeperScript = `cat > /dev/null
tries=0
while pids=$(ip netns pids "$1" 2> /dev/null) && [ -n "$pids" ]; do
  [ "$tries" -lt 300 ] || { echo "$pids in $1 do not end" >&2; exit 1; }
  kill -9 $pids 2> /dev/null
  sleep 0.1
  tries=$((tries + 1))
done
ip netns del "$1" 2> /dev/null
[ ! -e "${namespaces}/$1" ] && rm -rf "$2"`;

function startKeeper(namespace: string, folder: string) {
  const args = ['-c', keeperScript, 'keeper', namespace, folder];
  // Ctrl-C goes to all processes of a terminal: this one must outlive it.
  return execa('sh', args, { stdin: 'pipe', detached: true, cleanup: false, reject: false });
}

/** @throws Error with what does not go */
async function endKeeper(keeper: ReturnType<typeof startKeeper>): Promise<void> {
  keeper.stdin.end();
  const { exitCode, stderr } = await keeper;
  if (exitCode !== 0) throw new Error(`libvirt and its machines cannot be removed: ${stderr}`);
}

/** Removes what runs have left that were killed together with their keeper. */
async function removeAbandoned(): Promise<void> {
  const found = await Promise.all([namespaces, os.tmpdir()].map((folder) => readdir(folder).catch(() => [])));
  for (const name of new Set(found.flat())) {
    const [, pid] = /^etcdlab-vm-([0-9]+)-/.exec(name) ?? [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await endKeeper(startKeeper(name, path.join(os.tmpdir(), name)));
  }
}

export class Libvirt {
  /** For whatever belongs to this libvirt and is to go with it. */
  readonly folder: string;
  private readonly namespace: string;
  private readonly keeper: ReturnType<typeof startKeeper>;
  private pid = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.namespace = path.basename(folder);
    this.keeper = startKeeper(this.namespace, folder);
  }

  /** Starts one with a folder of its own. However this process ends, it is gone then, with its machines. */
  static async start(): Promise<Libvirt> {
    await removeAbandoned();
    const libvirt = new Libvirt(await mkdtemp(path.join(os.tmpdir(), `${namePrefix}${process.pid}-`)));
    try {
      await libvirt.startDaemon();
      await libvirt.answers();
    } catch (error) {
      await libvirt.close();
      throw error;
    }
    return libvirt;
  }

  private async startDaemon(): Promise<void> {
    const { folder, namespace } = this;
    for (const name of ['run', 'log', 'cache']) await mkdir(path.join(folder, name), { recursive: true });
    await cp('/etc/libvirt', path.join(folder, 'etc'), { recursive: true });
    await cp('/var/lib/libvirt', path.join(folder, 'lib'), { recursive: true });
    // The network that libvirt brings wants a way out.
    await rm(path.join(folder, 'etc/qemu/networks/autostart'), { recursive: true, force: true });
    await writeFile(path.join(folder, 'etc/qemu.conf'), qemuSettings);
    await writeFile(path.join(folder, 'etc/libvirtd.conf'), daemonSettings);
    await execa('ip', ['netns', 'add', namespace]);
    await execa('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    const output = openSync(path.join(folder, 'libvirtd.log'), 'a');
    const unshare = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', daemonScript, 'libvirt', folder];
    const child = spawn('nsenter', [`--net=${namespaces}/${namespace}`, ...unshare], {
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    child.unref();
    this.pid = child.pid as number;
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
    await endKeeper(this.keeper);
  }
}
