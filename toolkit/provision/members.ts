/** Puts configuration and service definition of a member on its host. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { PkiStore } from '../../pki/mod.ts';
import type { StopOptions } from '../hosts/host.ts';
import type { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/nodes.ts';
import type { Bootstrap } from '../lab/state.ts';
import { trustedAuthorities } from './certificates.ts';

/** What a member needs before it can start with the present configuration. */
export type PendingAction = 'none' | 'start' | 'thaw' | 'restart';

/**
 * Renders and defines; the running process is left alone.
 * @param change as of `Lab.configure`
 * @returns whether anything was changed on the host
 */
export async function configureMember(lab: Lab, name: string, change: Partial<Bootstrap> = {}): Promise<boolean> {
  const node = lab.node(name);
  const configured = await lab.configure(name, change);
  const defined = await node.host.service.define({
    executable: node.binaries.etcd,
    args: ['--config-file', node.paths.configFile],
    revision: await memberRevision(lab, node),
  });
  return configured || defined;
}

/** @returns a digest of all that a member reads once, at its start: configuration, authorities, executable */
export async function memberRevision(lab: Lab, node: LabNode): Promise<string> {
  const config = (await node.host.getFile(node.paths.configFile)) ?? new Uint8Array();
  return createHash('sha256')
    .update(config)
    .update(await trustedAuthorities(new PkiStore(lab.paths.pki)))
    .update(await executableRevision(node))
    .digest('hex');
}

/** On a machine, the folder of an engine has the digest of what is in it in its name. */
async function executableRevision({ host, binaries: { etcd } }: LabNode): Promise<string> {
  if (host.kind !== 'local') return etcd;
  const { size, mtimeMs } = await stat(etcd);
  return `${etcd} ${size} ${mtimeMs}`;
}

/** @returns what must be done so that the member runs, and with its present configuration */
export async function pendingAction(lab: Lab, node: LabNode): Promise<PendingAction> {
  const status = await node.host.service.status();
  if (status.state === 'stopped' || status.state === 'exited') return 'start';
  if (status.revision !== (await memberRevision(lab, node))) return 'restart';
  return status.state === 'frozen' ? 'thaw' : 'none';
}

/**
 * Stops all members, one after the other. A leader hands over before it stops: stopped together with its followers, it
 * would wait seven seconds for one of them to take over.
 */
export async function stopMembers(lab: Lab, options?: StopOptions): Promise<void> {
  for (const node of lab.nodes) await node.host.service.stop(options);
}
