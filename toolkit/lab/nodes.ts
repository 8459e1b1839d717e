/** A node of a lab: its addresses, its host, and where things are on that host. */
import { join } from 'node:path';
import type { Host } from '../hosts/host.ts';
import { LocalHost } from '../hosts/local-host.ts';
import type { NodeConfig } from './config.ts';

/** Absolute paths on the node's host. */
export interface NodePaths {
  /** Everything of this node; for `local`, what `destroy` removes. */
  readonly root: string;
  /** The member's data directory; holds `member/`. */
  readonly data: string;
  readonly configFile: string;
  /** Certificates and keys of this member, and the authorities it trusts. */
  readonly pki: string;
}

export interface LabNode {
  readonly name: string;
  readonly address: string;
  readonly clientPort: number;
  readonly peerPort: number;
  /** `https://ADDRESS:PORT` */
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly paths: NodePaths;
  readonly host: Host;
}

/** @param hostsDirectory `.etcdlab/NAME/hosts` @returns the node with a host of provider `local` */
export function localNode(config: NodeConfig, hostsDirectory: string): LabNode {
  const root = join(hostsDirectory, config.name);
  return {
    ...config,
    clientUrl: `https://${config.address}:${config.clientPort}`,
    peerUrl: `https://${config.address}:${config.peerPort}`,
    paths: { root, data: join(root, 'data'), configFile: join(root, 'etcd.conf.yml'), pki: join(root, 'pki') },
    host: new LocalHost(config.name, root),
  };
}
