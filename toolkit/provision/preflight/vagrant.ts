/** Whether Vagrant can make the machines of a lab: asked before there are any. */
import { readFile } from 'node:fs/promises';
import { BlockList, isIPv4 } from 'node:net';
import { execa } from 'execa';
import type { LabConfig } from '../../lab/config.ts';
import { type Finding, ok, problem } from './finding.ts';

/** Since 6.1.28; read by VirtualBox on Linux and macOS. */
const networksFile = '/etc/vbox/networks.conf';
/** Allowed where that file is not. */
const defaultRange = '192.168.56.0/21';

/** @returns what there is to say about Vagrant and, if it would use VirtualBox, about the nodes' addresses */
export async function checkVagrant(nodes: LabConfig['nodes']): Promise<Finding[]> {
  const vagrant = await versionOf('vagrant');
  if (vagrant === undefined) {
    const advice = 'install Vagrant and VirtualBox or libvirt; provider: ssh and local need neither';
    return [problem('error', 'vagrant', 'vagrant', 'is not installed', advice)];
  }
  const addresses = nodes.map(({ address }) => address);
  return [
    ok('vagrant', vagrant, 'is installed'),
    ...((await usesVirtualBox()) ? [judgeAddresses(addresses, await allowedRanges())] : []),
    ok('machines', nodes.map(({ name }) => name).join(', '), 'are not there yet: up makes them, then looks at them'),
  ];
}

async function versionOf(program: string): Promise<string | undefined> {
  const { exitCode, stdout } = await execa(program, ['--version'], { reject: false, stdin: 'ignore', timeout: 30_000 });
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** Vagrant takes it where it is installed, unless it is told otherwise. */
async function usesVirtualBox(): Promise<boolean> {
  const chosen = process.env.VAGRANT_DEFAULT_PROVIDER;
  if (chosen !== undefined && chosen !== '') return chosen === 'virtualbox';
  return (await versionOf('VBoxManage')) !== undefined;
}

async function allowedRanges(): Promise<string[]> {
  const text = await readFile(networksFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? [defaultRange] : parseNetworks(text);
}

/** @param text lines such as `* 10.0.0.0/8 192.168.0.0/16`; `#` begins a comment @returns the ranges of IPv4 */
export function parseNetworks(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const ranges = lines.filter((line) => line.startsWith('*')).flatMap((line) => line.slice(1).trim().split(/\s+/));
  return ranges.filter((range) => {
    const [network = '', bits = ''] = range.split('/');
    return isIPv4(network) && /^[0-9]+$/.test(bits) && Number(bits) <= 32;
  });
}

/** @param ranges such as `192.168.56.0/21`, of which VirtualBox gives addresses away */
export function judgeAddresses(addresses: readonly string[], ranges: readonly string[]): Finding {
  const check = 'addresses';
  const allowed = new BlockList();
  for (const range of ranges) {
    const [network = '', bits = ''] = range.split('/');
    allowed.addSubnet(network, Number(bits));
  }
  const refused = addresses.filter((address) => !allowed.check(address));
  if (refused.length === 0) return ok(check, addresses.join(', '), 'VirtualBox allows them');
  const networks = new Set(refused.map((address) => address.replace(/[0-9]+$/, '0/24')));
  const found = `VirtualBox allows only ${ranges.join(', ') || 'none'}`;
  const advice = `use 192.168.56.x in lab.yaml, or allow them: echo '* ${[...networks].join(' ')}' | sudo tee -a ${networksFile}`;
  return problem('error', check, refused.join(', '), found, advice);
}
