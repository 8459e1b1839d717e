/**
 * Provider `vagrant`: Vagrant makes and removes the machines, and says how to log in to them; everything else goes over
 * SSH, since each of its commands takes most of a second to start.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { interrupted, LabError } from '../../errors.ts';
import { projectRoot } from '../../lab/project.ts';
import type { SshSettings } from './node-states.ts';

export interface VagrantOptions {
  /** The folder with the Vagrantfile. */
  readonly directory: string;
  /** What the Vagrantfile reads; undefined: its defaults. */
  readonly labFile: string | undefined;
  readonly labName: string;
  readonly signal?: AbortSignal | undefined;
}

/** Boxes are downloaded the first time. */
const upTimeoutMs = 45 * 60_000;
const shortTimeoutMs = 5 * 60_000;

/** @returns the folder with the Vagrantfile: the lab's own if it has one, else the one that etcdlab brings */
export function vagrantDirectory(labFile: string | undefined): string {
  const own = labFile === undefined ? undefined : dirname(labFile);
  return own !== undefined && existsSync(join(own, 'Vagrantfile')) ? own : projectRoot;
}

/**
 * Makes and starts the machines; those that run are left alone.
 * @param onLine receives what Vagrant says
 * @throws LabError LAB_VAGRANT, LAB_INTERRUPTED
 */
export async function vagrantUp(options: VagrantOptions, onLine: (line: string) => void): Promise<void> {
  await vagrant(['up', '--no-provision'], options, upTimeoutMs, onLine);
}

/** Removes the machines with all that is on them. */
export async function vagrantDestroy(options: VagrantOptions, onLine: (line: string) => void): Promise<void> {
  await vagrant(['destroy', '--force'], options, shortTimeoutMs, onLine);
}

/** @returns how to log in to each machine, by name */
export async function vagrantSshSettings(options: VagrantOptions): Promise<Map<string, SshSettings>> {
  return parseSshConfig(await vagrant(['ssh-config'], options, shortTimeoutMs, () => undefined));
}

async function vagrant(
  args: readonly string[],
  { directory, labFile, labName, signal }: VagrantOptions,
  timeoutMs: number,
  onLine: (line: string) => void,
): Promise<string> {
  const running = execa('vagrant', args, {
    cwd: directory,
    env: {
      VAGRANT_CWD: directory,
      VAGRANT_CHECKPOINT_DISABLE: '1',
      VAGRANT_NO_COLOR: '1',
      ETCDLAB_NAME: labName,
      ...(labFile !== undefined && { ETCDLAB_FILE: labFile }),
    },
    // It must not ask: nobody would see the question.
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: timeoutMs,
    ...(signal && { cancelSignal: signal }),
  });
  const lines: string[] = [];
  for await (const line of running.iterable({ from: 'all' })) {
    // Downloads are told in thousands of fragments.
    if (String(line).trim() === '' || /Progress:/.test(String(line))) continue;
    lines.push(String(line));
    if (lines.length > 2000) lines.shift();
    onLine(String(line).trim());
  }
  const result = await running;
  if (result.isCanceled) throw interrupted();
  if (result.exitCode === 0) return lines.join('\n');
  if (result.code === 'ENOENT') {
    throw new LabError('LAB_VAGRANT', 'vagrant is not installed', {
      advice: 'install Vagrant and VirtualBox or libvirt; or use provider: ssh, or provider: local, which need neither',
    });
  }
  const text = lines.join('\n');
  throw new LabError('LAB_VAGRANT', `vagrant ${args[0]} ended with ${result.timedOut ? 'its time' : result.exitCode}`, {
    details: lines.slice(-12),
    advice: knownTroubles.filter(({ pattern }) => pattern.test(text)).map(({ advice }) => advice),
  });
}

/** What Vagrant and its providers say, and what helps. */
const knownTroubles: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
  {
    pattern: /not within the allowed ranges|E_ACCESSDENIED.*hostonlyif/s,
    advice:
      'VirtualBox refuses these addresses: use 192.168.56.x in lab.yaml, or allow them in /etc/vbox/networks.conf with a line such as: * 10.200.10.0/24',
  },
  {
    pattern: /VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE/,
    advice:
      'KVM holds the processor: unload it (sudo modprobe -r kvm_intel kvm_amd), or use libvirt: VAGRANT_DEFAULT_PROVIDER=libvirt',
  },
  {
    pattern: /VERR_SVM_HOST_SVME_NOT_ENABLED/,
    advice:
      'VirtualBox 7.2.10 and later need KVM’s default: remove options kvm enable_virt_at_load=0 from /etc/modprobe.d',
  },
  {
    pattern: /No usable default provider|provider.*could not be found/s,
    advice: 'install VirtualBox or vagrant-libvirt',
  },
  {
    pattern: /FogLibvirtConnectionError|Call to virConnectOpen failed/,
    advice: 'start libvirtd, and join the group libvirt',
  },
  {
    pattern: /404 Not Found|could not be found or\s+could not be accessed/s,
    advice: 'name a box that exists for your provider and processor: vagrant.box in lab.yaml',
  },
  {
    pattern: /Timed out while waiting for the machine to boot/,
    advice: 'look at the machine’s console; give it more memory (vagrant.memoryMiB)',
  },
];

/** @param text what `vagrant ssh-config` writes: ssh_config(5), one block per machine */
export function parseSshConfig(text: string): Map<string, SshSettings> {
  const machines = new Map<string, SshSettings>();
  for (const block of text.split(/^(?=Host )/m)) {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, key, value] = /^\s*(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined && !fields.has(key))
        fields.set(key, value.replace(/^"(.*)"$/, '$1'));
    }
    const name = fields.get('Host');
    const host = fields.get('HostName');
    const user = fields.get('User');
    if (name === undefined || host === undefined || user === undefined) continue;
    const identityFile = fields.get('IdentityFile');
    const port = Number(fields.get('Port') ?? 22);
    machines.set(name, { host, port, user, ...(identityFile !== undefined && { identityFile }) });
  }
  return machines;
}
