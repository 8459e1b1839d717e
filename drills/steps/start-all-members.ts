import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import type { Lab } from '../../toolkit/lab/lab.ts';
import { healthConditions, openClusterView, waitForCondition } from '../../toolkit/provision/health/mod.ts';
import { allDone } from '../../toolkit/provision/side-by-side.ts';
import type { DrillContext } from '../engine/context.ts';
import type { Recovery } from '../verification/evidence.ts';
import { defineStep } from './step.ts';

/**
 * What verification judges by itself, member by member and key by key: waiting here would end the drill before it
 * could show the difference.
 */
const leftToVerification = new Set(['members-complete', 'hash-equal']);

/**
 * Starts all members and waits until the cluster serves. That it does not is what a drill is there to find out: it
 * becomes a check that fails, beside all that the members show.
 */
export const startAllMembers = defineStep({
  name: 'start-all-members',
  parameters: z.strictObject({}),
  needs: [],
  makes: ['recovery'],
  title: () => 'Start all members and wait until the cluster is healthy',
  async run({ lab, signal, progress, found, now, journal, measured }) {
    await journal.serving();
    return measured('start', async () => {
      await allDone(lab.nodes.map((node) => node.host.service.start()));
      const { summary, recovery } = await waitUntilServing(lab, { signal, progress, now });
      found.recovery = recovery;
      return summary;
    });
  },
});

/** @returns when the cluster served, or why it does not @throws LabError LAB_INTERRUPTED */
export async function waitUntilServing(
  lab: Lab,
  { signal, progress, now }: Pick<DrillContext, 'signal' | 'progress' | 'now'>,
): Promise<{ summary: string; recovery: Recovery }> {
  const view = openClusterView(lab);
  try {
    for (const condition of healthConditions(view)) {
      if (leftToVerification.has(condition.id)) continue;
      await waitForCondition(view, condition, { signal, onReason: progress });
    }
    return { summary: `${lab.nodes.length} members healthy`, recovery: { at: now() } };
  } catch (error) {
    if (!(error instanceof LabError) || !['LAB_UNHEALTHY', 'LAB_MEMBER_EXITED'].includes(error.code)) throw error;
    const problem = [error.message, ...error.details].join('\n');
    return { summary: `not healthy: ${error.message}`, recovery: { problem } };
  } finally {
    view.close();
  }
}
