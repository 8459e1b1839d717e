import { z } from 'zod';
import { LabError } from '../../toolkit/errors.ts';
import { healthConditions, openClusterView, waitForCondition } from '../../toolkit/provision/health/mod.ts';
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
  async run({ lab, signal, progress, found, now }) {
    await Promise.all(lab.nodes.map((node) => node.host.service.start()));
    const view = openClusterView(lab);
    try {
      for (const condition of healthConditions(view)) {
        if (leftToVerification.has(condition.id)) continue;
        await waitForCondition(view, condition, { signal, onReason: progress });
      }
      found.recovery = { at: now() };
      return `${lab.nodes.length} members healthy`;
    } catch (error) {
      if (!(error instanceof LabError) || !['LAB_UNHEALTHY', 'LAB_MEMBER_EXITED'].includes(error.code)) throw error;
      found.recovery = { problem: [error.message, ...error.details].join('\n') };
      return `not healthy: ${error.message}`;
    } finally {
      view.close();
    }
  },
});
