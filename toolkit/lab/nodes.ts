/** A node of a lab: its addresses, its host, and where things are on that host. */
import { join } from 'node:path';
import type { Host } from '../hosts/host.ts';
import { LocalHost } from '../hosts/local-host.ts';
import { KnownHosts } from '../hosts/ssh/host-keys.ts';
import { SshHost } from '../hosts/ssh/ssh-host.ts';
import type { Provider } from './config.ts';
import { binariesIn, type EngineBinaries, engineBinaries } from './engine.ts';
import type { LabPaths, LabState, NodeState } from './state.ts';

/** Absolute paths on the node's host. */
export interface NodePaths {
  /** Everything of this node's member: its data, and what drills lay beside it. */
  readonly root: string;
  /** The member's data directory; holds `member/`. */
  readonly data: string;
  readonly configFile: string;
  /** Certificates and keys of this member, and the authorities it trusts. */
  readonly pki: string;
}

/** The same on every machine, as people know it from packages. */
export const machinePaths: NodePaths = {
  root: '/var/lib/etcd',
  data: '/var/lib/etcd/data',
  configFile: '/etc/etcd/etcd.conf.yml',
  pki: '/etc/etcd/pki',
};

/** Holds one folder per engine that was installed on the machine. */
export const machineEngines = '/opt/etcdlab';

export interface LabNode {
  readonly name: string;
  readonly address: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** `https://ADDRESS:PORT` */
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** DNS names and addresses that its certificates are valid for as well. */
  readonly alternativeNames: readonly string[];
  readonly paths: NodePaths;
  /** The engine's executables on the node's host. */
  readonly binaries: EngineBinaries;
  readonly host: Host;
}

/** @returns the nodes of a lab with their hosts; nothing is connected to before it is needed */
export function labNodes(state: Pick<LabState, 'provider' | 'nodes' | 'engine'>, paths: LabPaths): LabNode[] {
  const { provider } = state;
  if (provider === 'local') {
    return state.nodes.map((node) => localNode(node, paths.hosts, engineBinaries(state.engine)));
  }
  const knownHosts = new KnownHosts(paths.knownHostsFile);
  return state.nodes.map((node) => machineNode(node, provider, knownHosts));
}

/** @param hostsDirectory `.etcdlab/NAME/hosts` @returns the node with a host of provider `local` */
export function localNode(
  node: NodeState,
  hostsDirectory: string,
  binaries: EngineBinaries = engineBinaries({ kind: 'built-in' }),
): LabNode {
  const root = join(hostsDirectory, node.name);
  return {
    ...addresses(node),
    paths: { root, data: join(root, 'data'), configFile: join(root, 'etcd.conf.yml'), pki: join(root, 'pki') },
    binaries,
    host: new LocalHost(node.name, root),
  };
}

function machineNode(node: NodeState, provider: Exclude<Provider, 'local'>, knownHosts: KnownHosts): LabNode {
  if (node.ssh === undefined) throw new TypeError(`${node.name} does not say how its host is reached`);
  return {
    ...addresses(node),
    paths: machinePaths,
    binaries: binariesIn(node.engineFolder ?? machineEngines),
    host: new SshHost(node.name, provider, node.ssh, knownHosts),
  };
}

function addresses({ name, address, clientPort, peerPort, alternativeNames = [] }: NodeState) {
  return {
    name,
    address,
    clientPort,
    peerPort,
    clientUrl: `https://${address}:${clientPort}`,
    peerUrl: `https://${address}:${peerPort}`,
    alternativeNames,
  };
}
