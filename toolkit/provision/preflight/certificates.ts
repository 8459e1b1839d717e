/** The certificates that are there: can the authorities be used, what will be renewed, may others read the keys? */
import type { PkiStore } from '../../../pki/mod.ts';
import { LabError } from '../../errors.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { type CertificateSettings, planPki } from '../certificates.ts';
import { type Finding, ok, problem } from './finding.ts';

export async function checkCertificates(
  store: PkiStore,
  nodes: readonly LabNode[],
  settings: CertificateSettings,
  now: Date,
): Promise<Finding[]> {
  return [await checkPlan(store, nodes, settings, now), ...(await checkPermissions(store))];
}

async function checkPlan(
  store: PkiStore,
  nodes: readonly LabNode[],
  settings: CertificateSettings,
  now: Date,
): Promise<Finding> {
  const check = 'certificates';
  try {
    const plan = await planPki(store, nodes, settings, now);
    if (plan.newAuthorities.length === 2) return ok(check, store.directory, 'none yet: up makes them');
    const valid = `${plan.wantedCount - plan.toIssue.length} of ${plan.wantedCount} are valid`;
    const [first] = plan.toIssue;
    if (first === undefined) return ok(check, store.directory, valid);
    const found = `${valid}; ${first.wanted.name} ${first.reason}`;
    return problem('warning', check, store.directory, found, 'etcdlab up issues them again, without a restart');
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return problem('error', check, store.directory, error.message, error.advice.join('; '));
  }
}

async function checkPermissions(store: PkiStore): Promise<Finding[]> {
  const loose = await store.loosePermissions();
  return loose.map((path) => problem('warning', 'key-permissions', path, 'others may read it', `chmod go= ${path}`));
}
