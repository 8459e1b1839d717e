/** Members that were started and are gone, though nobody asked them to stop. */
import { LabError } from '../../errors.ts';
import type { LabNode } from '../../lab/nodes.ts';
import { type Finding, problem } from './finding.ts';

/** @returns a warning per such member; machines that cannot be reached are reported by another check */
export async function checkEnded(nodes: readonly LabNode[]): Promise<Finding[]> {
  const findings = await Promise.all(
    nodes.map(async ({ name, host }) => {
      const status = await host.service.status().catch((error: unknown) => {
        if (error instanceof LabError) return undefined;
        throw error;
      });
      if (status?.state !== 'exited') return [];
      const found = `was started at ${status.startedAt?.toISOString() ?? 'an unknown time'} and has ended by itself`;
      return [problem('warning', 'member-runs', name, found, `etcdlab logs ${name} says why, etcdlab up starts it`)];
    }),
  );
  return findings.flat();
}
