import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { interrupted, throwIfInterrupted } from '../../toolkit/errors.ts';
import { openClusterView } from '../../toolkit/provision/health/mod.ts';
import { defineStep } from './step.ts';

const deadlineMs = 20_000;

/** Each member answers, says it is healthy, and believes to be the whole cluster. Only its member list tells. */
export const noticeSingleMembers = defineStep({
  name: 'notice-single-members',
  parameters: z.strictObject({}),
  needs: ['hurt'],
  makes: [],
  title: () => 'Ask each member for its health, then for its member list',
  run: ({ lab, signal, found, measured }) =>
    measured('detect', async () => {
      const view = openClusterView(lab);
      const end = performance.now() + deadlineMs;
      try {
        const lists: { name: string; healthy: boolean; members: string[] }[] = [];
        for (const node of lab.nodes) {
          let healthy = false;
          while (!healthy && performance.now() < end) {
            throwIfInterrupted(signal);
            healthy = await view.linearizableRead(node).then(
              () => true,
              () => false,
            );
            if (!healthy) {
              await delay(50, undefined, { signal }).catch(() => {
                throw interrupted();
              });
            }
          }
          const members = await view.members(node).catch(() => []);
          lists.push({ name: node.name, healthy, members: members.map(({ ID }) => ID.toString(16)) });
        }
        const ids = new Set(lists.flatMap(({ members }) => members));
        const observed = lists
          .map(
            ({ name, healthy, members }) =>
              `${name} ${healthy ? 'healthy' : 'not healthy'}, lists ${members.join(', ') || 'nobody'}`,
          )
          .join('; ');
        found.checks.push({
          name: 'single-members-found',
          passed: lists.every(({ healthy, members }) => healthy && members.length === 1) && ids.size === 1,
          expected: 'each says it is healthy, and lists itself alone, all under one ID',
          observed,
        });
        return observed;
      } finally {
        view.close();
      }
    }),
});
