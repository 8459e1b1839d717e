/** Makes a cluster whole again that never stopped being one: the way back of drills that hurt less than a quorum. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { PkiStore, systemSources } from '../../pki/mod.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import { syncDirectory } from '../../toolkit/hosts/atomic-file.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { authorityNames } from '../../toolkit/provision/authority-names.ts';
import { applyPki, planPki } from '../../toolkit/provision/certificates.ts';
import { deployPki } from '../../toolkit/provision/deploy-certificates.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { readRotation, settleRotation } from '../../toolkit/provision/pki/rotation-journal.ts';
import { disarm } from './alarms.ts';
import { replaceMember } from './replace-member.ts';
import { keepLostKeys, rotateAuthorities } from './rotate-authorities.ts';

export interface RepairPlan {
  /** Members whose data is gone or cannot be trusted, and where it lies. */
  replace: Readonly<Record<string, string>>;
  /** Whether members run with a configuration that they must forget. */
  restart: boolean;
  /** Keys of authorities that were taken away, and where they are. */
  files: readonly { readonly path: string; readonly aside: string }[];
}

/**
 * Puts certificates and configuration back, starts who has stopped, replaces who was hurt, lifts the alarm of a full
 * database, and brings back the keys of authorities, or ends the rotation to new ones. Can be repeated when it was
 * interrupted.
 *
 * @throws LabError when the cluster has no quorum or does not become healthy
 */
export async function repairLab(lab: Lab, plan: RepairPlan, signal: AbortSignal): Promise<void> {
  const store = new PkiStore(lab.paths.pki);
  // Only the drill that takes the keys away makes new ones: the rotation of a user is left as it is.
  const isRotating = plan.files.length > 0 && (await readRotation(store)) !== undefined;
  if (isRotating) await settleCertificates(lab, store);
  else await bringBack(plan.files);
  for (const node of lab.nodes) {
    await deployPki(store, node);
    await configureMember(lab, node.name);
    if ((await node.host.service.status()).state === 'frozen') await node.host.service.thaw();
  }
  const sound = lab.nodes.filter(({ name }) => plan.replace[name] === undefined);
  for (const { host } of sound) {
    if (plan.restart) await host.service.stop();
    await host.service.start();
  }
  for (const [name, aside] of Object.entries(plan.replace)) await replaceMember(lab, name, { aside, signal });
  const client = lab.client();
  try {
    await disarm(client, AlarmType.NOSPACE, signal);
  } finally {
    client.close();
  }
  await waitUntilHealthy(lab, { signal });
  if (!isRotating) return;
  const { retired } = await rotateAuthorities(lab, { signal });
  for (const { aside } of plan.files) await keepLostKeys(path.dirname(aside), retired);
}

/** What has another in its place by now, such as the key of a new authority, stays away. */
async function bringBack(files: RepairPlan['files']): Promise<void> {
  for (const { path: place, aside } of files) {
    if (!existsSync(aside) || existsSync(place)) continue;
    await rename(aside, place);
    await syncDirectory(path.dirname(place));
  }
}

/** Cut off, it may have left a key without its certificate: those are issued again, if they can be. */
async function settleCertificates({ nodes, state }: Lab, store: PkiStore): Promise<void> {
  await settleRotation(store);
  const authorities = await Promise.all(authorityNames.map((name) => store.read(name)));
  if (authorities.some(({ key }) => key === undefined)) return;
  const plan = await planPki(store, nodes, state.certificates, systemSources.now());
  await applyPki(store, plan, state.certificates, systemSources);
}
