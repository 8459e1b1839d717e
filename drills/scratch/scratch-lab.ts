/**
 * A cluster of its own on this machine, in an empty folder, with certificates of its own: where a snapshot is tried
 * out without a member of the real cluster being touched.
 */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { PkiStore, systemSources } from '../../pki/mod.ts';
import { LabError } from '../../toolkit/errors.ts';
import { LocalHost } from '../../toolkit/hosts/local-host.ts';
import { bindError } from '../../toolkit/hosts/port-owner.ts';
import { type EngineConfig, labConfigSchema } from '../../toolkit/lab/config.ts';
import { ensureBuilt } from '../../toolkit/lab/engine.ts';
import { Lab } from '../../toolkit/lab/lab.ts';
import { applyPki, planPki } from '../../toolkit/provision/certificates.ts';
import { deployPki } from '../../toolkit/provision/deploy-certificates.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { nextState } from '../../toolkit/provision/up.ts';

/** Folders of scratch labs that belong to no run begin like this. */
export const trialFolder = '.trial-';

/** The folder beside a run's report that holds its scratch labs. */
const scratchFolder = 'scratch';
/** Below the ports that kernels give to outgoing connections. */
const firstPort = 20_000;
const portCount = 12_000;
const maxTries = 1000;

export interface ScratchOptions {
  /** The folder of the run, or another that is removed by whoever owns it. */
  directory: string;
  engine: EngineConfig;
  members: number;
}

/**
 * Describes the lab, and makes certificates and configuration. Nothing is started: its members have no data yet.
 *
 * @returns the lab, to be ended with `removeScratchLab`
 */
export async function createScratchLab({ directory, engine, members }: ScratchOptions): Promise<Lab> {
  if (engine.kind === 'built-in') await ensureBuilt();
  const ports = await freePorts(2 * members);
  const nodes = Array.from({ length: members }, (_, i) => ({
    name: `scratch${i + 1}`,
    clientPort: ports[2 * i],
    peerPort: ports[2 * i + 1],
  }));
  const config = labConfigSchema.parse({ name: scratchFolder, engine, nodes });
  const lab = await Lab.save(directory, nextState(undefined, config));
  const store = new PkiStore(lab.paths.pki);
  const plan = await planPki(store, lab.nodes, config.certificates, systemSources.now());
  await applyPki(store, plan, config.certificates, systemSources);
  for (const node of lab.nodes) {
    await deployPki(store, node);
    await configureMember(lab, node.name);
  }
  return lab;
}

/** Ends its members and removes all of it. */
export async function removeScratchLab(lab: Lab): Promise<void> {
  await Promise.all(lab.nodes.map(({ host }) => host.service.kill()));
  await rm(lab.paths.root, { recursive: true, force: true });
}

/**
 * Ends and removes the scratch labs that killed runs have left.
 *
 * @param reports the folder of all runs
 */
export async function removeScratchLabs(reports: string): Promise<void> {
  for (const run of await readdir(reports).catch(() => [])) {
    const root = path.join(reports, run, scratchFolder);
    const hosts = path.join(root, 'hosts');
    const names = await readdir(hosts).catch(() => []);
    await Promise.all(names.map((name) => new LocalHost(name, path.join(hosts, name)).service.kill()));
    const isTrial = run.startsWith(trialFolder);
    await rm(isTrial ? path.join(reports, run) : root, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > maxTries) {
      throw new LabError('LAB_PORTS', `no free ports between ${firstPort} and ${firstPort + portCount}`);
    }
    const port = firstPort + Math.floor(Math.random() * portCount);
    if (!ports.includes(port) && (await bindError('127.0.0.1', port)) === undefined) ports.push(port);
  }
  return ports;
}
