/** Whether a cluster is healthy, and waiting until it is. */
import type { Lab } from '../../lab/lab.ts';
import { type ClusterView, openClusterView } from './cluster-view.ts';
import { type Condition, UnhealthyError, type WaitOptions, waitFor } from './condition.ts';
import { healthConditions } from './conditions.ts';

export { type ClusterView, openClusterView } from './cluster-view.ts';
export { type Condition, describeShortfalls, type Shortfall, UnhealthyError, type WaitOptions } from './condition.ts';
export { healthConditions } from './conditions.ts';
export { formatLogLine } from './log-line.ts';

/**
 * Waits for one condition; a failure shows the end of the log of the member concerned.
 * @throws UnhealthyError (LAB_UNHEALTHY), LabError LAB_MEMBER_EXITED, LAB_INTERRUPTED
 */
export async function waitForCondition(view: ClusterView, condition: Condition, options: WaitOptions): Promise<void> {
  try {
    await waitFor(condition, options);
  } catch (error) {
    if (!(error instanceof UnhealthyError)) throw error;
    const concerned = view.nodes.find((node) => node.name === error.shortfalls[0]?.node);
    if (concerned === undefined) throw error;
    throw error.withDetails([`the log of ${concerned.name} says:`, ...(await view.tellingLog(concerned))]);
  }
}

/**
 * Waits until every condition of a healthy cluster holds, one after the other.
 * @throws UnhealthyError (LAB_UNHEALTHY), LabError LAB_MEMBER_EXITED, LAB_INTERRUPTED
 */
export async function waitUntilHealthy(lab: Lab, options: WaitOptions = {}): Promise<void> {
  const view = openClusterView(lab);
  try {
    for (const condition of healthConditions(view)) await waitForCondition(view, condition, options);
  } finally {
    view.close();
  }
}
