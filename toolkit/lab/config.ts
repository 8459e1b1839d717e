/**
 * lab.yaml: the one description of a lab. This file holds its schema and its defaults; `config-file.ts` reads it and
 * says where in the file an error is.
 */
import { isIP, isIPv4 } from 'node:net';
import { z } from 'zod';
import { assertDnsName } from '../../pki/mod.ts';
import { backupsSchema } from './backup-config.ts';
import { engineSchema } from './engine-config.ts';

/** Labels of a host name (RFC 1123), lower case: the name goes into certificates, files and member lists. */
const nodeName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'use lower-case letters, digits and inner hyphens, at most 63');
const port = z.number().int('must be a whole number').min(1, 'must be 1..65535').max(65_535, 'must be 1..65535');

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @param text a number and a unit: `90s`, `30m`, `12h`, `365d` @returns milliseconds, or undefined if it is not one */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text);
  return match ? Number(match[1]) * (unitMs[match[2] as string] as number) : undefined;
}

const tenYearsMs = 3_660 * 86_400_000;
const duration = z.string().transform((text, context) => {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms <= tenYearsMs) return ms;
  context.addIssue({
    code: 'custom',
    message: ms === undefined ? 'use a number and a unit (s, m, h, d), such as 30d' : 'at most 3660d',
  });
  return z.NEVER;
});

/** What a certificate may be valid for besides the node's own name and address. */
const alternativeName = z.string().refine((text) => {
  if (isIP(text)) return true;
  try {
    assertDnsName(text);
    return true;
  } catch {
    return false;
  }
}, 'must be a DNS name or an IP address');

/** A user name as Linux knows it: it becomes an argument of commands. */
const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of a user');

/** Of the virtual machines; read by the Vagrantfile as well. */
const vagrant = z.strictObject({
  /** Default: by provider, as in the Vagrantfile. */
  box: z.string().min(1, 'must name a box').optional(),
  memoryMiB: z.number().int('must be a whole number').min(512, 'must be at least 512').max(65_536).default(1024),
  cpus: z.number().int('must be a whole number').min(1, 'must be 1..16').max(16, 'must be 1..16').default(1),
});

/** How to log in. In `ssh` for all nodes, in a node's `ssh` for that one. */
const sshSettings = {
  user: userName.optional(),
  port: port.optional(),
  /** A private key without passphrase; without it, the agent's keys. */
  identityFile: z.string().min(1, 'must name a file').optional(),
};

const nodeSsh = z.strictObject({
  ...sshSettings,
  /** Where sshd listens, if that is not the node's address. */
  host: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/, 'must be a host name or an address')
    .optional(),
  /** As `ssh-keygen -lf` prints it. */
  hostKey: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'must be a fingerprint: SHA256: and 43 characters')
    .optional(),
});

const node = z.strictObject({
  name: nodeName,
  address: z.string().refine(isIPv4, 'must be an IPv4 address').default('127.0.0.1'),
  clientPort: port.default(2379),
  peerPort: port.default(2380),
  /**
   * Other names and addresses that clients dial, or that the member's own connections come from: a second network
   * card, a load balancer. Peers are refused whose address is not in their certificate.
   */
  alternativeNames: z.array(alternativeName).max(20, 'at most 20').optional(),
  ssh: nodeSsh.optional(),
});

const defaultNodes: z.input<typeof node>[] = [
  { name: 'node1', address: '127.0.0.1', clientPort: 2379, peerPort: 2380 },
  { name: 'node2', address: '127.0.0.1', clientPort: 22379, peerPort: 22380 },
  { name: 'node3', address: '127.0.0.1', clientPort: 32379, peerPort: 32380 },
];

const certificates = z.strictObject({
  /** Of all keys of members and clients. */
  algorithm: z.enum(['ecdsa-p256', 'ecdsa-p384']).default('ecdsa-p256'),
  /** Of the authorities' keys, for whom policy asks for RSA; without it, as `algorithm`. */
  authorityAlgorithm: z.enum(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096']).optional(),
  authorityValidity: duration.prefault('365d'),
  validity: duration.prefault('30d'),
  /** How long before they are issued certificates become valid, for hosts whose clock runs behind. */
  backdate: duration.prefault('5m').refine((ms) => ms <= 86_400_000, 'at most 1d: mend the clock'),
});

/** VirtualBox allows host-only addresses in 192.168.56.0/21 without a settings file. */
const defaultMachines: z.input<typeof node>[] = [
  { name: 'node1', address: '192.168.56.10' },
  { name: 'node2', address: '192.168.56.11' },
  { name: 'node3', address: '192.168.56.12' },
];

/** Machines have addresses of their own; those of a cloud nobody can guess. */
function withDefaultNodes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const config = value as Record<string, unknown>;
  if (config.nodes !== undefined || config.provider === 'ssh') return value;
  return { ...config, nodes: config.provider === 'vagrant' ? defaultMachines : defaultNodes };
}

/** Unknown keys are errors: a misspelt key must not be silently ignored. */
const labObject = z
  .strictObject({
    name: nodeName.default('lab'),
    provider: z.enum(['local', 'vagrant', 'ssh']).default('local'),
    engine: engineSchema.prefault('built-in'),
    ssh: z.strictObject(sshSettings).optional(),
    vagrant: vagrant.optional(),
    nodes: z.array(node).min(1, 'a lab needs at least one node').max(9, 'at most 9 nodes'),
    certificates: certificates.prefault({}),
    backups: backupsSchema.optional(),
    /** A folder with exercises of one's own for the workshop. */
    exercises: z.string().min(1, 'must name a folder').optional(),
  })
  .superRefine((config, context) => {
    refuseDuplicates(config.nodes, context);
    if (config.provider !== 'local') refuseSharedHosts(config.nodes, context);
    else refuseSshSettings(config, context);
    if (config.provider !== 'vagrant' && config.vagrant !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['vagrant'],
        message: `has no meaning with provider: ${config.provider}`,
      });
    }
    if (config.certificates.validity > config.certificates.authorityValidity) {
      context.addIssue({
        code: 'custom',
        path: ['certificates', 'validity'],
        message: 'must not exceed authorityValidity: a certificate cannot outlive its authority',
      });
    }
  });

/** The schema of lab.yaml. */
export const labConfigSchema = z.preprocess(withDefaultNodes, labObject);

export type LabConfig = z.output<typeof labObject>;
export type NodeConfig = LabConfig['nodes'][number];
export type { EngineConfig } from './engine-config.ts';
export type Provider = LabConfig['provider'];

/** A machine runs one member: it has one service of that name, one data directory, one configuration. */
function refuseSharedHosts(nodes: readonly NodeConfig[], context: z.RefinementCtx): void {
  nodes.forEach(({ address }, index) => {
    const path = ['nodes', index, 'address'];
    if (address.startsWith('127.')) {
      context.addIssue({ code: 'custom', path, message: `${address} is every machine's own: name the host's address` });
    } else if (nodes.findIndex((other) => other.address === address) < index) {
      context.addIssue({ code: 'custom', path, message: `${address} is the host of another node: each needs its own` });
    }
  });
}

function refuseSshSettings(config: Pick<LabConfig, 'engine' | 'nodes' | 'ssh'>, context: z.RefinementCtx): void {
  const message = 'has no meaning with provider: local';
  if (config.engine.kind === 'upstream' && config.engine.installed !== undefined) {
    context.addIssue({ code: 'custom', path: ['engine', 'installed'], message: `${message}: give it as path` });
  }
  if (config.ssh !== undefined) context.addIssue({ code: 'custom', path: ['ssh'], message });
  config.nodes.forEach(({ ssh }, index) => {
    if (ssh !== undefined) context.addIssue({ code: 'custom', path: ['nodes', index, 'ssh'], message });
  });
}

function refuseDuplicates(nodes: readonly NodeConfig[], context: z.RefinementCtx): void {
  const seen = new Map<string, string>();
  const claim = (value: string, path: (string | number)[]) => {
    const first = seen.get(value);
    if (first === undefined) seen.set(value, path.join('.'));
    else context.addIssue({ code: 'custom', path, message: `${value} is already used by ${first}` });
  };
  nodes.forEach(({ name, address, clientPort, peerPort }, index) => {
    claim(name, ['nodes', index, 'name']);
    claim(`${address}:${clientPort}`, ['nodes', index, 'clientPort']);
    claim(`${address}:${peerPort}`, ['nodes', index, 'peerPort']);
  });
}
