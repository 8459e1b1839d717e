/** Some things are done to a healthy cluster only: what is done to a sick one proves nothing, or makes it worse. */
import { LabError } from '../errors.ts';
import type { Lab } from '../lab/lab.ts';
import { openClusterView } from './health/mod.ts';
import { clusterStatus } from './status.ts';

/** @param why a clause for the message @throws LabError LAB_PREFLIGHT with all problems */
export async function requireHealthy(lab: Lab, why: string): Promise<void> {
  const view = openClusterView(lab);
  try {
    const { healthy, problems } = await clusterStatus(lab.name, view);
    if (healthy) return;
    throw new LabError('LAB_PREFLIGHT', `lab '${lab.name}' is not healthy, and ${why}`, {
      details: problems,
      advice: 'etcdlab up',
    });
  } finally {
    view.close();
  }
}
