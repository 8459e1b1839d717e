import { z } from 'zod';
import { defineStep } from './step.ts';

/** Kills all members at once and takes their data away: moved aside, so that an error can be undone. */
export const destroyAllMembers = defineStep({
  name: 'destroy-all-members',
  parameters: z.strictObject({}),
  needs: ['snapshot'],
  makes: ['disasterAt'],
  title: (_, { lab }) => `Kill all ${lab.nodes.length} members and take their data away`,
  async run({ lab, runId, journal, found, now }) {
    await journal.begin(lab, runId);
    found.disasterAt = now();
    await Promise.all(lab.nodes.map((node) => node.host.service.kill()));
    await Promise.all(
      lab.nodes.map((node) => node.host.rename(node.paths.data, journal.asideByNode[node.name] as string)),
    );
    return `data moved aside to ${Object.values(journal.asideByNode).map((aside) => aside.split('/').at(-1))[0]} on each`;
  },
});
