/**
 * What is remembered about a lab: `.etcdlab/NAME/`, mode 0700, removed as a whole by `destroy`.
 *
 *     pki/            authorities, certificates, keys
 *     hosts/NODE/     provider local: data, configuration, certificates, log and process of the member
 *     backups/        snapshots
 *     reports/        of drills
 *     state.json      what was brought up
 *     drill-journal.json  what a drill at work, or interrupted, has moved aside
 *     known_hosts     the host keys that were trusted (providers vagrant and ssh)
 *     lock.N          who is working on the lab (lock.ts)
 */
import { mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { LabError } from '../errors.ts';
import { writeFileAtomically } from '../hosts/atomic-file.ts';

const bootstrapSchema = z.strictObject({
  token: z.string(),
  clusterState: z.enum(['new', 'existing']),
  /** `initial-cluster`: the peer URL of each member by name. */
  cluster: z.record(z.string(), z.string()),
});

/** How a member without data finds its cluster. Ignored by a member that has data. */
export type Bootstrap = z.output<typeof bootstrapSchema>;

const nodeStateSchema = z.strictObject({
  name: z.string(),
  address: z.string(),
  clientPort: z.number(),
  peerPort: z.number(),
  alternativeNames: z.array(z.string()).optional(),
  /** How the node's host is reached; there unless the provider is `local`. */
  ssh: z
    .strictObject({ host: z.string(), port: z.number(), user: z.string(), identityFile: z.string().optional() })
    .optional(),
  /** Where the engine's executables are on the node's host; there unless the provider is `local`. */
  engineFolder: z.string().optional(),
});

/** A node as it was brought up. */
export type NodeState = z.output<typeof nodeStateSchema>;

export const engineStateSchema = z.union([
  z.strictObject({ kind: z.literal('built-in') }),
  z.strictObject({ kind: z.literal('upstream'), path: z.string() }),
]);

const stateSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  provider: z.enum(['local', 'vagrant', 'ssh']),
  engine: engineStateSchema,
  nodes: z.array(nodeStateSchema),
  certificates: z.strictObject({
    algorithm: z.enum(['ecdsa-p256', 'ecdsa-p384']),
    authorityAlgorithm: z.enum(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096']).optional(),
    authorityValidity: z.number(),
    validity: z.number(),
    backdate: z.number().default(300_000),
  }),
  createdAt: z.iso.datetime(),
  /** By node name. */
  bootstrap: z.record(z.string(), bootstrapSchema),
  /** Names of the nodes whose member was seen with data: none of them may start as a blank one again. */
  membersWithData: z.array(z.string()).optional(),
});

export type LabState = z.output<typeof stateSchema>;

export interface LabPaths {
  /** `.etcdlab/NAME` */
  readonly root: string;
  readonly pki: string;
  readonly hosts: string;
  readonly backups: string;
  readonly reports: string;
  readonly stateFile: string;
  readonly knownHostsFile: string;
  /** There while a drill has the members' data moved aside. */
  readonly drillJournalFile: string;
  /** There while members are moved from one engine to the other. */
  readonly engineSwitchFile: string;
}

/** @param stateDirectory the folder that holds all labs: `.etcdlab` */
export function labPaths(stateDirectory: string, name: string): LabPaths {
  const root = resolve(stateDirectory, name);
  return {
    root,
    pki: join(root, 'pki'),
    hosts: join(root, 'hosts'),
    backups: join(root, 'backups'),
    reports: join(root, 'reports'),
    stateFile: join(root, 'state.json'),
    knownHostsFile: join(root, 'known_hosts'),
    drillJournalFile: join(root, 'drill-journal.json'),
    engineSwitchFile: join(root, 'engine-switch.json'),
  };
}

/** @returns the state, or undefined if the lab was never brought up @throws LabError LAB_STATE if the file is damaged */
export async function readState(paths: LabPaths): Promise<LabState | undefined> {
  let text: string;
  try {
    text = await readFile(paths.stateFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LabError('LAB_STATE', `${paths.stateFile} is damaged or was written by another version of etcdlab`, {
      details: cause instanceof z.ZodError ? cause.issues.map((i) => `${i.path.join('.')}: ${i.message}`) : [],
      advice: 'restore the file, or remove the lab with: etcdlab destroy',
      cause,
    });
  }
}

/** Makes the lab's folders and writes state.json, durably. */
export async function writeState(paths: LabPaths, state: LabState): Promise<void> {
  for (const directory of [paths.root, paths.pki, paths.hosts, paths.backups, paths.reports]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  }
  await writeFileAtomically(paths.stateFile, `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/**
 * Removes a lab's folder, and the folder of all labs if it is then empty. The folder is renamed first: at no time is
 * there half a lab, and whoever starts a new one of that name meanwhile is not disturbed.
 */
export async function removeLabFolder(root: string): Promise<void> {
  const doomed = join(dirname(root), `.removed-${basename(root)}-${process.pid}`);
  try {
    await rename(root, doomed);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await rm(doomed, { recursive: true, force: true });
  // Fails while other labs are there, which is as it should be.
  await rmdir(dirname(root)).catch(() => undefined);
}
