/** Makes a cluster whole again that never stopped being one: the way back of drills that hurt less than a quorum. */
import { PkiStore, systemSources } from '../../pki/mod.ts';
import { AlarmType } from '../../server/proto/gen/rpc.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { authorityNames } from '../../toolkit/provision/authority-names.ts';
import { applyPki, planPki } from '../../toolkit/provision/certificates.ts';
import { deployPki } from '../../toolkit/provision/deploy-certificates.ts';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { configureMember } from '../../toolkit/provision/members.ts';
import { readRotation, settleRotation } from '../../toolkit/provision/pki/rotation-journal.ts';
import { disarm } from './alarms.ts';
import { replaceMember } from './replace-member.ts';
import { rotateAuthorities } from './rotate-authorities.ts';

export interface RepairPlan {
  /** Members whose data is gone or cannot be trusted, and where it lies. */
  replace: Readonly<Record<string, string>>;
  /** Whether members run with a configuration that they must forget. */
  restart: boolean;
}

/**
 * Puts certificates and configuration back, starts who has stopped, replaces who was hurt, lifts the alarm of a full
 * database, and brings a rotation of authorities to its end. Can be repeated when it was interrupted.
 *
 * @throws LabError when the cluster has no quorum or does not become healthy
 */
export async function repairLab(lab: Lab, plan: RepairPlan, signal: AbortSignal): Promise<void> {
  const store = new PkiStore(lab.paths.pki);
  await settleCertificates(lab, store);
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
  if ((await readRotation(store)) !== undefined) await rotateAuthorities(lab, { signal });
}

/** A rotation that was cut off may have left a key without its certificate: those are issued again, if they can be. */
async function settleCertificates({ nodes, state }: Lab, store: PkiStore): Promise<void> {
  if ((await settleRotation(store)) === undefined) return;
  const authorities = await Promise.all(authorityNames.map((name) => store.read(name)));
  if (authorities.some(({ key }) => key === undefined)) return;
  const plan = await planPki(store, nodes, state.certificates, systemSources.now());
  await applyPki(store, plan, state.certificates, systemSources);
}
