import { z } from 'zod';
import { waitUntilHealthy } from '../../toolkit/provision/health/mod.ts';
import { defineStep } from './step.ts';

/** Starts all members and waits until the cluster is healthy by every condition of `etcdlab up`. */
export const startAllMembers = defineStep({
  name: 'start-all-members',
  parameters: z.strictObject({}),
  needs: [],
  makes: ['recoveredAt'],
  title: () => 'Start all members and wait until the cluster is healthy',
  async run({ lab, signal, progress, found, now }) {
    await Promise.all(lab.nodes.map((node) => node.host.service.start()));
    await waitUntilHealthy(lab, { signal, onReason: progress });
    found.recoveredAt = now();
    return `${lab.nodes.length} members healthy`;
  },
});
